package bugs

import "fmt"

// A build with a border's hooks stops the first time it reaches the border that
// CrashVariable names. It creates the file that GateVariable names, and resumes
// when that is removed: meanwhile a process can be killed.
const (
	CrashVariable = "ATTACHE_CRASH"
	GateVariable  = "ATTACHE_CRASH_GATE"
)

// Hooks are the changes that the trial itself needs.
func (t Trial) Hooks() []Change {
	var all []Change
	if t.Border != "" {
		all = append(all, crashes...)
	}
	if t.Scanner {
		all = append(all, scanner...)
	}
	return all
}

// Hooked names the build that has the trial's hooks and no bug.
func (t Trial) Hooked() string { return fmt.Sprintf("hooks-%t-%t", t.Border != "", t.Scanner) }

// crashes stop the process at a border between two steps: of the delivery, of what
// comes before it, of what a backend does for it, and of the files store.
var crashes = []Change{
	{"proxy", "planted_crash.go", File("package proxy\n" + crash)},
	{"proxy/deliver", "planted_crash.go", File("package deliver\n" + crash)},
	{"proxy/backend", "planted_crash.go", File("package backend\n" + crash)},
	{"proxy/files", "planted_crash.go", File("package files\n" + crash)},
	{"proxy/files", "crashPoint", Replace(Value, "crash")},
	{"proxy/gms/upstream", "planted_crash.go", File("package upstream\n" + crash)},
	{"proxy/gms/upstream", "crashPoint", Replace(Value, "crash")},
	{"proxy", "crashPoint", Replace(Value, "crash")},
	{"proxy", "Transfers.beginBoth", After(Call("Wait"), `crash("begun")`)},
	{"proxy", "upload.accept", Around(Call("change"), "crash(\"accepting\")\n$stmt\ncrash(\"accepted\")")},
	{"proxy/deliver", "crashPoint", Replace(Value, "crash")},
	{"proxy/deliver", "job.store", Before(Call("Add"), `crashPoint("storing")`)},
	{"proxy/deliver", "job.post", Before(Call("Post"), `crashPoint("announcing")`)},
	{"proxy/backend", "Handler.put", After(Call("Put"), `crash("put")`)},
	{"proxy/backend", "Handler.post", After(Call("Post"), "if $a4.IsFile() {\ncrash(\"posted\")\n}")},
}

const crash = `
import (
	"os"
	"sync"
	"time"
)

var (
	crashBorder = os.Getenv("` + CrashVariable + `")
	crashGate   = os.Getenv("` + GateVariable + `")
	crashOnce   sync.Once
)

func crash(name string) {
	if name != crashBorder {
		return
	}
	crashOnce.Do(func() {
		os.WriteFile(crashGate, nil, 0o600)
		for {
			if _, err := os.Stat(crashGate); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
}
`

// Infected is what the planted scanner finds at a file's beginning.
const Infected = "this is a planted infection, and it harms nobody"

// scanner gives the command a scanner of its own, so that uploads have one to
// wait for.
var scanner = []Change{
	{"proxy/assembly", "Open", Replace(Argument(1, "Scanner"), "plantedScanner{}")},
	{"proxy/assembly", "planted_scanner.go", File(`package assembly

import (
	"bytes"
	"context"
	"io"

	"attache/proxy"
)

type plantedScanner struct{}

func (plantedScanner) Scan(_ context.Context, r io.Reader, _ proxy.Document) (proxy.Verdict, error) {
	b, err := io.ReadAll(r)
	switch {
	case err != nil:
		return proxy.Unknown, err
	case bytes.HasPrefix(b, []byte("` + Infected + `")):
		return proxy.Infected, nil
	}
	return proxy.Clean, nil
}
`)},
}
