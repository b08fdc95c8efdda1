package assembly

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/inspect"
)

// inspector opens the inspector of documents that the delivery did not scan; nil without a
// scanner.
func (a *Assembly) inspector(ctx context.Context, e *engine.Engine, o Options, documents proxy.Documents) (proxy.Inspector, error) {
	if _, off := o.Scanner.(proxy.NoScanner); off {
		return nil, nil
	}
	n := o.Inspect
	n.Documents, n.Scanner, n.Log = documents, a.Metrics.Scanner(o.Scanner), o.Log
	if versions, ok := o.Scanner.(interface {
		Version(context.Context) (string, error)
	}); ok {
		n.Signatures = versions.Version
	}
	dir, err := a.spoolDir(e, n.Dir)
	if err != nil {
		return nil, err
	}
	n.Dir = dir
	all, err := inspect.Open(ctx, e, n)
	if err != nil {
		return nil, fmt.Errorf("open the inspector: %w", err)
	}
	a.later(all.Close)
	return all, nil
}

// spoolDir is where documents are scanned: a directory of its own in dir, in the data
// directory, or, where the engine is a cluster, in a temporary directory.
func (a *Assembly) spoolDir(e *engine.Engine, dir string) (string, error) {
	if dir = cmp.Or(dir, e.Dir()); dir != "" {
		return filepath.Join(dir, "spool"), nil
	}
	dir, err := os.MkdirTemp("", "attache-spool-")
	if err != nil {
		return "", fmt.Errorf("make the spool: %w", err)
	}
	a.later(func() { os.RemoveAll(dir) })
	return dir, nil
}
