package backend_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backend"
	"attache/proxy/chat"
)

// brokenChat is Chat Server with one fault: the function that is set.
type brokenChat struct {
	*chat.Server
	join    func(ctx context.Context, session string, p bridge.Party) (proxy.Joined, error)
	post    func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error)
	leave   func(ctx context.Context, session, userID string) error
	events  func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error
	file    func(ctx context.Context, session, userID, fileID string) (bridge.Event, error)
	find    func(ctx context.Context, session, key string) (bridge.Event, bool, error)
	reserve func(ctx context.Context, session, userID, key, name string, size int64) error
	release func(ctx context.Context, session, userID, key string) error
	attempt func(ctx context.Context, session, userID, key, fileID string) error

	transcript func(ctx context.Context, session string, position int64, each func(bridge.Event) error) error
	ended      func(ctx context.Context, cursor string, ended func(session, cursor string) error) error
}

func (b *brokenChat) Transcript(ctx context.Context, session string, position int64, each func(bridge.Event) error) error {
	if b.transcript != nil {
		return b.transcript(ctx, session, position, each)
	}
	return b.Server.Transcript(ctx, session, position, each)
}

func (b *brokenChat) Ended(ctx context.Context, cursor string, ended func(session, cursor string) error) error {
	if b.ended != nil {
		return b.ended(ctx, cursor, ended)
	}
	return b.Server.Ended(ctx, cursor, ended)
}

func (b *brokenChat) Join(ctx context.Context, session string, p bridge.Party) (proxy.Joined, error) {
	if b.join != nil {
		return b.join(ctx, session, p)
	}
	return b.Server.Join(ctx, session, p)
}

func (b *brokenChat) Post(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
	if b.post != nil {
		return b.post(ctx, session, userID, e)
	}
	return b.Server.Post(ctx, session, userID, e)
}

func (b *brokenChat) Leave(ctx context.Context, session, userID string, reason bridge.Reason, after bridge.AfterAction) error {
	if b.leave != nil {
		if err := b.leave(ctx, session, userID); err != nil {
			return err
		}
	}
	return b.Server.Leave(ctx, session, userID, reason, after)
}

func (b *brokenChat) Events(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
	if b.events != nil {
		return b.events(ctx, session, userID, position, deliver)
	}
	return b.Server.Events(ctx, session, userID, position, deliver)
}

func (b *brokenChat) File(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
	if b.file != nil {
		return b.file(ctx, session, userID, fileID)
	}
	return b.Server.File(ctx, session, userID, fileID)
}

func (b *brokenChat) FindKey(ctx context.Context, session, key string) (bridge.Event, bool, error) {
	if b.find != nil {
		return b.find(ctx, session, key)
	}
	return b.Server.FindKey(ctx, session, key)
}

func (b *brokenChat) Reserve(ctx context.Context, session, userID, key, name string, size int64) error {
	if b.reserve != nil {
		return b.reserve(ctx, session, userID, key, name, size)
	}
	return b.Server.Reserve(ctx, session, userID, key, name, size)
}

func (b *brokenChat) Release(ctx context.Context, session, userID, key string) error {
	if b.release != nil {
		return b.release(ctx, session, userID, key)
	}
	return b.Server.Release(ctx, session, userID, key)
}

func (b *brokenChat) Attempt(ctx context.Context, session, userID, key, fileID string) error {
	if b.attempt != nil {
		return b.attempt(ctx, session, userID, key, fileID)
	}
	return b.Server.Attempt(ctx, session, userID, key, fileID)
}

