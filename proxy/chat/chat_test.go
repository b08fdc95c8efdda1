package chat_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
	"attache/proxy/engine"
	"attache/proxy/proxytest"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

// store runs an engine in dir.
func store(t testing.TB, dir string) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e
}

func serve(t testing.TB, e *engine.Engine, o chat.Options) *chat.Server {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	s, err := chat.Open(t.Context(), e, o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func start(t testing.TB, o chat.Options) *chat.Server {
	t.Helper()
	return serve(t, store(t, t.TempDir()), o)
}

// The parties of most tests.
var (
	ann   = bridge.Party{UserID: "ann", Nickname: "Ann", UserType: bridge.Client, ClientVersion: 106}
	carl  = bridge.Party{UserID: "carl", Nickname: "Carl", UserType: bridge.Client, ClientVersion: 106}
	bob   = bridge.Party{UserID: "bob", Nickname: "Bob", UserType: bridge.Agent, ClientVersion: 106}
	sue   = bridge.Party{UserID: "sue", Nickname: "Sue", UserType: bridge.Supervisor, ClientVersion: 106}
	bot   = bridge.Party{UserID: "bot", Nickname: "Bot", UserType: bridge.System, ClientVersion: 106}
	elder = bridge.Party{UserID: "elder", Nickname: "Elder", UserType: bridge.Agent, ClientVersion: 103}
)

func join(t testing.TB, s *chat.Server, session string, parties ...bridge.Party) {
	t.Helper()
	for _, p := range parties {
		_, err := s.Join(t.Context(), session, proxy.Joining{Party: p})
		require.NoError(t, err)
	}
}

func text(s string) bridge.Event { return bridge.Event{Type: bridge.Message, Text: s} }

func notice(key, name string, size int64) bridge.Event {
	return bridge.Announcement{Name: name, Size: size, DocumentID: "0001AaBCDEFG0001", Key: key}.Notice("")
}

func post(t testing.TB, s *chat.Server, session string, p bridge.Party, e bridge.Event) bridge.Event {
	t.Helper()
	stored, err := s.Post(t.Context(), session, p.UserID, e)
	require.NoError(t, err)
	return stored
}

func requireCode(t testing.TB, code bridge.Code, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, bridge.CodeOf(err), "%v", err)
}

// receiver collects the events that Events delivers.
type receiver struct {
	cancel context.CancelFunc
	done   chan error

	mu     sync.Mutex
	events []bridge.Event
	more   chan struct{}
}

func receive(t testing.TB, s *chat.Server, session string, p bridge.Party, position int64) *receiver {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &receiver{cancel: cancel, done: make(chan error, 1), more: make(chan struct{}, 1)}
	go func() {
		r.done <- s.Events(ctx, session, p.UserID, position, func(e bridge.Event) error {
			r.mu.Lock()
			r.events = append(r.events, e)
			r.mu.Unlock()
			select {
			case r.more <- struct{}{}:
			default:
			}
			return nil
		})
	}()
	t.Cleanup(cancel)
	return r
}

func (r *receiver) got() []bridge.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]bridge.Event(nil), r.events...)
}

// until waits for an event with that id.
func (r *receiver) until(t testing.TB, id int64) []bridge.Event {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		if got := r.got(); len(got) > 0 && got[len(got)-1].ID >= id {
			return got
		}
		select {
		case <-r.more:
		case <-deadline:
			require.FailNow(t, "an event did not come", "want %d, have %v", id, ids(r.got()))
		}
	}
}

// stop ends the receiver and returns its events.
func (r *receiver) stop(t testing.TB) []bridge.Event {
	t.Helper()
	r.cancel()
	err := <-r.done
	require.True(t, errors.Is(err, context.Canceled), "%v", err)
	return r.got()
}

func ids(events []bridge.Event) []int64 {
	out := make([]int64, len(events))
	for i, e := range events {
		out[i] = e.ID
	}
	return out
}

// receiveAll returns the events of an ended session.
func receiveAll(t testing.TB, s *chat.Server, session string, p bridge.Party) (events []bridge.Event) {
	t.Helper()
	err := s.Events(t.Context(), session, p.UserID, 0, func(e bridge.Event) error {
		events = append(events, e)
		return nil
	})
	requireCode(t, bridge.CodeSessionEnded, err)
	return events
}

// end waits for the error that ends the events.
func (r *receiver) end(t testing.TB) error {
	t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("the events did not end")
		return nil
	}
}
