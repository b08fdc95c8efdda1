package storetest

import (
	"context"
	"io"

	"attache/proxy"
)

// broken is a store with one fault: the functions that are set. It hides the store's
// optional interfaces, but those of its writers and readers only if they are broken.
type broken struct {
	Store
	newID   func() string
	begin   func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error)
	staged  func(ctx context.Context, id string) (io.ReadSeekCloser, error)
	discard func(ctx context.Context, id string) error
	admit   func() error
	add     func(ctx context.Context, d proxy.Document) (string, error)
	open    func(ctx context.Context, id string) (proxy.Content, error)
	remove  func(ctx context.Context, id string) error
	link    func(ctx context.Context, id, to string) error
	unlink  func(ctx context.Context, id, to string) error
	update  func(ctx context.Context, d proxy.Document, staged string) error
	sweep   func(ctx context.Context, days int, linked proxy.Linked) ([]string, error)

	writer func(proxy.Writer) proxy.Writer   // wraps each writer
	reader func(proxy.Content) proxy.Content // wraps each open document
}

func (b *broken) NewID() string {
	if b.newID != nil {
		return b.newID()
	}
	return b.Store.NewID()
}

func (b *broken) Begin(ctx context.Context, d proxy.Document, acked int64) (w proxy.Writer, err error) {
	if b.begin != nil {
		w, err = b.begin(ctx, d, acked)
	} else {
		w, err = b.Store.Begin(ctx, d, acked)
	}
	if err == nil && b.writer != nil {
		w = b.writer(w)
	}
	return w, err
}

func (b *broken) Staged(ctx context.Context, id string) (io.ReadSeekCloser, error) {
	if b.staged != nil {
		return b.staged(ctx, id)
	}
	return b.Store.Staged(ctx, id)
}

func (b *broken) Discard(ctx context.Context, id string) error {
	if b.discard != nil {
		return b.discard(ctx, id)
	}
	return b.Store.Discard(ctx, id)
}

func (b *broken) AdmitUpload() error {
	if b.admit != nil {
		return b.admit()
	}
	return b.Store.AdmitUpload()
}

func (b *broken) Add(ctx context.Context, d proxy.Document) (string, error) {
	if b.add != nil {
		return b.add(ctx, d)
	}
	return b.Store.Add(ctx, d)
}

func (b *broken) Open(ctx context.Context, id string) (c proxy.Content, err error) {
	if b.open != nil {
		c, err = b.open(ctx, id)
	} else {
		c, err = b.Store.Open(ctx, id)
	}
	if err == nil && b.reader != nil {
		c = b.reader(c)
	}
	return c, err
}

func (b *broken) Remove(ctx context.Context, id string) error {
	if b.remove != nil {
		return b.remove(ctx, id)
	}
	return b.Store.Remove(ctx, id)
}

func (b *broken) Link(ctx context.Context, id, to string) error {
	if b.link != nil {
		return b.link(ctx, id, to)
	}
	return b.Store.Link(ctx, id, to)
}

func (b *broken) Unlink(ctx context.Context, id, to string) error {
	if b.unlink != nil {
		return b.unlink(ctx, id, to)
	}
	return b.Store.Unlink(ctx, id, to)
}

func (b *broken) Update(ctx context.Context, d proxy.Document, staged string) error {
	if b.update != nil {
		return b.update(ctx, d, staged)
	}
	return b.Store.Update(ctx, d, staged)
}

func (b *broken) Sweep(ctx context.Context, days int, linked proxy.Linked) ([]string, error) {
	if b.sweep != nil {
		return b.sweep(ctx, days, linked)
	}
	return b.Store.Sweep(ctx, days, linked)
}

// brokenWriter is a writer with one fault.
type brokenWriter struct {
	proxy.Writer
	append func(ctx context.Context, p []byte, onDurable func(int64, error)) error
	offset func() int64
	stored func() int64
	sum    func() [32]byte
	close  func() error
}

func (b *brokenWriter) Append(ctx context.Context, p []byte, onDurable func(int64, error)) error {
	if b.append != nil {
		return b.append(ctx, p, onDurable)
	}
	return b.Writer.Append(ctx, p, onDurable)
}

func (b *brokenWriter) Offset() int64 {
	if b.offset != nil {
		return b.offset()
	}
	return b.Writer.Offset()
}

func (b *brokenWriter) Stored() int64 {
	if b.stored != nil {
		return b.stored()
	}
	return b.Writer.Stored()
}

func (b *brokenWriter) Sum() [32]byte {
	if b.sum != nil {
		return b.sum()
	}
	return b.Writer.Sum()
}

func (b *brokenWriter) Close() error {
	if b.close != nil {
		return b.close()
	}
	return b.Writer.Close()
}

// brokenContent is an open document with one fault.
type brokenContent struct {
	proxy.Content
	read     func(p []byte) (int, error)
	seek     func(offset int64, whence int) (int64, error)
	close    func() error
	document func() proxy.Document
}

func (b *brokenContent) Read(p []byte) (int, error) {
	if b.read != nil {
		return b.read(p)
	}
	return b.Content.Read(p)
}

func (b *brokenContent) Seek(offset int64, whence int) (int64, error) {
	if b.seek != nil {
		return b.seek(offset, whence)
	}
	return b.Content.Seek(offset, whence)
}

func (b *brokenContent) Close() error {
	if b.close != nil {
		return b.close()
	}
	return b.Content.Close()
}

func (b *brokenContent) Document() proxy.Document {
	if b.document != nil {
		return b.document()
	}
	return b.Content.Document()
}

// settling is a store with another Settle.
type settling struct {
	*broken
	settle func(ctx context.Context, id string) error
}

func (s *settling) Settle(ctx context.Context, id string) error { return s.settle(ctx, id) }
