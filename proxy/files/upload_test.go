package files_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"pgregory.net/rapid"

	"attache/bridge"
	"attache/proxy"
)

// upload is one content, and what its page and its record know of it.
type upload struct {
	d, offered proxy.Document
	content    []byte
	outcomes   outcomes

	old   bool
	state state // which was reached
	tried state // which was tried to reach
}

// state is how far an upload came.
type state int

const (
	unfinished state = iota
	discarded
	added
	settled
	removed
)

type ending = state

func newUpload(t *rapid.T, id string, random *rand.Rand) *upload {
	u := &upload{content: make([]byte, rapid.IntRange(0, 4000).Draw(t, "size"))}
	for i := range u.content {
		u.content[i] = byte(random.Uint32())
	}
	name := rapid.SampledFrom([]string{"a.pdf", strings.Repeat("ф", 250) + ".pdf"}).Draw(t, "name")
	u.d = proxy.Document{
		ID: id, Name: name, MimeType: "application/pdf", Description: "of " + id,
		Size: int64(len(u.content)), SHA256: sha256.Sum256(u.content), Created: time.Unix(1_800_000_000, 0),
	}
	u.offered = u.d
	if rapid.Bool().Draw(t, "described at the offer") {
		u.offered.Description, u.offered.Created = "", time.Time{}
	}
	return u
}

// life is what an upload does between two stops.
type life struct {
	memory bool  // the page knows what was acked
	frames []int // their sizes
	await  int   // the page waits for the acks of that many frames
	again  int   // after that many frames another writer begins,
	closed bool  // and the one before is closed
	whole  bool  // Whole is called first,
	early  bool  // and Add is, before the content is continued
	ending ending
}

var drawnLife = rapid.Custom(func(t *rapid.T) life {
	return life{
		memory: rapid.Bool().Draw(t, "memory"),
		frames: rapid.SliceOfN(rapid.IntRange(100, 1500), 1, 4).Draw(t, "frames"),
		await:  rapid.IntRange(1, 4).Draw(t, "await"),
		again:  rapid.IntRange(1, 6).Draw(t, "again"),
		closed: rapid.Bool().Draw(t, "closed"),
		whole:  rapid.Bool().Draw(t, "whole"),
		early:  rapid.IntRange(0, 3).Draw(t, "early") == 0,
		ending: rapid.SampledFrom([]ending{unfinished, discarded, added, settled, settled, settled, removed}).Draw(t, "ending"),
	}
})

// live continues the upload. An error of the store is one only if no operation has failed.
func (u *upload) live(m *machine, l life) error {
	if err := u.check(m, l.whole); err != nil {
		return err
	}
	for range 3 {
		err := u.proceed(m, l)
		if err == nil {
			return nil
		}
		if errors.As(err, new(violation)) || !m.faulty.Load() {
			return fmt.Errorf("%s: %w", u.d.ID, err)
		}
	}
	return nil
}

// violation is a promise that was broken.
type violation struct{ error }

func broken(format string, a ...any) error { return violation{fmt.Errorf(format, a...)} }

func (u *upload) proceed(m *machine, l life) error {
	if u.state == discarded || u.state == removed {
		return nil
	}
	if l.ending == discarded && u.tried < added || u.tried == discarded {
		return u.discard(m)
	}
	if u.outcomes.acked() < u.d.Size && u.state < added && (l.early && u.tried < added || u.tried == added) {
		err := u.add(m) // of content that was not acked, but may be there
		switch {
		case bridge.CodeOf(err) == bridge.CodeDigest:
			u.tried = unfinished
		case err != nil:
			return err
		}
	}
	if u.tried < added {
		if err := u.write(m, l); err != nil || l.ending == unfinished {
			return err
		}
	}
	return u.deliver(m, l.ending)
}

func (u *upload) discard(m *machine) error {
	u.tried = max(u.tried, discarded)
	u.outcomes.forget()
	if err := m.store.Discard(context.Background(), u.d.ID); err != nil {
		return err
	}
	u.state = discarded
	return nil
}

// write writes the content to its end.
func (u *upload) write(m *machine, l life) error {
	w, err := u.begin(m, l.memory)
	if err != nil {
		return err
	}
	for n := 1; w.Offset() < u.d.Size; n++ {
		if n == l.again {
			if l.closed {
				if err := w.Close(); err != nil {
					return err
				}
			}
			if w, err = u.begin(m, l.memory); err != nil {
				return err
			}
		}
		err := u.append(w, l.frames[n%len(l.frames)])
		if err == nil && n%l.await == 0 {
			err = u.outcomes.wait()
		}
		if err != nil {
			if !m.faulty.Load() {
				return err
			}
			if w, err = u.begin(m, l.memory); err != nil {
				return err
			}
		}
	}
	return u.outcomes.wait()
}

// append appends the next frame.
func (u *upload) append(w proxy.Writer, size int) error {
	at := w.Offset()
	frame := bytes.Clone(u.content[at:min(at+int64(size), u.d.Size)])
	outcome := u.outcomes.expect(at + int64(len(frame)))
	err := w.Append(context.Background(), frame, outcome)
	if err != nil {
		u.outcomes.refused()
	}
	clear(frame)
	return err
}

