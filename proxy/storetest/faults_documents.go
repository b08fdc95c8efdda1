package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"sync/atomic"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// reading breaks every open document.
func reading(change func(c *brokenContent)) func(*broken) {
	return func(b *broken) {
		b.reader = func(c proxy.Content) proxy.Content {
			one := &brokenContent{Content: c}
			change(one)
			return one
		}
	}
}

// describing changes every description that is read.
func describing(change func(d *proxy.Document)) func(*broken) {
	return reading(func(c *brokenContent) {
		c.document = func() proxy.Document {
			d := c.Content.Document()
			change(&d)
			return d
		}
	})
}

// adding changes every description before it is added.
func adding(change func(b *broken, d *proxy.Document)) func(*broken) {
	return func(b *broken) {
		b.add = func(ctx context.Context, d proxy.Document) (string, error) {
			change(b, &d)
			return b.Store.Add(ctx, d)
		}
	}
}

// believing makes the description that of whatever is staged.
func believing(b *broken, d *proxy.Document) {
	r, err := b.Store.Staged(context.Background(), d.ID)
	if err != nil {
		return
	}
	defer r.Close()
	if all, err := io.ReadAll(r); err == nil {
		is := document(d.ID, all)
		d.Size, d.SHA256 = is.Size, is.SHA256
	}
}

// zeros reads zeros, up to the content's end, once it is set.
func zeros(c *brokenContent, set *atomic.Bool) {
	left := c.Content.Document().Size
	c.read = func(p []byte) (int, error) {
		if !set.Load() {
			n, err := c.Content.Read(p)
			left -= int64(n)
			return n, err
		}
		if left == 0 {
			return 0, io.EOF
		}
		n := min(int64(len(p)), left)
		clear(p[:n])
		left -= n
		return int(n), nil
	}
}

