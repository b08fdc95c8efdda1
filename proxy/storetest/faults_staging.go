package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"attache/bridge"
	"attache/proxy"
)

// notFound is the error of an id that is unknown.
func notFound() error { return bridge.NewError(bridge.CodeDocument, "") }

// seen remembers ids.
type seen struct {
	mu  sync.Mutex
	ids map[string]bool
}

// add reports whether the id is new.
func (s *seen) add(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = map[string]bool{}
	}
	known := s.ids[id]
	s.ids[id] = true
	return !known
}

func (s *seen) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids[id]
}

// made remembers the ids that this process made.
func made(b *broken) *seen {
	s := &seen{}
	b.newID = func() string {
		id := b.Store.NewID()
		s.add(id)
		return id
	}
	return s
}

// forgetting begins the content of another process from its first byte.
func forgetting(b *broken) {
	own := made(b)
	b.begin = func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
		if own.add(d.ID) {
			if err := b.Store.Discard(ctx, d.ID); err != nil {
				return nil, err
			}
		}
		return b.Store.Begin(ctx, d, acked)
	}
}

func noDiscard(b *broken) {
	b.discard = func(context.Context, string) error { return nil }
}

func noRemove(b *broken) {
	b.remove = func(context.Context, string) error { return nil }
}

// refusing fails Begin with the code where refuse says so.
func refusing(code bridge.Code, refuse func(d proxy.Document) bool) func(*broken) {
	return func(b *broken) {
		b.begin = func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
			if refuse(d) {
				return nil, bridge.WrapError(code, errFault)
			}
			return b.Store.Begin(ctx, d, acked)
		}
	}
}

