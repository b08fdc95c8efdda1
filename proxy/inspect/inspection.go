package inspect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// inspection reads and scans one document. Any number of callers wait for it.
type inspection struct {
	*Inspector
	id    string
	clean [32]byte // bytes with this SHA-256 are not scanned

	// The result, before done is closed.
	done chan struct{}
	sum  [32]byte
	err  error
}

// slowestRead is the rate, in bytes a second, at which a document is read and scanned at
// least.
const slowestRead = 256 << 10

func (n *inspection) run() {
	start := time.Now()
	n.err = n.inspect()
	if n.ctx.Err() != nil {
		n.err = bridge.WrapError(bridge.CodeBusy, n.ctx.Err())
	}
	n.cfg.Log.Info("document inspected", "document", n.id, "code", bridge.CodeOf(n.err), "error", n.err, "after", time.Since(start))
	n.end(n)
}

func (n *inspection) inspect() error {
	waiting, stop := context.WithTimeout(n.ctx, n.cfg.Time)
	defer stop()
	select {
	case n.turns <- struct{}{}:
		defer func() { <-n.turns }()
	case <-waiting.Done():
		return bridge.NewError(bridge.CodeBusy, "too many documents wait to be scanned")
	}
	// The store may read as long as ctx lasts, and only its answer says how long that may be.
	ctx, cancel := context.WithCancelCause(n.ctx)
	defer cancel(nil)
	late := time.AfterFunc(n.cfg.Time, func() { cancel(errLate) })
	defer late.Stop()
	source, err := n.cfg.Documents.Open(ctx, n.id)
	if err != nil {
		return err
	}
	defer source.Close()
	d := source.Document()
	d.ID = n.id
	if n.cfg.MaxSize > 0 && d.Size > n.cfg.MaxSize {
		return &proxy.RejectedError{Verdict: proxy.Unscannable}
	}
	late.Reset(n.cfg.Time + time.Duration(d.Size/slowestRead)*time.Second)
	err = n.take(ctx, source, d)
	if errors.Is(context.Cause(ctx), errLate) {
		return bridge.NewError(bridge.CodeTimeout, "the document was not read and scanned in time")
	}
	return err
}

var errLate = errors.New("the inspection took too long")

// take reads the document into the spool and keeps it there if it is clean.
func (n *inspection) take(ctx context.Context, source io.Reader, d proxy.Document) error {
	f, err := n.spool.Create(d.Size)
	if err != nil {
		return err
	}
	if d.SHA256, err = fill(f.File, source, d.Size); err == nil {
		err = n.judge(ctx, f.File, d)
	}
	if err != nil {
		f.Discard()
		return err
	}
	n.sum = d.SHA256
	n.spool.Keep(f, string(d.SHA256[:]), d)
	return nil
}

// fill copies a document, which must have that size, and returns its SHA-256.
func fill(f *os.File, source io.Reader, size int64) (sum [32]byte, err error) {
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(source, size+1))
	switch {
	case bridge.CodeOf(err) != "":
		return sum, err
	case err != nil:
		return sum, bridge.WrapError(bridge.CodeStorageUnavailable, fmt.Errorf("read the document into the spool: %w", err))
	case n != size:
		return sum, bridge.NewError(bridge.CodeDocumentChanged, "")
	}
	return [32]byte(h.Sum(nil)), nil
}

// judge returns an error unless the bytes in f are clean: as our delivery has found, or by a
// verdict about them.
func (n *inspection) judge(ctx context.Context, f *os.File, d proxy.Document) error {
	if d.SHA256 == n.clean {
		return nil
	}
	version := n.version(ctx)
	var verdict proxy.Verdict
	known := func(ctx context.Context) (bool, error) {
		var err error
		verdict, err = n.verdicts.find(ctx, d.SHA256, version)
		return verdict != proxy.Unknown, err
	}
	release, err := n.verdicts.lease(ctx, d.SHA256, known)
	if err != nil {
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	defer release()
	if verdict == proxy.Unknown {
		if verdict, err = n.scan(ctx, f, d, version); err != nil {
			return err
		}
	}
	if verdict != proxy.Clean {
		return &proxy.RejectedError{Verdict: verdict, Digest: d.Digest()}
	}
	return nil
}

// scan asks the scanner, and remembers its verdict if the signatures were the same before
// and after it.
func (n *inspection) scan(ctx context.Context, f *os.File, d proxy.Document, version string) (proxy.Verdict, error) {
	verdict, err := n.cfg.Scanner.Scan(ctx, io.NewSectionReader(f, 0, d.Size), d)
	switch {
	case err != nil:
		return proxy.Unknown, bridge.WrapError(bridge.CodeScannerOffline, err)
	case verdict != proxy.Clean && verdict != proxy.Infected && verdict != proxy.Unscannable:
		return proxy.Unknown, bridge.NewError(bridge.CodeScannerOffline, "the virus scanner returned no verdict")
	}
	if n.version(ctx) == version {
		if err := n.verdicts.add(ctx, d.SHA256, version, verdict); err != nil {
			n.cfg.Log.Warn("a verdict cannot be remembered", "document", d.ID, "error", err)
		}
	}
	return verdict, nil
}

// version is that of the signatures; empty if it is unknown.
func (n *inspection) version(ctx context.Context) string {
	if n.cfg.Signatures == nil {
		return ""
	}
	version, err := n.cfg.Signatures(ctx)
	if err != nil {
		n.cfg.Log.Warn("the version of the signatures is unknown: no verdict is remembered", "error", err)
		return ""
	}
	return version
}
