// Package bugs holds mistakes that the product does not make, to show that the
// checker notices each. A bug is a small change of the product's source for one
// build only (go build -overlay). It names a function and, through the syntax tree,
// an expression in it, so it survives renamed variables and rewritten comments. If
// the function or the expression is gone, [Plant] fails.
package bugs

// Bug is one planted mistake.
type Bug struct {
	Name    string
	Does    string // in a sentence
	Changes []Change
	Trial   Trial
	// Shows lists the kinds of finding that count as noticing the mistake. Other
	// kinds may be effects of the kills.
	Shows []string
}

// Trial is the kind of harm under which the bug shows soonest. The checks are
// the same in every trial.
type Trial struct {
	Border  string // the process dies at that border of the delivery; empty: it is killed at random
	Scanner bool   // some files are infected, and a scanner looks for them
	Moment  Moment // at which processes are killed and wires cut
	MinSize int64  // bytes; no file is smaller
}

// Moment is the last thing a page saw before harm is done.
type Moment string

// The moments.
const (
	AnyTime   Moment = ""
	Sent      Moment = "sent"      // a frame has gone out
	Acked     Moment = "acked"     // an ack has come
	Accepted  Moment = "accepted"  // the sender was sent that state
	Announced Moment = "announced" // the notice has come
)

// Moments lists every moment.
var Moments = []Moment{AnyTime, Sent, Acked, Accepted, Announced}
