package bugs

// CrashVariable names the border at which the process stops the first time that
// it gets there, in a build with Crash. It makes the file that GateVariable
// names, and goes on when that is gone: meanwhile somebody can be killed.
const (
	CrashVariable = "ATTACHE_CRASH"
	GateVariable  = "ATTACHE_CRASH_GATE"
)

// Crash makes every border between two steps, of the delivery, of what comes
// before it and of what a backend does for it, a place where the process stops.
var Crash = []Change{
	{"proxy/deliver/step.go", "var step = func(name string) {}", "var step = crash"},
	{"proxy/deliver/crash.go", "", "package deliver\n" + crash},
	{"proxy/crash.go", "", "package proxy\n" + crash},
	{"proxy/backend/crash.go", "", "package backend\n" + crash},
	{
		"proxy/backend/serve_documents.go", "	id, err := h.Documents.Put(r.Context(), d, content)\n",
		"	id, err := h.Documents.Put(r.Context(), d, content)\n	crash(\"put\")\n",
	},
	{
		"proxy/backend/serve_chat.go", "r.PathValue(\"user\"), e.Event)\n",
		"r.PathValue(\"user\"), e.Event)\n	if e.IsFile() {\n		crash(\"posted\")\n	}\n",
	},
	{
		"proxy/upload.go", `	u.record.State = bridge.Accepted
	if err := u.uploads.change(ctx, u); err != nil {
		return err
	}
`, `	u.record.State = bridge.Accepted
	crash("accepting")
	if err := u.uploads.change(ctx, u); err != nil {
		return err
	}
	crash("accepted")
`,
	},
	{"proxy/offer.go", "	both.Wait()\n", "	both.Wait()\n	crash(\"begun\")\n"},
	{
		"proxy/deliver/steps.go", "	id, err := j.Documents.Add(bounded, d)\n",
		"	step(\"storing\")\n	id, err := j.Documents.Add(bounded, d)\n",
	},
	{
		"proxy/deliver/steps.go", "	e, err := j.Chat.Post(ctx, r.Session, r.UserID, bridge.Announcement{\n",
		"	step(\"announcing\")\n	e, err := j.Chat.Post(ctx, r.Session, r.UserID, bridge.Announcement{\n",
	},
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

// Infected is what the planted scanner finds, at a file's beginning.
const Infected = "this is a planted infection, and it harms nobody"

// Scanner gives the command a scanner of its own, so that there is something to
// wait for.
var Scanner = []Change{
	{"cli/assemble.go", "Scanner: p.scanner", "Scanner: plantedScanner{}"},
	{"cli/planted_scanner.go", "", `package cli

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
`},
}
