package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"attache/proxy"
	"attache/proxy/audit"
)

// auditFlags name the audit log.
type auditFlags struct {
	Audit      string `type:"path" help:"append a line to this file for everything that was done, and by which party; to rotate it, rename it and send SIGHUP" group:"audit" placeholder:"FILE"`
	AuditNames bool   `help:"include file names in it" group:"audit"`
}

func (f auditFlags) check(m *mistakes) {
	switch info, err := os.Stat(f.Audit); {
	case f.Audit == "-":
		m.add("--audit needs a file: the log must be readable later to show changes")
	case f.Audit == "" && f.AuditNames:
		m.add("--audit-names has no effect without --audit: name a file with --audit")
	case err == nil && info.IsDir():
		m.add("--audit %s is a directory: name a file", f.Audit)
	}
}

// open opens the audit log for appending, and closes it when ctx ends; without --audit
// it returns nil. SIGHUP reopens it, see reload.
func (f auditFlags) open(ctx context.Context, log *slog.Logger) (proxy.Audit, []reload, error) {
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

// auditCommand checks the files that serve --audit wrote.
type auditCommand struct {
	File []string `arg:"" type:"existingfile" help:"consecutive audit files, the oldest first"`
}

// Run names the first line that was changed or removed.
func (c auditCommand) Run(s streams) error {
	var chain audit.Chain
	for _, path := range c.File {
		next, err := checkFile(path, chain)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		chain = next
	}
	fmt.Fprintf(s.out, "%d lines, none changed or removed; the hash of the last line is %s\n", chain.Lines, chain.Last)
	if chain.Torn > 0 {
		fmt.Fprintf(s.out, "lines cut off by a crash and marked at the next start: %d\n", chain.Torn)
	}
	if chain.Unfinished {
		fmt.Fprintln(s.out, "after it is a line without an end: the proxy was killed while writing it, or is writing it now")
	}
	return nil
}

func checkFile(path string, before audit.Chain) (audit.Chain, error) {
	f, err := os.Open(path)
	if err != nil {
		return before, err
	}
	defer f.Close()
	return audit.Check(f, before)
}