// chatFaults are faults that an adapter might have, each with the case of the contract that
// must find it.
var chatFaults = []struct {
	name string
	held string // words of the case's sentence
	make func(real *chat.Server) *brokenChat
}{
	{"gives files to a party that has left", "a party that has left finds no file", func(real *chat.Server) *brokenChat {
		b := &brokenChat{}
		b.file = func(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
			e, err := real.File(ctx, session, userID, fileID)
			if bridge.CodeOf(err) == bridge.CodeNotJoined {
				return real.File(ctx, session, "ann", fileID)
			}
			return e, err
		}
		return b
	}},
	{"gives files after the session's end", "a party that has left finds no file", func(real *chat.Server) *brokenChat {
		var known bridge.Event
		return &brokenChat{file: func(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
			e, err := real.File(ctx, session, userID, fileID)
			if err == nil {
				known = e
			}
			if bridge.CodeOf(err) == bridge.CodeSessionEnded {
				return known, nil
			}
			return e, err
		}}
	}},
	{"hides from the proxy what a customer may not see", "a transcript has every event", func(real *chat.Server) *brokenChat {
		return &brokenChat{transcript: func(ctx context.Context, session string, position int64, each func(bridge.Event) error) error {
			return real.Transcript(ctx, session, position, func(e bridge.Event) error {
				if e.Visibility == bridge.Internal {
					return nil
				}
				return each(e)
			})
		}}
	}},
	{"begins each transcript at its beginning", "a transcript after an event has", func(real *chat.Server) *brokenChat {
		return &brokenChat{transcript: func(ctx context.Context, session string, _ int64, each func(bridge.Event) error) error {
			return real.Transcript(ctx, session, 0, each)
		}}
	}},
	{"drops the transcript at the session's end", "a transcript can be read after the session has ended", func(real *chat.Server) *brokenChat {
		return &brokenChat{transcript: func(ctx context.Context, session string, position int64, each func(bridge.Event) error) error {
			if _, err := real.File(ctx, session, "ann", "none"); bridge.CodeOf(err) == bridge.CodeSessionEnded {
				return err
			}
			return real.Transcript(ctx, session, position, each)
		}}
	}},
	{"reports ended sessions without their cursor", "a session that has ended is reported", func(real *chat.Server) *brokenChat {
		return &brokenChat{ended: func(ctx context.Context, cursor string, ended func(session, cursor string) error) error {
			return real.Ended(ctx, "", func(session, _ string) error { return ended(session, cursor) })
		}}
	}},
	{"reports a session when a party leaves it", "a session that has not ended is not reported", func(real *chat.Server) *brokenChat {
		var mu sync.Mutex
		var left []string
		b := &brokenChat{ended: func(ctx context.Context, cursor string, ended func(session, cursor string) error) error {
			return real.Ended(ctx, cursor, func(session, cursor string) error {
				mu.Lock()
				defer mu.Unlock()
				for _, other := range left {
					if err := ended(other, cursor); err != nil {
						return err
					}
				}
				left = nil
				return ended(session, cursor)
			})
		}}
		b.leave = func(_ context.Context, session, _ string) error {
			mu.Lock()
			defer mu.Unlock()
			left = append(left, session)
			return nil
		}
		return b
	}},
	{"appends a known key again", "an event whose key is in the transcript", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			e.Key = ""
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"looks for a key before it appends, without a lock", "eight concurrent posts", func(real *chat.Server) *brokenChat {
		var posts atomic.Int64
		var lookups sync.WaitGroup
		lookups.Add(8)
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			if old, found, err := real.FindKey(ctx, session, e.Key); found || err != nil {
				return old, err
			}
			if posts.Add(1) <= 8 { // and all of them find nothing
				lookups.Done()
				lookups.Wait()
			}
			e.Key = ""
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"returns another party's event for a key", "another party's event", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			if old, found, _ := real.FindKey(ctx, session, e.Key); found {
				return old, nil
			}
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"assigns no file-id", "gets a file-id", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			return real.Post(ctx, session, userID, bridge.Event{Type: bridge.Message, Text: e.Text, Key: e.Key, Visibility: bridge.All})
		}}
	}},
	{"drops unknown keys", "gets a file-id", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			var known bridge.Data
			for _, item := range e.Data {
				if strings.HasPrefix(item.Key, "file-") || item.Key == bridge.KeyFileKey {
					known = append(known, item)
				}
			}
			e.Data = known
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"finds files of all sessions", "a file-id of another session", func(real *chat.Server) *brokenChat {
		var all sync.Map
		return &brokenChat{
			post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
				e, err := real.Post(ctx, session, userID, e)
				all.Store(e.Data.Get(bridge.KeyFileID), e)
				return e, err
			},
			file: func(_ context.Context, _, _, fileID string) (bridge.Event, error) {
				e, _ := all.Load(fileID)
				return e.(bridge.Event), nil
			},
		}
	}},
	{"looks up keys in a stale transcript", "found by its key at once", func(real *chat.Server) *brokenChat {
		return &brokenChat{find: func(context.Context, string, string) (bridge.Event, bool, error) { return bridge.Event{}, false, nil }}
	}},
	{"lets strangers post", "a party that is not in the session cannot post", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			p := bridge.Party{UserID: userID, UserType: bridge.Agent}
			p.Check()
			real.Join(ctx, session, p)
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"refuses the file of a party that has left", "a party that has left can still announce", func(real *chat.Server) *brokenChat {
		var left sync.Map
		return &brokenChat{
			leave: func(_ context.Context, session, userID string) error { left.Store(session+userID, true); return nil },
			post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
				if _, gone := left.Load(session + userID); gone {
					return e, bridge.NewError(bridge.CodeNotJoined, "")
				}
				return real.Post(ctx, session, userID, e)
			},
		}
	}},
	{"answers not-joined for an ended session", "a session that has ended", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			e, err := real.Post(ctx, session, userID, e)
			if bridge.CodeOf(err) == bridge.CodeSessionEnded {
				err = bridge.NewError(bridge.CodeNotJoined, "")
			}
			return e, err
		}}
	}},
	{"lets a party join twice", "joining again adds no second", func(real *chat.Server) *brokenChat {
		return &brokenChat{join: func(ctx context.Context, session string, p bridge.Party) (proxy.Joined, error) {
			real.Leave(ctx, session, p.UserID, bridge.ReasonLeft, bridge.KeepAlive)
			return real.Join(ctx, session, p)
		}}
	}},
	{"shows a customer that a hidden party listens", "that a customer may not see", func(real *chat.Server) *brokenChat {
		var agents atomic.Bool
		return &brokenChat{join: func(ctx context.Context, session string, p bridge.Party) (proxy.Joined, error) {
			agents.CompareAndSwap(false, p.UserType == bridge.Supervisor)
			j, err := real.Join(ctx, session, p)
			j.Limits.AgentHere = agents.Load()
			return j, err
		}}
	}},
	{"shows a customer a hidden party", "that a customer may not see", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, "sue", position, deliver)
		}}
	}},
	{"returns no position", "join returns the party", func(real *chat.Server) *brokenChat {
		return &brokenChat{join: func(ctx context.Context, session string, p bridge.Party) (proxy.Joined, error) {
			j, err := real.Join(ctx, session, p)
			j.Position = 0
			return j, err
		}}
	}},
	{"makes customers agents", "join returns the party", func(real *chat.Server) *brokenChat {
		return &brokenChat{join: func(ctx context.Context, session string, p bridge.Party) (proxy.Joined, error) {
			j, err := real.Join(ctx, session, p)
			j.Party.UserType = bridge.Agent
			return j, err
		}}
	}},
	{"delivers events twice", "brings the history in order", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, userID, position, func(e bridge.Event) error {
				return errors.Join(deliver(e), deliver(e))
			})
		}}
	}},
	{"delivers only the history", "brings the history in order", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			left := 6
			return real.Events(ctx, session, userID, position, func(e bridge.Event) error {
				if left--; left < 0 {
					return bridge.NewError(bridge.CodeSessionEnded, "")
				}
				return deliver(e)
			})
		}}
	}},
	{"begins with the position's own event", "from a position", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, userID, max(position-1, 0), deliver)
		}}
	}},
	{"forgets a hundred events", "two hundred events", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			n := 0
			return real.Events(ctx, session, userID, position, func(e bridge.Event) error {
				if n++; n < 100 {
					return nil
				}
				return deliver(e)
			})
		}}
	}},
	{"shows customers everything", "visibility INT", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, _ string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, "ann", position, deliver)
		}}
	}},
	{"hides a party's own party-left", "own party-left", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, userID, position, func(e bridge.Event) error {
				if e.Type == bridge.PartyLeft {
					return nil
				}
				return deliver(e)
			})
		}}
	}},
	{"ends a stranger's stream with another code", "that is not in the session ends", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return bridge.NewError(bridge.CodeForbidden, "")
		}}
	}},
	{"does not report the session's end", "ends with session-ended", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			real.Events(ctx, session, userID, position, deliver)
			return bridge.NewError(bridge.CodeNotJoined, "")
		}}
	}},
	{"counts every reservation", "a reservation counts once", func(real *chat.Server) *brokenChat {
		return &brokenChat{reserve: func(ctx context.Context, session, userID, key, name string, size int64) error {
			return real.Reserve(ctx, session, userID, randomKey(), name, size)
		}}
	}},
	{"gives back a spent reservation", "a notice spends", func(real *chat.Server) *brokenChat {
		return &brokenChat{reserve: func(context.Context, string, string, string, string, int64) error { return nil }, post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			return real.Post(ctx, session, "ann", e)
		}}
	}},
	{"treats every known key as reserved", "reserving the key of a message", func(real *chat.Server) *brokenChat {
		return &brokenChat{reserve: func(ctx context.Context, session, userID, key, name string, size int64) error {
			if _, found, err := real.FindKey(ctx, session, key); found || err != nil {
				return err
			}
			return real.Reserve(ctx, session, userID, key, name, size)
		}}
	}},
	{"ignores an announced file's size", "reserving the key of a message", func(real *chat.Server) *brokenChat {
		return &brokenChat{reserve: func(ctx context.Context, session, userID, key, name string, size int64) error {
			if e, found, err := real.FindKey(ctx, session, key); found && e.IsFile() || err != nil {
				return err
			}
			return real.Reserve(ctx, session, userID, key, name, size)
		}}
	}},
	{"ignores the limits", "exceeds a limit", func(real *chat.Server) *brokenChat {
		return &brokenChat{reserve: func(context.Context, string, string, string, string, int64) error { return nil }}
	}},
	{"charges every attempt", "a download is charged once", func(real *chat.Server) *brokenChat {
		return &brokenChat{attempt: func(ctx context.Context, session, userID, _, fileID string) error {
			return real.Attempt(ctx, session, userID, randomKey(), fileID)
		}}
	}},
}

