package proxy_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/chat"
	"attache/proxy/engine"
	"attache/proxy/objects"
	"attache/proxy/proxytest"

	"github.com/stretchr/testify/require"
)

// copies are the files of one session that have one document: an upload, and two attachments of
// it. A file has no id before it is announced, and stays without one if it was refused.
type copies struct {
	*door
	document string
	mu       sync.Mutex
	files    map[string]string // file ids by name
	keys     map[string]string
	deleted  map[string]bool
}

const original = "upload"

// untilClear repeats a request whose outcome is unclear, as a page does: on a busy machine the
// engine may not answer in time.
func untilClear(request func() (bridge.Event, error)) (e bridge.Event, err error) {
	for range 10 {
		if e, err = request(); err == nil || !bridge.AsError(err).Retry {
			break
		}
	}
	return e, err
}

// copiesIn uploads the file in a session of its own.
func (w *world) copiesIn(t *testing.T, session string) *copies {
	t.Helper()
	d := &door{w, w.Proxy.Transfers(), w.party("alice", bridge.Agent), bridge.Unlimited()}
	d.who.Session = session
	_, err := w.chat.Join(t.Context(), session, proxy.Joining{Party: d.who.Party})
	require.NoError(t, err)
	key := newKey()
	r, err := d.upload(key, "plan.pdf", []byte("the plan of "+session))
	require.NoError(t, err)
	require.Equal(t, bridge.Announced, r.State, r.Code)
	return &copies{
		door: d, document: r.DocumentID, deleted: map[string]bool{},
		files: map[string]string{original: r.FileID}, keys: map[string]string{original: key},
	}
}

// attach attaches the document, unless it is gone already.
func (c *copies) attach(t *testing.T, name string) {
	key := newKey()
	e, err := untilClear(func() (bridge.Event, error) {
		return c.transfers.Attach(t.Context(), c.who, proxy.Attachment{Key: key, Conn: "test", DocumentID: c.document})
	})
	if code := bridge.CodeOf(err); code == bridge.CodeDocument || code == bridge.CodeLibrary { // here is no library either
		_, posted, err := c.chat.FindKey(t.Context(), c.who.Session, key)
		require.NoError(t, err)
		require.False(t, posted, "nothing is announced without its document")
		return
	}
	require.NoError(t, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files[name], c.keys[name] = e.Data.Get(bridge.KeyFileID), key
}

// delete deletes a file, and waits until its document's link is removed if settled is set.
func (c *copies) delete(t *testing.T, name string, settled bool) {
	c.mu.Lock()
	id, key := c.files[name], c.keys[name]
	c.deleted[name] = id != ""
	c.mu.Unlock()
	if id == "" {
		return
	}
	_, err := untilClear(func() (bridge.Event, error) { return c.transfers.Delete(t.Context(), c.who, id, "test") })
	require.NoError(t, err)
	if settled {
		c.awaitDeleted(t, key)
	}
}

func (c *copies) awaitDeleted(t *testing.T, key string) {
	require.Eventually(t, func() bool {
		r, err := c.Records.Get(t.Context(), c.who.Session, key)
		return err == nil && r.Deletion == proxy.Deleted
	}, wait, 5*time.Millisecond)
}

// check compares what is stored with what was announced and not deleted.
func (c *copies) check(t *testing.T) {
	t.Helper()
	left := 0
	for name, id := range c.files {
		if c.deleted[name] {
			c.awaitDeleted(t, c.keys[name])
			continue
		}
		left++
		grant, _, err := c.transfers.Authorize(t.Context(), c.who, proxy.Wish{FileID: id, Attempt: newKey(), Conn: "test"})
		require.NoError(t, err, "%s is announced", name)
		d, err := c.transfers.Open(t.Context(), proxy.Fetch{Grant: grant})
		require.NoError(t, err)
		require.NoError(t, d.Close())
	}
	if left > 0 {
		return
	}
	_, err := c.Store.Open(t.Context(), c.document)
	require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err), "all its files were deleted")
}

// step is an action on one of the copies.
type step struct {
	delete bool
	name   string
}

// orders are all orders of the steps in which no file is deleted before it was attached, and a is
// attached before b: their names make no difference.
func orders(left []step, done map[string]bool) (all [][]step) {
	if len(left) == 0 {
		return [][]step{nil}
	}
	for i, s := range left {
		if s.delete && !done[s.name] || s == attachB && !done["a"] {
			continue
		}
		was := done[s.name]
		done[s.name] = true
		rest := append(append([]step(nil), left[:i]...), left[i+1:]...)
		for _, tail := range orders(rest, done) {
			all = append(all, append([]step{s}, tail...))
		}
		done[s.name] = was
	}
	return all
}

var attachB = step{false, "b"}

var attachAndDelete = []step{{false, "a"}, attachB, {true, original}, {true, "a"}, {true, "b"}}

