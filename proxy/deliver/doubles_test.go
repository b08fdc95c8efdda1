package deliver_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"

	"attache/bridge"
	"attache/proxy"
)

var errAway = errors.New("connection refused")

// chatDouble is a chat server that stores its events. It accepts a second notice with the
// same key, unless once is set, because the tests count them.
type chatDouble struct {
	once bool

	mu       sync.Mutex
	events   []bridge.Event
	finds    int
	released map[string]int
	ended    map[string]bool // sessions
	left     map[string]bool // parties
	lenient  bool            // a party that has left may announce its files, as at our own Chat Server

	// before may fail a post; after may fail its answer, once it has happened.
	before, after func(key string) error
	// asked is called for each request whether a party is present.
	asked func()
}

func newChatDouble() *chatDouble {
	return &chatDouble{released: map[string]int{}, ended: map[string]bool{}, left: map[string]bool{}}
}

func (c *chatDouble) Post(_ context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
	if c.before != nil {
		if err := c.before(e.Key); err != nil {
			return bridge.Event{}, err
		}
	}
	e, err := c.append(session, userID, e)
	if err == nil && c.after != nil {
		err = c.after(e.Key)
	}
	return e, err
}

func (c *chatDouble) append(session, userID string, e bridge.Event) (bridge.Event, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended[session]:
		return bridge.Event{}, bridge.NewError(bridge.CodeSessionEnded, "")
	case c.left[userID] && !c.lenient:
		return bridge.Event{}, bridge.NewError(bridge.CodeNotJoined, "")
	}
	for _, first := range c.events {
		if c.once && first.Key == e.Key {
			return first, nil
		}
	}
	e.ID = int64(len(c.events) + 1)
	e.From = bridge.Party{UserID: userID}
	if e.IsFile() {
		e.Data = slices.Clone(e.Data).Set(bridge.Text(bridge.KeyFileID, "file-"+strconv.Itoa(len(c.events))))
	}
	c.events = append(c.events, e)
	return e, nil
}

// notices counts the notices of each key.
func (c *chatDouble) notices() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := map[string]int{}
	for _, e := range c.events {
		if e.IsFile() {
			n[e.Key]++
		}
	}
	return n
}

func (c *chatDouble) FindKey(_ context.Context, _, key string) (bridge.Event, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finds++
	for _, e := range c.events {
		if e.Key == key {
			return e, true, nil
		}
	}
	return bridge.Event{}, false, nil
}

// looked counts the searches for a key.
func (c *chatDouble) looked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.finds
}

func (c *chatDouble) Release(_ context.Context, _, _, key string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.released[key]++
	return nil
}

func (c *chatDouble) releases(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.released[key]
}

func (c *chatDouble) Limits(_ context.Context, session, userID string) (bridge.Limits, error) {
	if c.asked != nil {
		c.asked()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended[session] {
		return bridge.Limits{}, bridge.NewError(bridge.CodeSessionEnded, "")
	}
	if c.left[userID] {
		return bridge.Limits{}, bridge.NewError(bridge.CodeNotJoined, "")
	}
	return bridge.Unlimited(), nil
}

func (c *chatDouble) Reserve(context.Context, string, string, string, string, int64) error {
	return nil
}

func (c *chatDouble) Correct(context.Context, string, string, string, int64) error { return nil }

func (c *chatDouble) Attempt(context.Context, string, string, string, string) error { return nil }

func (c *chatDouble) Join(_ context.Context, _ string, p proxy.Joining) (proxy.Joined, error) {
	return proxy.Joined{Party: p.Party}, nil
}

func (c *chatDouble) Leave(context.Context, string, string, proxy.Departure) error {
	return nil
}

func (c *chatDouble) Events(context.Context, string, string, int64, func(bridge.Event) error) error {
	return nil
}

func (c *chatDouble) File(context.Context, string, string, string) (bridge.Event, error) {
	return bridge.Event{}, bridge.NewError(bridge.CodeFileUnknown, "")
}

// storeDouble is staging and document store in one. With foreign, documents get ids of its
// own.
type storeDouble struct {
	proxy.Staging // what these tests do not call

	mu        sync.Mutex
	staged    map[string][]byte
	documents map[string][]byte
	adds      int
	foreign   bool

	wholes     int             // calls of Whole
	torn       map[string]bool // content that Whole finds damaged
	unreadable error           // of Whole

	before, after func(id string) error // as chatDouble's, of Add
}

func newStoreDouble() *storeDouble {
	return &storeDouble{staged: map[string][]byte{}, documents: map[string][]byte{}}
}

func (s *storeDouble) put(id string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.staged[id] = content
}

func (s *storeDouble) kept() (staged, documents []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.staged)), slices.Collect(maps.Keys(s.documents))
}

func (s *storeDouble) Staged(_ context.Context, id string) (io.ReadSeekCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.staged[id]
	if !ok {
		return nil, bridge.NewError(bridge.CodeDocument, "")
	}
	return content{Reader: bytes.NewReader(b)}, nil
}

// Whole takes what is there for the whole, as a store does that does not know the size.
func (s *storeDouble) Whole(_ context.Context, id string) (size int64, sum [32]byte, whole bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wholes++
	return int64(len(s.staged[id])), sha256.Sum256(s.staged[id]), !s.torn[id], s.unreadable
}

func (s *storeDouble) Discard(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, stored := s.documents[id]; !stored {
		delete(s.staged, id)
	}
	return nil
}

func (s *storeDouble) Add(ctx context.Context, d proxy.Document) (string, error) {
	if s.before != nil {
		if err := s.before(d.ID); err != nil {
			return "", err
		}
	}
	id, err := s.add(d)
	if err == nil && s.after != nil {
		err = s.after(d.ID)
	}
	return id, err
}

func (s *storeDouble) add(d proxy.Document) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.staged[d.ID]
	if !ok {
		return "", bridge.NewError(bridge.CodeDigest, "")
	}
	s.adds++
	id := d.ID
	if s.foreign {
		id = "ucs-" + strconv.Itoa(s.adds)
	}
	s.documents[id] = b
	return id, nil
}

func (s *storeDouble) Open(_ context.Context, id string) (proxy.Content, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.documents[id]
	if !ok {
		return nil, bridge.NewError(bridge.CodeDocument, "")
	}
	return content{Reader: bytes.NewReader(b)}, nil
}

func (s *storeDouble) Remove(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.documents, id)
	delete(s.staged, id)
	return nil
}

// backendStore is a separate store that copies the staged content.
type backendStore struct {
	*storeDouble
	staging *storeDouble
}

func (s *backendStore) Add(ctx context.Context, d proxy.Document) (string, error) {
	content, err := s.staging.Staged(ctx, d.ID)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(content)
	if err != nil {
		return "", err
	}
	s.put(d.ID, b)
	return s.storeDouble.Add(ctx, d)
}

type content struct{ *bytes.Reader }

func (content) Close() error             { return nil }
func (content) Document() proxy.Document { return proxy.Document{} }

// scannerDouble returns the given answers in turn, and then clean.
type scannerDouble struct {
	mu      sync.Mutex
	answers []any // proxy.Verdict or error
	scans   int
	seen    []byte
}

func (s *scannerDouble) Scan(_ context.Context, r io.Reader, _ proxy.Document) (proxy.Verdict, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scans++
	s.seen, _ = io.ReadAll(r)
	if len(s.answers) == 0 {
		return proxy.Clean, nil
	}
	a := s.answers[0]
	s.answers = s.answers[1:]
	if err, ok := a.(error); ok {
		return proxy.Clean, err // a verdict beside an error must not count
	}
	return a.(proxy.Verdict), nil
}
