// Package bugs holds mistakes that the product does not make, so that the
// checker can be shown to notice each. A bug is a small change of the product's
// present source, made for one build only (go build -overlay); where the lines it
// changes are not there any more it cannot be planted, and says so.
package bugs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Bug is one planted mistake.
type Bug struct {
	Name    string
	Does    string // in a sentence
	Changes []Change
	Trial   Trial
	// Shows is the kinds of finding that the mistake must lead to. Whatever else
	// is found may be the harm's doing, and does not count as noticed.
	Shows []string
}

// Trial says under which harm the bug shows soonest. What is looked for is the
// same in every trial.
type Trial struct {
	Border  string // the process dies at that border of the delivery; empty: it is killed at random
	Scanner bool   // some files are infected, and a scanner looks for them
	Moment  Moment // at which processes are killed and wires cut
	MinSize int64  // bytes; no file is smaller
}

// Moment is what a page has just seen when harm is done.
type Moment string

// The moments.
const (
	AnyTime   Moment = ""
	Sent      Moment = "sent"      // a frame has gone out
	Acked     Moment = "acked"     // an ack has come
	Accepted  Moment = "accepted"  // the sender was told so
	Announced Moment = "announced" // the notice has come
)

// Moments is every one.
var Moments = []Moment{AnyTime, Sent, Acked, Accepted, Announced}

// Change replaces Old, which stands once in File, by New. An empty Old makes
// a file of that name.
type Change struct {
	File     string // below the module's directory
	Old, New string
}

// Plant writes the changed files into dir and returns what go build's overlay
// replaces by them. The product's own files stay as they are.
func Plant(module, dir string, changes ...Change) (map[string]string, error) {
	replaced, texts := map[string]string{}, map[string]string{}
	for _, c := range changes {
		original := filepath.Join(module, filepath.FromSlash(c.File))
		text, known := texts[original]
		if !known && c.Old != "" {
			b, err := os.ReadFile(original)
			if err != nil {
				return nil, fmt.Errorf("plant a bug: %w", err)
			}
			text = string(b)
		}
		if c.Old == "" {
			texts[original] = c.New
			continue
		}
		if n := strings.Count(text, c.Old); n != 1 {
			return nil, fmt.Errorf("plant a bug: %s has these lines %d times and not once:\n%s", c.File, n, c.Old)
		}
		texts[original] = strings.Replace(text, c.Old, c.New, 1)
	}
	for original, text := range texts {
		name := strings.ReplaceAll(strings.TrimPrefix(original, module), string(filepath.Separator), "_")
		path := filepath.Join(dir, strings.TrimPrefix(name, "_"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("plant a bug: %w", err)
		}
		replaced[original] = path
	}
	return replaced, nil
}