// brokenStore is a store with one fault.
type brokenStore struct {
	backend.Store
	put    func(ctx context.Context, d proxy.Document, content io.Reader) (string, error)
	open   func(ctx context.Context, id string) (proxy.Content, error)
	remove func(ctx context.Context, id string) error
}

func (b *brokenStore) Put(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
	if b.put != nil {
		return b.put(ctx, d, content)
	}
	return b.Store.Put(ctx, d, content)
}

func (b *brokenStore) Open(ctx context.Context, id string) (proxy.Content, error) {
	if b.open != nil {
		return b.open(ctx, id)
	}
	return b.Store.Open(ctx, id)
}

func (b *brokenStore) Remove(ctx context.Context, id string) error {
	if b.remove != nil {
		return b.remove(ctx, id)
	}
	return b.Store.Remove(ctx, id)
}

// unchecked stores any content, under its own digest.
func unchecked(real backend.Store) func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
	return func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
		ctx = context.WithoutCancel(ctx) // the client is gone
		got, _ := io.ReadAll(content)
		d.Size, d.SHA256 = int64(len(got)), sha256.Sum256(got)
		return real.Put(ctx, d, bytes.NewReader(got))
	}
}

// described changes documents' attributes when they are opened.
func described(real backend.Store, change func(*proxy.Document)) func(ctx context.Context, id string) (proxy.Content, error) {
	return func(ctx context.Context, id string) (proxy.Content, error) {
		c, err := real.Open(ctx, id)
		if err != nil {
			return nil, err
		}
		d := c.Document()
		change(&d)
		return &renamed{c, d}, nil
	}
}

