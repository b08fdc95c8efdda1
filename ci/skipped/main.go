// Command skipped reads what go test -json writes and prints what go test alone
// would have: a line for each package, and all that a failed test said. Which
// tests were skipped, and why, it adds to the file that it is given.
//
//	go test -json ./... | go run ./ci/skipped FILE
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ci/skipped:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("name the file that the skipped tests are written to")
	}
	list, err := os.OpenFile(args[0], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(sort(os.Stdin, os.Stdout, list), list.Close())
}

// event is a line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output string
}

// noise is what -json adds, because it implies -v.
var noise = regexp.MustCompile(`(?m)^(=== .*|\s*--- SKIP: .*|PASS)\n`)

// sort prints what matters, and lists what was skipped.
func sort(in io.Reader, print, list io.Writer) error {
	said := map[event]string{} // by package and test; of a package's own, no test
	for d := json.NewDecoder(in); ; {
		var e event
		if err := d.Decode(&e); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("read what go test says: %w", err)
		}
		who := event{Package: e.Package, Test: e.Test}
		text := noise.ReplaceAllString(said[who], "")
		switch e.Action {
		case "build-output":
			io.WriteString(print, e.Output)
		case "output":
			said[who] += e.Output
		case "pass":
			if e.Test == "" {
				io.WriteString(print, lastLine(text))
			}
			delete(said, who)
		case "skip":
			if e.Test == "" {
				io.WriteString(print, text)
			} else {
				fmt.Fprintf(list, "%s %s: %s\n", e.Package, e.Test, strings.Join(strings.Fields(text), " "))
			}
			delete(said, who)
		case "fail":
			if e.Test == "" {
				unfinished(print, said, e.Package)
			}
			io.WriteString(print, text)
			delete(said, who)
		}
	}
}

// unfinished prints what tests said that a panic or a time-out has ended.
func unfinished(print io.Writer, said map[event]string, in string) {
	for who, text := range said {
		if who.Package == in && who.Test != "" {
			io.WriteString(print, noise.ReplaceAllString(text, ""))
			delete(said, who)
		}
	}
}

func lastLine(text string) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	return lines[len(lines)-1] + "\n"
}