var documentFaults = []fault{
	{name: "reads change a byte", held: "a document is exactly the bytes", make: reading(func(c *brokenContent) {
		c.read = func(p []byte) (int, error) {
			n, err := c.Content.Read(p)
			if n > 0 {
				p[0]++
			}
			return n, err
		}
	})},
	{name: "an unknown type stays empty", held: "a document without a type", make: describing(func(d *proxy.Document) {
		if d.MimeType == proxy.DefaultType {
			d.MimeType = ""
		}
	})},
	{name: "the description is dropped", held: "a document comes back as Add described it", make: describing(func(d *proxy.Document) { d.Description = "" })},
	{name: "times are cut to seconds", held: "a document comes back as Add described it", make: describing(func(d *proxy.Document) { d.Created = d.Created.Truncate(time.Second) })},
	{name: "a name is cut to its last part", held: "a document comes back as Add described it", make: describing(func(d *proxy.Document) { d.Name = path.Base(d.Name) })},
	{name: "the machine's clock dates documents", held: "a document without a time of creation", make: adding(func(_ *broken, d *proxy.Document) { d.Created = time.Now() })},
	{name: "staged content can be opened", held: "until Add has returned", make: func(b *broken) {
		b.open = func(ctx context.Context, id string) (proxy.Content, error) {
			c, err := b.Store.Open(ctx, id)
			if bridge.CodeOf(err) != bridge.CodeDocument {
				return c, err
			}
			r, err := b.Store.Staged(ctx, id)
			return &stagedContent{r}, err
		}
	}},
	{name: "Add believes any size and digest", held: "T18: Add refuses", make: adding(believing)},
	{name: "Add cuts long names", held: "T18: Add refuses", make: adding(func(_ *broken, d *proxy.Document) {
		d.Name = string([]rune(d.Name)[:min(256, len([]rune(d.Name)))])
	})},
	{name: "Add accepts a part", held: "Add makes no document of a part", make: adding(believing)},
	{name: "Add accepts a part after a restart", held: "incomplete content does not become a document", make: adding(believing)},
	{name: "a second Add is a conflict", held: "repeating Add is safe", make: secondAdd(bridge.WrapError(bridge.CodeUploadConflict, errFault))},
	{name: "a second Add compares nothing", held: "repeating Add is safe", make: secondAdd(nil)},
	{name: "a second Add changes nothing", held: "a repeated Add replaces the description", make: secondAdd(nil)},
	{name: "another process cannot add again", held: "repeating Add in another process", make: foreignAddRefused},
	{name: "only the process that staged content can add it", held: "content that was complete before a restart", make: foreignAddRefused},
	{name: "of several Adds one fails", held: "several Adds of one document at once", make: secondAdd(bridge.WrapError(bridge.CodeBusy, errFault))},
	{name: "Add needs the first writer", held: "Add after the writer was superseded", make: func(b *broken) {
		var begun, again seen
		b.begin = func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
			if !begun.add(d.ID) {
				again.add(d.ID)
			}
			return b.Store.Begin(ctx, d, acked)
		}
		b.add = func(ctx context.Context, d proxy.Document) (string, error) {
			if again.has(d.ID) {
				return "", bridge.NewError(bridge.CodeSuperseded, "")
			}
			return b.Store.Add(ctx, d)
		}
	}},
	{name: "Begin in another process discards", held: "Add after another process took the right", make: forgetting},
	{name: "a document is known to others only later", held: "every process reads a new document at once", make: func(b *broken) {
		own := made(b)
		b.open = func(ctx context.Context, id string) (proxy.Content, error) {
			if own.add(id) {
				return nil, notFound()
			}
			return b.Store.Open(ctx, id)
		}
	}},
	{name: "a writer spoils its document", held: "a writer that is still open cannot change", make: func(b *broken) {
		b.begin = func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
			w, err := b.Store.Begin(ctx, d, acked)
			one := &brokenWriter{Writer: w}
			one.append = func(ctx context.Context, p []byte, onDurable func(int64, error)) error {
				if w.Offset()+int64(len(p)) > d.Size {
					return errors.Join(errFault, b.Store.Remove(ctx, d.ID))
				}
				return w.Append(ctx, p, onDurable)
			}
			return one, err
		}
	}},
	{name: "a restart forgets the attributes", held: "documents and their descriptions survive", make: func(b *broken) {
		own := made(b)
		b.reader = func(c proxy.Content) proxy.Content {
			d := c.Document()
			if !own.has(d.ID) {
				d.Name = ""
			}
			return &brokenContent{Content: c, document: func() proxy.Document { return d }}
		}
	}},

	{name: "Settle knows every id", held: "Settle returns once", settle: func(context.Context, string) error { return nil }},

	{name: "a seek from the end is off by one", held: "Content reads like its bytes in memory", make: reading(func(c *brokenContent) {
		c.seek = func(offset int64, whence int) (int64, error) {
			if whence == io.SeekEnd {
				offset++
			}
			return c.Content.Seek(offset, whence)
		}
	})},
	{name: "a seek does nothing", held: "Content answers Range requests", make: reading(func(c *brokenContent) {
		c.seek = func(offset int64, whence int) (int64, error) {
			if whence == io.SeekStart && offset > 0 {
				return offset, nil
			}
			return c.Content.Seek(offset, whence)
		}
	})},
	{name: "a seek before the start goes to the start", held: "a seek before the start", make: reading(func(c *brokenContent) {
		c.seek = func(offset int64, whence int) (int64, error) {
			at, err := c.Content.Seek(offset, whence)
			if err != nil {
				return c.Content.Seek(0, io.SeekStart)
			}
			return at, nil
		}
	})},
	{name: "an impossible seek moves", held: "a seek before the start", make: reading(func(c *brokenContent) {
		c.seek = func(offset int64, whence int) (int64, error) {
			at, err := c.Content.Seek(offset, whence)
			if err != nil {
				c.Content.Seek(0, io.SeekStart)
			}
			return at, err
		}
	})},
	{name: "the second read at the end fails", held: "the end of content is io.EOF", make: reading(func(c *brokenContent) {
		ended := false
		c.read = func(p []byte) (int, error) {
			n, err := c.Content.Read(p)
			if errors.Is(err, io.EOF) && ended {
				err = io.ErrUnexpectedEOF
			}
			ended = ended || errors.Is(err, io.EOF)
			return n, err
		}
	})},
	{name: "Piece returns more than max", held: "Piece returns the next bytes", make: func(b *broken) {
		b.reader = func(c proxy.Content) proxy.Content { return &largePieces{c} }
	}},
	{name: "a reader ends with the ctx of Open", held: "a reader ends with Close", make: func(b *broken) {
		b.open = func(ctx context.Context, id string) (proxy.Content, error) {
			c, err := b.Store.Open(ctx, id)
			one := &brokenContent{Content: c}
			one.read = func(p []byte) (int, error) {
				if ctx.Err() != nil {
					return 0, ctx.Err()
				}
				return c.Read(p)
			}
			return one, err
		}
	}},
	{name: "a closed reader is at its end", held: "a reader ends with Close", make: reading(func(c *brokenContent) {
		closed := false
		c.close = func() error { closed = true; return c.Content.Close() }
		c.read = func(p []byte) (int, error) {
			if closed {
				return 0, io.EOF
			}
			return c.Content.Read(p)
		}
	})},
	{name: "readers share a position", held: "readers of one document have positions", make: func(b *broken) {
		var shared proxy.Content
		b.open = func(ctx context.Context, id string) (c proxy.Content, err error) {
			if shared == nil {
				shared, err = b.Store.Open(ctx, id)
			}
			return shared, err
		}
	}},
	{name: "a removed document reads as zeros", held: "a reader of a document that is removed", make: func(b *broken) {
		var removed atomic.Bool
		b.remove = func(ctx context.Context, id string) error {
			removed.Store(true)
			return b.Store.Remove(ctx, id)
		}
		reading(func(c *brokenContent) { zeros(c, &removed) })(b)
	}},
	{name: "twenty readers are too many", held: "many readers at once", make: func(b *broken) {
		var opened atomic.Int64
		b.open = func(ctx context.Context, id string) (proxy.Content, error) {
			if opened.Add(1) > 20 {
				return nil, bridge.WrapError(bridge.CodeBusy, errFault)
			}
			return b.Store.Open(ctx, id)
		}
	}},

	{name: "Remove does nothing", held: "a removed document is unknown", make: noRemove},
	{name: "Remove of an unknown id is an error", held: "Remove of an unknown id", make: unknownRemoveFails},
	{name: "Remove discards an upload", held: "Remove of an unknown id", make: func(b *broken) {
		b.remove = func(ctx context.Context, id string) error {
			return errors.Join(b.Store.Remove(ctx, id), b.Store.Discard(ctx, id))
		}
	}},
	{name: "a second Remove is an error", held: "several Removes and Settles", make: unknownRemoveFails},
	{name: "a removed id is used up", held: "the id of a removed document can be begun again", make: func(b *broken) {
		var removed seen
		b.remove = func(ctx context.Context, id string) error {
			removed.add(id)
			return b.Store.Remove(ctx, id)
		}
		refusing(bridge.CodeUploadConflict, func(d proxy.Document) bool { return removed.has(d.ID) })(b)
	}},
	{name: "a process remembers the documents that it has read", held: "a document that one process removes", make: remembering},

	{name: "Sweep sweeps a day too early", held: "Sweep deletes the days that are more", make: func(b *broken) {
		b.sweep = func(ctx context.Context, days int, linked proxy.Linked) ([]string, error) {
			return b.Store.Sweep(ctx, max(1, days-1), linked)
		}
	}},
	{name: "Sweep sweeps nothing", held: "Sweep deletes the days that are more", make: func(b *broken) {
		b.sweep = func(context.Context, int, proxy.Linked) ([]string, error) { return nil, nil }
	}},
	{name: "Sweep does not ask what is linked", held: "Sweep keeps what is linked", make: func(b *broken) {
		b.sweep = func(ctx context.Context, days int, _ proxy.Linked) ([]string, error) {
			return b.Store.Sweep(ctx, days, nil)
		}
	}},
	{name: "Sweep asks always what is linked", held: "Sweep keeps what is linked", make: func(b *broken) {
		b.sweep = func(ctx context.Context, days int, linked proxy.Linked) ([]string, error) {
			if linked != nil {
				linked(ctx)
			}
			return b.Store.Sweep(ctx, days, linked)
		}
	}},
	{name: "Sweep sweeps everything if nobody knows what is linked", held: "Sweep keeps what is linked", make: func(b *broken) {
		b.sweep = func(ctx context.Context, days int, linked proxy.Linked) ([]string, error) {
			swept, err := b.Store.Sweep(ctx, days, linked)
			if err != nil && days > 0 {
				b.Store.Sweep(ctx, days, nil)
			}
			return swept, err
		}
	}},
	{name: "Sweep takes any number of days", held: "Sweep refuses fewer days than one", make: func(b *broken) {
		b.sweep = func(ctx context.Context, days int, linked proxy.Linked) ([]string, error) {
			return b.Store.Sweep(ctx, max(1, days), linked)
		}
	}},
	{name: "Sweep discards what is unfinished", held: "an upload that spans midnight", make: func(b *broken) {
		var last string
		b.begin = func(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
			last = d.ID
			return b.Store.Begin(ctx, d, acked)
		}
		b.sweep = func(ctx context.Context, days int, linked proxy.Linked) ([]string, error) {
			return nil, b.Store.Discard(ctx, last)
		}
	}},
	{name: "an id of another day cannot be begun", held: "an id of a swept day can be begun again", make: otherDayRefused},
	{name: "an id of another day cannot be begun, in another process", held: "an id of a day that another process swept", make: otherDayRefused},
	{name: "a swept document reads as zeros", held: "a reader of a swept document", make: func(b *broken) {
		var swept atomic.Bool
		b.sweep = func(ctx context.Context, days int, linked proxy.Linked) ([]string, error) {
			swept.Store(true)
			return b.Store.Sweep(ctx, days, linked)
		}
		reading(func(c *brokenContent) { zeros(c, &swept) })(b)
	}},
}

