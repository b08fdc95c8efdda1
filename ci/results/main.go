// Command results reads what go test -json writes and prints what go test alone
// would have printed: a line for each package, and the output of failed tests. It
// appends to two files: which tests were skipped and why, and how many seconds each
// package took.
//
//	go test -json ./... | go run ./ci/results SKIPPED SECONDS
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
		fmt.Fprintln(os.Stderr, "ci/results:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("name two files: for the skipped tests and for the packages' seconds")
	}
	var files [2]*os.File
	for i, name := range args {
		file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		files[i] = file
	}
	return sort(os.Stdin, os.Stdout, files[0], files[1])
}

// event is a line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// name identifies a test, or with no test its package.
type name struct{ pkg, test string }

// noise is what -json adds, because it implies -v.
var noise = regexp.MustCompile(`(?m)^(=== .*|\s*--- SKIP: .*|PASS)\n`)

// sort prints what matters, and lists the skipped tests and the seconds.
func sort(in io.Reader, print, skipped, seconds io.Writer) error {
	output := map[name]string{}
	for d := json.NewDecoder(in); ; {
		var e event
		if err := d.Decode(&e); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the output of go test: %w", err)
		}
		of := name{e.Package, e.Test}
		text := noise.ReplaceAllString(output[of], "")
		switch e.Action {
		case "build-output":
			io.WriteString(print, e.Output)
			continue
		case "output":
			output[of] += e.Output
			continue
		case "pass":
			if e.Test == "" {
				io.WriteString(print, lastLine(text))
			} else {
				output[name{pkg: e.Package}] += afterVerdict(output[of])
			}
		case "skip":
			if e.Test == "" {
				io.WriteString(print, text)
			} else {
				fmt.Fprintf(skipped, "%s %s: %s\n", e.Package, e.Test, strings.Join(strings.Fields(text), " "))
			}
		case "fail":
			if e.Test == "" {
				unfinished(print, output, e.Package)
			}
			io.WriteString(print, text)
		default:
			continue
		}
		delete(output, of)
		if e.Test == "" && e.Elapsed > 0 {
			fmt.Fprintf(seconds, "%7.1f  %s\n", e.Elapsed, e.Package)
		}
	}
}

// unfinished prints the output of tests that a panic or a timeout has ended.
func unfinished(print io.Writer, output map[name]string, pkg string) {
	for of, text := range output {
		if of.pkg == pkg && of.test != "" {
			io.WriteString(print, noise.ReplaceAllString(text, ""))
			delete(output, of)
		}
	}
}

// verdict is the line with which a passed test ends.
var verdict = regexp.MustCompile(`(?m)^\s*--- PASS: .*\n`)

// afterVerdict returns what go test prints after a passed test's last line and takes
// for that test's: the panic of a package that times out then.
func afterVerdict(output string) string {
	if end := verdict.FindStringIndex(output); end != nil {
		return output[end[1]:]
	}
	return ""
}

func lastLine(text string) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	return lines[len(lines)-1] + "\n"
}