type renamed struct {
	proxy.Content
	document proxy.Document
}

func (r *renamed) Document() proxy.Document { return r.document }

var storeFaults = []struct {
	name string
	held string
	make func(real backend.Store, newID func() string) *brokenStore
}{
	{"ignores the digest", "a body with another digest", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{put: unchecked(real)}
	}},
	{"ignores the length", "a body of another length", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{put: unchecked(real)}
	}},
	{"keeps an incomplete body", "a body that breaks off", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{put: unchecked(real)}
	}},
	{"makes a document of every put", "putting a document again", func(real backend.Store, newID func() string) *brokenStore {
		return &brokenStore{put: func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
			d.ID = newID()
			return real.Put(ctx, d, content)
		}}
	}},
	{"mixes concurrent bodies", "two concurrent puts", func(real backend.Store, _ func() string) *brokenStore {
		var mu sync.Mutex
		staged := map[string][]byte{}
		return &brokenStore{put: func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
			mu.Lock()
			staged[d.ID] = nil
			mu.Unlock()
			for buf := make([]byte, 32<<10); ; {
				n, err := content.Read(buf)
				mu.Lock()
				staged[d.ID] = append(staged[d.ID], buf[:n]...)
				whole := staged[d.ID]
				mu.Unlock()
				if err == nil {
					continue
				}
				if sha256.Sum256(whole) != d.SHA256 {
					return "", bridge.NewError(bridge.CodeDigest, "")
				}
				return real.Put(ctx, d, bytes.NewReader(whole))
			}
		}}
	}},
	{"takes another document for the first", "putting another under its id", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{put: func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
			if known, err := real.Open(ctx, d.ID); err == nil {
				return d.ID, known.Close()
			}
			return real.Put(ctx, d, content)
		}}
	}},
	{"forgets the proposed id", "found by the proposed id", func(real backend.Store, newID func() string) *brokenStore {
		return &brokenStore{put: func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
			d.ID = newID()
			return real.Put(ctx, d, content)
		}}
	}},
	{"assigns long ids", "comes back unchanged", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{put: func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
			id, err := real.Put(ctx, d, content)
			return id + "-0", err
		}}
	}},
	{"writes names in ASCII", "comes back unchanged", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{open: described(real, func(d *proxy.Document) { d.Name = strings.ToValidUTF8(d.Name[:3], "?") })}
	}},
	{"forgets the time of creation", "comes back unchanged", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{open: described(real, func(d *proxy.Document) { d.Created = d.Created.Add(time.Hour) })}
	}},
	{"has a document for every id", "that was never put", func(real backend.Store, newID func() string) *brokenStore {
		id := newID()
		return &brokenStore{open: func(ctx context.Context, _ string) (proxy.Content, error) {
			_, err := real.Put(ctx, proxy.Document{ID: id, SHA256: sha256.Sum256(nil)}, strings.NewReader(""))
			if err != nil {
				return nil, err
			}
			return real.Open(ctx, id)
		}}
	}},
	{"does not remove", "a removed document is unknown", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{remove: func(context.Context, string) error { return nil }}
	}},
}