// secondAdd answers every Add of an id but the first.
func secondAdd(err error) func(*broken) {
	return func(b *broken) {
		var added seen
		b.add = func(ctx context.Context, d proxy.Document) (string, error) {
			if !added.add(d.ID) {
				return d.ID, err
			}
			return b.Store.Add(ctx, d)
		}
	}
}

// foreignAddRefused adds nothing that this process did not begin.
func foreignAddRefused(b *broken) {
	own := made(b)
	b.add = func(ctx context.Context, d proxy.Document) (string, error) {
		if !own.has(d.ID) {
			return "", bridge.WrapError(bridge.CodeDigest, errFault)
		}
		return b.Store.Add(ctx, d)
	}
}

func unknownRemoveFails(b *broken) {
	b.remove = func(ctx context.Context, id string) error {
		c, err := b.Store.Open(ctx, id)
		if err != nil {
			return err
		}
		c.Close()
		return b.Store.Remove(ctx, id)
	}
}

// otherDayRefused begins only what was made on the day that the clock shows.
func otherDayRefused(b *broken) {
	refusing(bridge.CodeDocument, func(d proxy.Document) bool { return d.ID[:4] != b.Store.NewID()[:4] })(b)
}

// remembering opens a document that it has read before from memory.
func remembering(b *broken) {
	known := map[string]*remembered{}
	b.open = func(ctx context.Context, id string) (proxy.Content, error) {
		if r := known[id]; r != nil {
			return r, nil
		}
		c, err := b.Store.Open(ctx, id)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		all, err := io.ReadAll(c)
		known[id] = &remembered{inMemory{bytes.NewReader(all)}, c.Document()}
		return &remembered{inMemory{bytes.NewReader(all)}, c.Document()}, err
	}
}

type remembered struct {
	inMemory
	document proxy.Document
}

func (r *remembered) Document() proxy.Document { return r.document }

// stagedContent is an upload that poses as a document.
type stagedContent struct{ io.ReadSeekCloser }

func (*stagedContent) Document() proxy.Document { return proxy.Document{} }

// largePieces returns pieces that are a byte too large.
type largePieces struct{ proxy.Content }

func (l *largePieces) Piece(max int64) ([]byte, error) {
	piece := make([]byte, max+1)
	n, err := io.ReadFull(l, piece)
	if n > 0 {
		err = nil
	}
	return piece[:n], err
}
