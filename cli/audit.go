package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"attache/proxy"
	"attache/proxy/audit"
)

// auditFlags say who keeps what was done.
type auditFlags struct {
	Audit      string `type:"path" help:"file that records who did what; after it is renamed, SIGHUP begins a new one" group:"audit" placeholder:"FILE"`
	AuditNames bool   `help:"record the files' names in it as well" group:"audit"`
}

func (f auditFlags) check(m *mistakes) {
	switch info, err := os.Stat(f.Audit); {
	case f.Audit == "-":
		m.add("--audit needs a file: the log must be readable later to show changes")
	case f.Audit == "" && f.AuditNames:
		m.add("--audit-names keeps names in the audit file: name one with --audit")
	case err == nil && info.IsDir():
		m.add("--audit %s is a directory: name a file", f.Audit)
	}
}

// open begins or goes on with the file; nil where none is asked for. It is closed when
// ctx ends, and may be reopened, as reload says.
func (f auditFlags) open(ctx context.Context, log *slog.Logger) (_ proxy.Audit, again []reload, err error) {
	if f.Audit == "" {
		return nil, nil, nil
	}
	l, err := audit.Open(f.Audit, audit.Options{Names: f.AuditNames, Log: log})
	if err != nil {
		return nil, nil, err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	return l, []reload{{"audit log", l.Reopen}}, nil
}

// inspect checks what serve has kept.
type inspect struct {
	File []string `arg:"" type:"existingfile" help:"audit files that follow each other, the oldest first"`
}

// Run names the first line that is not as it was written.
func (c inspect) Run(s streams) error {
	var chain audit.Chain
	for _, path := range c.File {
		next, err := inspectFile(path, chain)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		chain = next
	}
	fmt.Fprintf(s.out, "%d lines, none changed or removed; the last one's hash is %s\n", chain.Lines, chain.Last)
	if chain.Torn > 0 {
		fmt.Fprintf(s.out, "not finished, and marked so at the next start: %d\n", chain.Torn)
	}
	if chain.Unfinished {
		fmt.Fprintln(s.out, "behind it is one without an end: its writer was stopped, or is writing it now")
	}
	return nil
}

func inspectFile(path string, before audit.Chain) (audit.Chain, error) {
	f, err := os.Open(path)
	if err != nil {
		return before, err
	}
	defer f.Close()
	return audit.Check(f, before)
}