// wireFaults are faults of something between the two ends.
var wireFaults = []struct {
	name string
	held string
	wrap func(http.Handler) http.Handler
}{
	{"ignores the secret", "without the secret", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+secret)
			next.ServeHTTP(w, r)
		})
	}},
	{"answers with a page of its own", "an error response's body", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&pageWriter{ResponseWriter: w}, r)
		})
	}},
	{"decodes a path twice", "any characters are distinguished", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if again, err := url.PathUnescape(r.URL.Path); err == nil {
				r.URL.Path, r.URL.RawPath = again, ""
			}
			next.ServeHTTP(w, r)
		})
	}},
	{"accepts its own version only", "unknown members", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if bytes.Contains(body, []byte(`"later"`)) {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		})
	}},
	{"is silent", "an empty line comes", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(&silent{w}, r) })
	}},
	{"ignores Range", "a Range returns", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Range")
			next.ServeHTTP(w, r)
		})
	}},
}

type pageWriter struct {
	http.ResponseWriter
	refused bool
}

func (p *pageWriter) WriteHeader(status int) {
	p.refused = status >= 400
	p.ResponseWriter.WriteHeader(status)
}

func (p *pageWriter) Write(b []byte) (int, error) {
	if p.refused {
		p.ResponseWriter.Write([]byte("<h1>Bad Request</h1>"))
		return len(b), nil
	}
	return p.ResponseWriter.Write(b)
}

func (p *pageWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

type silent struct{ http.ResponseWriter }

func (s *silent) Write(b []byte) (int, error) {
	if len(b) == 1 {
		return 1, nil
	}
	return s.ResponseWriter.Write(b)
}

func (s *silent) Unwrap() http.ResponseWriter { return s.ResponseWriter }
