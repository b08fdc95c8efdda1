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
	Store   Store  // whose runs can show it
	Judge   Judge  // that must catch it
	Changes []Change
	Trial   Trial // for the judge Kills
	// Shows lists the kinds of finding that count as noticing the mistake, for the judge
	// Kills. Other kinds may be effects of the kills.
	Shows []string
}

// Store names what holds the content in a run.
type Store string

// The stores. A mistake outside of them shows in runs on either.
const (
	AnyStore Store = ""
	Files    Store = "files"   // the command with --data: plain files on its machine
	Objects  Store = "objects" // the command with --nats: JetStream's object store
)

// Has reports whether a run on that store is one for s.
func (s Store) Has(on Store) bool { return s == AnyStore || s == on }

// Judge names what must catch a bug.
type Judge string

const (
	// Kills is the checker, in runs under kills and cuts.
	Kills Judge = ""
	// ModelDisk is the tests of package files on a model of a disk that loses power. A
	// killed process leaves the kernel's cache behind, so no kill shows a missing sync.
	ModelDisk Judge = "model disk"
	// Suite is the cases that both stores share. It can do at once what the proxy does not
	// let a page do.
	Suite Judge = "suite"
)

// Trial is the kind of harm under which the bug shows soonest. The checks are
// the same in every trial.
type Trial struct {
	Border  string // the process dies at that border of the delivery; empty: it is killed at random
	Scanner bool   // some files are infected, and a scanner looks for them
	Moment  Moment // at which processes are killed and wires cut
	MinSize int64  // bytes; no file is smaller
	Relay   bool   // through two processes in a row, as the scenario gms has them; a border's process is the first one
	HideKey bool   // of a relay: the first process does not send its keys to the second
	Slow    bool   // of a relay: the scanner takes a while for some files
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
