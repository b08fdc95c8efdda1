package files_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/files"
	"attache/proxy/files/modeldisk"
)

// cutDocument is a document on a model disk: a step is cut at every operation, by a kill and by a
// power failure, and the document is looked at afterwards.
type cutDocument struct {
	t    *testing.T
	disk *modeldisk.Disk
	s    *files.Store
	d    proxy.Document
}

func newCutDocument(t *testing.T, seed uint64) *cutDocument {
	c := &cutDocument{t: t, disk: modeldisk.New(rand.New(rand.NewPCG(seed, 1)).IntN)}
	c.open()
	c.d = c.stage(c.s.NewID(), []byte("the first content"))
	c.d.Session = "first"
	_, err := c.s.Add(t.Context(), c.d)
	require.NoError(t, err)
	require.NoError(t, c.s.Settle(t.Context(), c.d.ID))
	return c
}

func (c *cutDocument) open() {
	var err error
	c.s, err = files.Open(files.Options{Disk: c.disk, Linger: -1})
	require.NoError(c.t, err)
}

func (c *cutDocument) stage(id string, content []byte) proxy.Document {
	d := proxy.Document{ID: id, Name: "a.txt", Size: int64(len(content)), SHA256: sha256.Sum256(content), Session: "first"}
	w, err := c.s.Begin(c.t.Context(), d, 0)
	require.NoError(c.t, err)
	durable := make(chan error, 1)
	require.NoError(c.t, w.Append(c.t.Context(), content, func(_ int64, err error) { durable <- err }))
	require.NoError(c.t, <-durable)
	return d
}

// cutAt runs a step until operation n, and opens what is left; ran says that all of it was done.
func (c *cutDocument) cutAt(n int, power bool, step func() error) (ran bool, err error) {
	first := c.disk.Operations()
	c.disk.Fail(func(o modeldisk.Operation) error {
		if o.Number >= first+n {
			return modeldisk.ErrStopped
		}
		return nil
	})
	err = step()
	ran = c.disk.Operations() < first+n
	c.s.Close()
	if power {
		c.disk = c.disk.Reopen()
	} else {
		c.disk = c.disk.Restart()
	}
	c.open()
	return ran, err
}

// each cuts a step at each of its operations; check looks at what is left.
func eachCut(t *testing.T, step func(c *cutDocument) func() error, check func(c *cutDocument, done bool)) {
	for _, power := range []bool{false, true} {
		for seed := range uint64(4) {
			for n := 1; ; n++ {
				require.Less(t, n, 200)
				c := newCutDocument(t, seed)
				ran, err := c.cutAt(n, power, step(c))
				name := fmt.Sprintf("power failure %v, seed %d, operation %d: %v", power, seed, n, err)
				t.Log(name)
				check(c, err == nil)
				c.s.Close()
				if ran {
					break
				}
			}
		}
	}
}

func (c *cutDocument) read() (string, proxy.Document, error) {
	r, err := c.s.Open(c.t.Context(), c.d.ID)
	if err != nil {
		return "", proxy.Document{}, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(c.t, err)
	require.Equal(c.t, sha256.Sum256(b), r.Document().SHA256)
	return string(b), r.Document(), nil
}

func TestUpdate_ACutLeavesTheOldDocumentOrTheNewOne(t *testing.T) {
	t.Parallel()
	const second = "the other content" // of the same length
	eachCut(t, func(c *cutDocument) func() error {
		id, err := c.s.NewContent(c.d.ID)
		require.NoError(t, err)
		staged := c.stage(id, []byte(second))
		d := c.d
		d.Name, d.Size, d.SHA256 = "b.txt", staged.Size, staged.SHA256
		return func() error { return c.s.Update(context.Background(), d, id) }
	}, func(c *cutDocument, done bool) {
		b, d, err := c.read()
		require.NoError(t, err)
		require.Equal(t, b == second, d.Name == "b.txt")
		if done {
			require.Equal(t, second, b)
		} else {
			require.Contains(t, []string{"the first content", second}, b)
		}
		require.NoError(t, c.s.Unlink(t.Context(), c.d.ID, "first"), "its link is still there")
		_, _, err = c.read()
		require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))
	})
}

func TestLink_ACutLosesNoLinkThatWasReported(t *testing.T) {
	t.Parallel()
	eachCut(t, func(c *cutDocument) func() error {
		return func() error { return c.s.Link(context.Background(), c.d.ID, "second") }
	}, func(c *cutDocument, done bool) {
		require.NoError(t, c.s.Unlink(t.Context(), c.d.ID, "first"))
		_, _, err := c.read()
		if done {
			require.NoError(t, err)
		}
		require.NoError(t, c.s.Unlink(t.Context(), c.d.ID, "second"))
		_, _, err = c.read()
		require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))
	})
}

func TestUnlink_ACutRemovalConverges(t *testing.T) {
	t.Parallel()
	for _, last := range []bool{true, false} {
		eachCut(t, func(c *cutDocument) func() error {
			if !last {
				require.NoError(t, c.s.Link(t.Context(), c.d.ID, "second"))
			}
			return func() error { return c.s.Unlink(context.Background(), c.d.ID, "first") }
		}, func(c *cutDocument, _ bool) {
			require.NoError(t, c.s.Unlink(t.Context(), c.d.ID, "first"), "repeated")
			_, _, err := c.read()
			if last {
				require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))
			} else {
				require.NoError(t, err)
			}
		})
	}
}