var stagingFaults = []fault{
	{name: "NewID repeats an id", held: "NewID returns a fresh id", make: func(b *broken) {
		id := b.Store.NewID()
		b.newID = func() string { return id }
	}},
	{name: "NewID is too long", held: "NewID returns a fresh id", make: func(b *broken) {
		b.newID = func() string { return b.Store.NewID() + "0" }
	}},
	{name: "Begin accepts any id", held: "an id that no store makes", make: func(b *broken) {
		b.begin = func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
			if w, err := b.Store.Begin(ctx, d, acked); err == nil {
				return w, nil
			}
			d.ID = b.Store.NewID()
			return b.Store.Begin(ctx, d, acked)
		}
	}},
	{name: "Discard of an impossible id is an error", held: "an id that no store makes", make: func(b *broken) {
		b.discard = func(ctx context.Context, id string) error {
			if len(id) != 16 {
				return notFound()
			}
			return b.Store.Discard(ctx, id)
		}
	}},
	{name: "a path is cut to its last part", held: "an id that no store makes", make: func(b *broken) {
		b.open = func(ctx context.Context, id string) (proxy.Content, error) {
			return b.Store.Open(ctx, id[strings.LastIndex(id, "/")+1:])
		}
	}},
	{name: "an unfinished id is found in any case", held: "an id with letters in the other case", make: func(b *broken) {
		var ids sync.Map // by their lower-case form
		b.newID = func() string {
			id := b.Store.NewID()
			ids.Store(strings.ToLower(id), id)
			return id
		}
		b.staged = func(ctx context.Context, id string) (io.ReadSeekCloser, error) {
			if known, ok := ids.Load(strings.ToLower(id)); ok {
				id = known.(string)
			}
			return b.Store.Staged(ctx, id)
		}
	}},
	{name: "Discard of an id that was not begun is an error", held: "an id that was made and never begun", make: func(b *broken) {
		var begun seen
		b.begin = func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
			begun.add(d.ID)
			return b.Store.Begin(ctx, d, acked)
		}
		b.discard = func(ctx context.Context, id string) error {
			if !begun.has(id) {
				return notFound()
			}
			return b.Store.Discard(ctx, id)
		}
	}},
	{name: "an id of an ended process is unknown", held: "an id that an ended process made", make: foreignRefused},
	{name: "an id of another process is unknown", held: "an id that another process made", make: foreignRefused},
	{name: "Open of an unknown day is unavailable", held: "an id of a day without content", make: func(b *broken) {
		b.open = func(ctx context.Context, id string) (proxy.Content, error) {
			c, err := b.Store.Open(ctx, id)
			if bridge.CodeOf(err) == bridge.CodeDocument {
				err = bridge.WrapError(bridge.CodeStorageUnavailable, errFault)
			}
			return c, err
		}
	}},

	{name: "Begin skips a byte", held: "Begin of a new id", make: wrapping(func(w *brokenWriter) {
		w.offset = func() int64 { return w.Writer.Offset() + 1 }
	})},
	{name: "Begin drops what was not acked without a restart", held: "Begin continues after the last durable byte, whatever", make: func(b *broken) {
		b.begin = func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
			if acked == 0 {
				if err := b.Store.Discard(ctx, d.ID); err != nil {
					return nil, err
				}
			}
			return b.Store.Begin(ctx, d, acked)
		}
	}},
	{name: "Begin of a document is an error without its code", held: "Begin of a document fails with upload-conflict", make: func(b *broken) {
		b.begin = func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
			w, err := b.Store.Begin(ctx, d, acked)
			if err != nil {
				err = bridge.WrapError(bridge.CodeStorageUnavailable, err)
			}
			return w, err
		}
	}},
	{name: "Begin of a document replaces it", held: "Begin of a document fails with upload-conflict", make: func(b *broken) {
		b.begin = func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
			if err := b.Store.Remove(ctx, d.ID); err != nil {
				return nil, err
			}
			return b.Store.Begin(ctx, d, acked)
		}
	}},
	{name: "Begin whose ctx has ended discards", held: "Begin whose ctx has ended", make: func(b *broken) {
		b.begin = func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
			if ctx.Err() != nil {
				return nil, errors.Join(ctx.Err(), b.Store.Discard(context.WithoutCancel(ctx), d.ID))
			}
			return b.Store.Begin(ctx, d, acked)
		}
	}},

	{name: "a restart forgets unfinished content", held: "after a restart Begin continues", make: forgetting},
	{name: "a restart forgets the digest of what was there", held: "an upload survives any number of restarts", make: func(b *broken) {
		b.writer = func(w proxy.Writer) proxy.Writer {
			if w.Offset() == 0 {
				return w
			}
			return &brokenWriter{Writer: w, sum: func() (zero [32]byte) { return zero }}
		}
	}},
	{name: "another process begins again", held: "another process continues after", make: forgetting},
	{name: "a kill loses what was durable", held: "a process that is killed", make: forgetting},
	{name: "any restart forgets unfinished content", held: "any sequence of calls", make: forgetting},
	{name: "discarded content stays", held: "content that was discarded or removed before a restart", make: noDiscard},
	{name: "what an ended process staged cannot be discarded", held: "an upload may be discarded and a document removed after a restart", make: func(b *broken) {
		own := made(b)
		b.discard = func(ctx context.Context, id string) error {
			if !own.has(id) {
				return nil
			}
			return b.Store.Discard(ctx, id)
		}
	}},

	{name: "Staged cannot seek", held: "Staged opens the durable content", make: func(b *broken) {
		b.staged = func(ctx context.Context, id string) (io.ReadSeekCloser, error) {
			r, err := b.Store.Staged(ctx, id)
			return &unseekable{r}, err
		}
	}},
	{name: "Staged is a byte short", held: "Staged content is a part of what was appended", make: func(b *broken) {
		b.staged = func(ctx context.Context, id string) (io.ReadSeekCloser, error) {
			r, err := b.Store.Staged(ctx, id)
			if err != nil {
				return nil, err
			}
			defer r.Close()
			all, err := io.ReadAll(r)
			return inMemory{bytes.NewReader(all[:max(0, len(all)-1)])}, err
		}
	}},
	{name: "Staged content grows while it is open", held: "Staged content that is open does not change", make: func(b *broken) {
		b.staged = func(ctx context.Context, id string) (io.ReadSeekCloser, error) {
			return &growing{b: b, ctx: ctx, id: id}, nil
		}
	}},
	{name: "Staged does not know documents", held: "Staged content can still be read after", make: func(b *broken) {
		b.staged = func(ctx context.Context, id string) (io.ReadSeekCloser, error) {
			if c, err := b.Store.Open(ctx, id); err == nil {
				c.Close()
				return nil, notFound()
			}
			return b.Store.Staged(ctx, id)
		}
	}},
	{name: "Staged knows only its own process", held: "another process opens what one has staged", make: func(b *broken) {
		own := made(b)
		b.staged = func(ctx context.Context, id string) (io.ReadSeekCloser, error) {
			if !own.has(id) {
				return inMemory{bytes.NewReader(nil)}, nil
			}
			return b.Store.Staged(ctx, id)
		}
	}},

	{name: "Discard does nothing", held: "Discard removes the content", make: noDiscard},
	{name: "Discard leaves the writer its right", held: "Discard removes the content", make: lying(bridge.CodeSuperseded)},
	{name: "a second Discard is an error", held: "Discard may be repeated", make: func(b *broken) {
		var done seen
		b.discard = func(ctx context.Context, id string) error {
			if !done.add(id) {
				return notFound()
			}
			return b.Store.Discard(ctx, id)
		}
	}},
	{name: "Discard removes the document", held: "Discard of a document leaves it", make: func(b *broken) {
		b.discard = func(ctx context.Context, id string) error {
			return errors.Join(b.Store.Discard(ctx, id), b.Store.Remove(ctx, id))
		}
	}},
	{name: "a discarded id is used up", held: "the same bytes may come again", make: func(b *broken) {
		var done seen
		b.discard = func(ctx context.Context, id string) error {
			done.add(id)
			return b.Store.Discard(ctx, id)
		}
		refusing(bridge.CodeUploadConflict, func(d proxy.Document) bool { return done.has(d.ID) })(b)
	}},
	{name: "Discard leaves what is under way", held: "Discard while pieces are under way", make: noDiscard},
	{name: "Add of what is being discarded claims a document", held: "of Discard and Add at once", make: func(b *broken) {
		var mu sync.Mutex
		discarded := map[string]chan struct{}{}
		of := func(id string) chan struct{} {
			mu.Lock()
			defer mu.Unlock()
			if discarded[id] == nil {
				discarded[id] = make(chan struct{})
			}
			return discarded[id]
		}
		b.discard = func(ctx context.Context, id string) error {
			defer close(of(id))
			return b.Store.Discard(ctx, id)
		}
		b.add = func(_ context.Context, d proxy.Document) (string, error) {
			<-of(d.ID)
			return d.ID, nil
		}
	}},

	{name: "AdmitUpload admits everything", held: "AdmitUpload fails with storage-full", make: func(b *broken) {
		b.admit = func() error { return nil }
	}},
	{name: "Remove frees no space", held: "removed and discarded content makes room", make: noRemove},
	{name: "a hundred writers are too many", held: "hundreds of idle writers", make: func(b *broken) {
		var begun seen
		refusing(bridge.CodeBusy, func(d proxy.Document) bool {
			begun.add(d.ID)
			return len(begun.ids) > 100
		})(b)
	}},
}

// foreignRefused does not know ids that its own process did not make.
func foreignRefused(b *broken) {
	own := made(b)
	refusing(bridge.CodeDocument, func(d proxy.Document) bool { return !own.has(d.ID) })(b)
}

// inMemory is content in memory.
type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// unseekable is content that can only be read from its start.
type unseekable struct{ io.ReadSeekCloser }

func (*unseekable) Seek(int64, int) (int64, error) { return 0, errFault }

// growing reads what is staged at the time of each read.
type growing struct {
	b   *broken
	ctx context.Context
	id  string
	pos int64
}

func (g *growing) Read(p []byte) (int, error) {
	r, err := g.b.Store.Staged(g.ctx, g.id)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	if _, err := r.Seek(g.pos, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := r.Read(p)
	g.pos += int64(n)
	return n, err
}

func (g *growing) Seek(int64, int) (int64, error) { return 0, errFault }
func (g *growing) Close() error                   { return nil }