// begin begins, as a page that knows what was acked or one that does not, and checks what is
// there.
func (u *upload) begin(m *machine, memory bool) (proxy.Writer, error) {
	u.outcomes.settle()
	known := u.outcomes.acked()
	if !memory {
		known = -1
	}
	w, err := m.store.Begin(context.Background(), u.offered, known)
	if err != nil {
		return nil, err
	}
	at := w.Offset()
	if at == 0 && !memory && m.faulty.Load() {
		u.outcomes.forget() // bytes that could not be synced: the page starts again
	}
	acked := u.outcomes.acked()
	if at < acked || at > u.d.Size {
		return nil, broken("%d bytes are there of %d acked ones", at, acked)
	}
	if w.Stored() != at {
		return nil, broken("the writer begins at %d with %d stored", at, w.Stored())
	}
	if w.Sum() == sha256.Sum256(u.content[:at]) {
		return w, u.prefix(m, at)
	}
	if memory {
		return nil, broken("%d bytes have another digest, %d are acked", at, acked)
	}
	// The page compares digests, and starts again.
	if err := u.prefix(m, acked); err != nil {
		return nil, err
	}
	u.outcomes.forget()
	if err := m.store.Discard(context.Background(), u.d.ID); err != nil {
		return nil, err
	}
	return u.begin(m, true)
}

// prefix checks the first n staged bytes.
func (u *upload) prefix(m *machine, n int64) error {
	r, err := m.store.Staged(context.Background(), u.d.ID)
	if err != nil {
		return err
	}
	defer r.Close()
	got := make([]byte, n)
	if _, err := io.ReadFull(r, got); err != nil {
		return fmt.Errorf("read %d staged bytes: %w", n, err)
	}
	if !bytes.Equal(got, u.content[:n]) {
		return broken("%d acked bytes have changed", n)
	}
	return nil
}

// deliver adds the document, and so on until the ending.
func (u *upload) deliver(m *machine, to ending) error {
	if u.tried < removed {
		if err := u.add(m); err != nil || to == added {
			return err
		}
		if err := m.store.Settle(context.Background(), u.d.ID); err != nil {
			return err
		}
		u.state = settled
	}
	if to != removed && u.tried != removed {
		return nil
	}
	u.tried = removed
	if err := m.store.Remove(context.Background(), u.d.ID); err != nil {
		return err
	}
	u.state = removed
	return nil
}

func (u *upload) add(m *machine) error {
	u.tried = max(u.tried, added)
	if _, err := m.store.Add(context.Background(), u.d); err != nil {
		return err
	}
	u.state = max(u.state, added)
	return u.opens(m)
}

// check checks what a reader sees of the upload, and whether the store knows that it is whole.
func (u *upload) check(m *machine, whole bool) error {
	if whole {
		if err := u.whole(m); err != nil {
			return err
		}
	}
	err := u.opens(m)
	unknown := bridge.CodeOf(err) == bridge.CodeDocument
	switch {
	case err != nil && !unknown:
		if m.faulty.Load() && !errors.As(err, new(violation)) {
			return nil
		}
		return fmt.Errorf("%s: %w", u.d.ID, err)
	case u.old && m.swept == swept && !unknown:
		return broken("%s: a document of a swept day opens", u.d.ID)
	case u.tried == removed && u.state != removed, u.old && m.swept != unswept:
		return nil // interrupted
	case u.tried < added && !unknown:
		return broken("%s: unfinished content opens", u.d.ID)
	case u.state == removed && !unknown:
		return broken("%s: a removed document opens", u.d.ID)
	case u.state == settled && unknown:
		return broken("%s: a settled document is lost", u.d.ID)
	}
	return nil
}

// whole checks that the store knows whole content, and takes no other for it.
func (u *upload) whole(m *machine) error {
	size, sum, whole, err := m.store.Whole(context.Background(), u.d.ID)
	acked := u.tried == unfinished && u.d.Size > 0 && u.outcomes.acked() == u.d.Size && !u.old
	switch {
	case err != nil && !m.faulty.Load():
		return fmt.Errorf("%s: %w", u.d.ID, err)
	case err == nil && acked && !whole:
		return broken("%s: all bytes are acked, and not whole", u.d.ID)
	case whole && size == u.d.Size && sum != u.d.SHA256:
		return broken("%s: whole, but not the file", u.d.ID)
	}
	return nil
}

// opens opens the document, which is whole if it is there.
func (u *upload) opens(m *machine) error {
	c, err := m.store.Open(context.Background(), u.d.ID)
	if err != nil {
		return err
	}
	defer c.Close()
	d := c.Document()
	d.Created = d.Created.Local()
	if !d.Created.Equal(u.d.Created) {
		return broken("created %s, not %s", d.Created, u.d.Created)
	}
	if d.Created = u.d.Created; d != u.d {
		return broken("the document is described as %+v, not as %+v", d, u.d)
	}
	got, err := io.ReadAll(c)
	if err == nil && !bytes.Equal(got, u.content) {
		return broken("the document has other bytes")
	}
	return err
}
