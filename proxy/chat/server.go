package chat

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
)

// Server is Chat Server on JetStream. Any number of them may share a stream,
// in any number of processes; each answers for every session.
type Server struct {
	options Options
	log     *log
	lobby   *lobby
	stop    context.CancelFunc
	done    sync.WaitGroup
}

var (
	_ proxy.ChatServer = (*Server)(nil)
	_ proxy.Allowances = (*Server)(nil)
)

// New opens the sessions' stream and begins to follow it. The connection of js
// stays the caller's.
func New(ctx context.Context, js jetstream.JetStream, o Options) (*Server, error) {
	o = o.withDefaults()
	l := &log{js: js, patience: o.Patience}
	stream, err := l.open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open the chat sessions: %w", err)
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the chat sessions: %w", err)
	}
	following, stop := context.WithCancel(context.Background())
	s := &Server{options: o, log: l, lobby: newLobby(l, o.IdleSessions), stop: stop}
	s.done.Go(func() {
		engine.Follow(following, js, streamName, subjectPrefix+">", info.State.LastSeq+1, s.options.Log, s.offer)
	})
	return s, nil
}

// Close stops following the stream. What is stored stays.
func (s *Server) Close() {
	s.stop()
	s.done.Wait()
}

// offer hands an entry of the stream to its room, if anybody is in it.
func (s *Server) offer(about *jetstream.MsgMetadata, m jetstream.Msg) {
	if r := s.lobby.find(strings.TrimPrefix(m.Subject(), subjectPrefix)); r != nil {
		r.offer(about.Sequence.Stream, m.Data())
	}
}

// enter returns the room of a session with its fold loaded. leave gives it back.
func (s *Server) enter(ctx context.Context, session string) (r *room, leave func(), err error) {
	if !bridge.ValidSession(session) {
		return nil, nil, bridge.NewError(bridge.CodeSessionInvalid, "")
	}
	r = s.lobby.enter(session)
	leave = func() { s.lobby.leave(r) }
	if err := r.current(ctx); err != nil {
		leave()
		return nil, nil, err
	}
	return r, leave, nil
}

func (s *Server) now() int64 { return s.options.Now().UnixMilli() }