// A document is stored exactly as long as a file of the session that was not deleted names it,
// in whichever order files are attached and deleted: after each step if the deletions have ended
// before the next one, and at the end if they have not, or if all happen at once.
func TestAttach_EveryOrderWithDeletionsLeavesWhatIsNamed(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) *world{
		"files":   func(t *testing.T) *world { return newWorld(t) },
		"objects": newObjectWorld,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			var running sync.WaitGroup
			slots := make(chan struct{}, 4)
			run := func(session string, steps func(c *copies)) {
				slots <- struct{}{}
				running.Go(func() {
					defer func() { <-slots }()
					c := w.copiesIn(t, session)
					steps(c)
					c.check(t)
				})
			}
			for i, order := range orders(attachAndDelete, map[string]bool{original: true}) {
				for _, settled := range []bool{false, true} {
					run(fmt.Sprintf("order-%d-%t", i, settled), func(c *copies) {
						for _, s := range order {
							if s.delete {
								c.delete(t, s.name, settled)
							} else {
								c.attach(t, s.name)
							}
							if settled {
								c.check(t)
							}
						}
					})
				}
			}
			for i := range 10 {
				run(fmt.Sprintf("at-once-%d", i), func(c *copies) {
					var all sync.WaitGroup
					all.Go(func() { c.delete(t, original, false) })
					for _, name := range []string{"a", "b"} {
						all.Go(func() {
							c.attach(t, name)
							if i%2 == 0 {
								c.delete(t, name, false)
							}
						})
					}
					all.Wait()
				})
			}
			running.Wait()
		})
	}
}

// newObjectWorld is a world that stores content as a cluster does.
func newObjectWorld(t *testing.T) *world {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	store, err := objects.Open(t.Context(), e, objects.Options{})
	require.NoError(t, err)
	return worldOf(t, proxytest.StartOn(t, e, func(o *assembly.Options) {
		o.Stores = func(string) (assembly.Store, error) { return store, nil }
	}))
}

// interrupted is a store in which something happens before a link changes.
type interrupted struct {
	assembly.Store
	mu           sync.Mutex
	link, unlink func(to string)
}

func (s *interrupted) before(hook *func(string), to string) {
	s.mu.Lock()
	f := *hook
	s.mu.Unlock()
	if f != nil {
		f(to)
	}
}

func (s *interrupted) set(hook *func(string), f func(string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*hook = f
}

func (s *interrupted) Link(ctx context.Context, id, to string) error {
	s.before(&s.link, to)
	return s.Store.Link(ctx, id, to)
}

func (s *interrupted) Unlink(ctx context.Context, id, to string) error {
	s.before(&s.unlink, to)
	return s.Store.Unlink(ctx, id, to)
}

// postingChat is a Chat Server in which something happens before a file is announced.
type postingChat struct {
	*chat.Server
	before func(key string)
}

func (c *postingChat) Post(ctx context.Context, session, user string, e bridge.Event) (bridge.Event, error) {
	if e.IsFile() {
		c.before(e.Key)
	}
	return c.Server.Post(ctx, session, user, e)
}

// A deletion and an attachment, of which one happens at a border of the other: what is announced
// can be read, or nothing was announced.
func TestAttach_ADeletionAtEachBorder(t *testing.T) {
	t.Parallel()
	var store *interrupted
	posting := &postingChat{before: func(string) {}}
	w := newWorldWith(t, func(o *assembly.Options) {
		open := o.Stores
		o.Stores = func(name string) (assembly.Store, error) {
			s, err := open(name)
			store = &interrupted{Store: s}
			return store, err
		}
	}, func(c *proxy.Config) {
		posting.Server = c.Chat.(*chat.Server)
		c.Chat = posting
	})
	t.Run("the file is deleted before the attachment's link", func(t *testing.T) {
		c := w.copiesIn(t, "before-link")
		store.set(&store.link, func(string) { c.delete(t, original, true) })
		defer store.set(&store.link, nil)
		c.attach(t, "a")
		require.Empty(t, c.files["a"])
		c.check(t)
	})
	t.Run("the file is deleted between the attachment's link and its notice", func(t *testing.T) {
		c := w.copiesIn(t, "before-notice")
		posting.before = func(string) { c.delete(t, original, true) }
		c.attach(t, "a")
		posting.before = func(string) {}
		require.NotEmpty(t, c.files["a"])
		c.check(t)
		c.delete(t, "a", true)
		c.check(t)
	})
	t.Run("the file is attached after the deletion has looked for other files", func(t *testing.T) {
		c := w.copiesIn(t, "before-unlink")
		var once sync.Once
		store.set(&store.unlink, func(to string) {
			if to == "before-unlink" {
				once.Do(func() { c.attach(t, "a") })
			}
		})
		defer store.set(&store.unlink, nil)
		c.delete(t, original, true)
		require.NotEmpty(t, c.files["a"])
		c.check(t)
		c.delete(t, "a", true)
		c.check(t)
	})
}
