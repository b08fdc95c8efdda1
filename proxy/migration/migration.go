// Package migration moves the documents of a data directory that an earlier release wrote,
// where they are in JetStream (package objects), into files (package files).
//
// Each day is moved whole: all of its documents and staged content are copied and made
// durable, and only then is the day deleted in JetStream. A move that was killed resumes:
// what is there already, whole, is not copied again.
package migration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/objects"
)

// Store is where documents are moved to.
type Store interface {
	proxy.Staging
	proxy.Documents
	proxy.Settler
}

// Options are those of [Move].
type Options struct {
	From *objects.Store
	To   Store
	// Free returns how many bytes To may take.
	Free func(ctx context.Context) (int64, error)
	Log  *slog.Logger
}

// atOnce is how many files are copied at once. Each waits for the disk.
const atOnce = 4

// Move moves everything. After an error, the days that are left stay as they are.
func Move(ctx context.Context, o Options) error {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	days, err := o.From.Days(ctx)
	if err != nil {
		return err
	}
	for _, d := range days {
		if err := o.moveDay(ctx, d); err != nil {
			return fmt.Errorf("move %s of an earlier release into files: %w", d.Bucket, err)
		}
	}
	return nil
}

func (o Options) moveDay(ctx context.Context, d objects.Day) error {
	free, err := o.Free(ctx)
	if err != nil {
		return err
	}
	if free < d.Bytes {
		return fmt.Errorf("the day has %s and needs as many for its copy, but only %s may be written: free some disk space, or start the earlier release",
			bridge.Bytes(d.Bytes), bridge.Bytes(max(free, 0)))
	}
	items, err := o.From.Items(ctx, d)
	if err != nil {
		return err
	}
	o.Log.Info("moving documents of an earlier release into files", "bucket", d.Bucket, "files", len(items), "bytes", d.Bytes)
	all, copying := errgroup.WithContext(ctx)
	all.SetLimit(atOnce)
	for _, item := range items {
		all.Go(func() error { return o.move(copying, item) })
	}
	if err := all.Wait(); err != nil {
		return err
	}
	if err := o.From.Drop(ctx, d); err != nil {
		return err
	}
	o.Log.Info("documents of an earlier release are in files", "bucket", d.Bucket, "files", len(items))
	return nil
}

// move copies one content, from its beginning: what an earlier move has left may have bytes that
// were not durable when it was killed.
func (o Options) move(ctx context.Context, item objects.Item) error {
	err := o.copy(ctx, item)
	if err != nil {
		return fmt.Errorf("%s: %w", item.Document.ID, err)
	}
	return nil
}

func (o Options) copy(ctx context.Context, item objects.Item) error {
	d := item.Document
	if item.Staged {
		from, err := o.From.Staged(ctx, d.ID)
		if err != nil {
			return err
		}
		// How long the file is to be is in its record only.
		return o.stage(ctx, proxy.Document{ID: d.ID, Size: -1}, d.Size, from)
	}
	if there, err := o.exists(ctx, d); there || err != nil {
		return err
	}
	from, err := o.From.Open(ctx, d.ID)
	if err != nil {
		return err
	}
	if err := o.stage(ctx, d, d.Size, from); err != nil {
		return err
	}
	if _, err := o.To.Add(ctx, d); err != nil {
		return err
	}
	return o.To.Settle(ctx, d.ID)
}

// exists reports whether an earlier move has made the document, and then makes it durable.
func (o Options) exists(ctx context.Context, d proxy.Document) (bool, error) {
	content, err := o.To.Open(ctx, d.ID)
	if bridge.CodeOf(err) == bridge.CodeDocument {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer content.Close()
	if have := content.Document(); have.Size != d.Size || have.SHA256 != d.SHA256 {
		return false, errors.New("there is another document of that id")
	}
	return true, o.To.Settle(ctx, d.ID)
}

// stage copies a content of size bytes, and returns when all of it is durable.
func (o Options) stage(ctx context.Context, d proxy.Document, size int64, from io.ReadCloser) error {
	defer from.Close()
	if err := o.To.Discard(ctx, d.ID); err != nil {
		return err
	}
	w, err := o.To.Begin(ctx, d, 0)
	if err != nil {
		return err
	}
	defer w.Close()
	ended := make(chan error, 1)
	report := func(durable int64, err error) {
		if err == nil && durable < size {
			return
		}
		select {
		case ended <- err:
		default: // it has failed before
		}
	}
	piece := make([]byte, w.MaxChunk())
	for w.Offset() < size {
		n := min(int64(len(piece)), size-w.Offset())
		if _, err := io.ReadFull(from, piece[:n]); err != nil {
			return fmt.Errorf("read it: %w", err)
		}
		if err := w.Append(ctx, piece[:n], report); err != nil {
			return err
		}
	}
	if size == 0 {
		return nil
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
