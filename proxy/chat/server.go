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
	cfg   Options
	log   *log
	lobby *lobby
	idle  idleSessions
	stop  func()
	done  sync.WaitGroup

	following context.Context // ends with Close
}

var (
	_ proxy.ChatServer  = (*Server)(nil)
	_ proxy.Allowances  = (*Server)(nil)
	_ proxy.Transcripts = (*Server)(nil)
	_ proxy.Activities  = (*Server)(nil)
	_ proxy.Farewells   = (*Server)(nil)
)

// Open opens the sessions' stream on a running engine, which outlives the server, and
// follows the stream until Close.
func Open(ctx context.Context, e *engine.Engine, o Options) (*Server, error) {
	return open(ctx, e.JetStream(), e.Replicas(), o)
}

func open(ctx context.Context, js jetstream.JetStream, replicas int, o Options) (*Server, error) {
	o = o.withDefaults()
	l := &log{js: js, appending: engine.RetryPolicy{Total: o.RetryFor, PerTry: appendTimeout}}
	stream, err := l.open(ctx, replicas, o.Retention)
	if err != nil {
		return nil, fmt.Errorf("open the chat sessions: %w", err)
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the chat sessions: %w", err)
	}
	following, stop := context.WithCancel(context.Background())
	s := &Server{
		cfg: o, log: l, lobby: newLobby(l, o.IdleSessions), following: following,
		idle: idleSessions{due: map[string]int64{}},
	}
	transients, err := s.followTransients()
	if err != nil {
		stop()
		return nil, fmt.Errorf("open the chat sessions: %w", err)
	}
	s.stop = func() { transients.Unsubscribe(); stop() }
	s.done.Go(func() {
		engine.Follow(following, js, streamName, subjectPrefix+">", info.State.LastSeq+1, s.cfg.Log, s.offer)
	})
	if o.Idle.Enabled {
		s.done.Go(func() { s.runIdleControl(following) })
	}
	return s, nil
}

// Close stops following the stream. Everything stored stays.
func (s *Server) Close() {
	s.stop()
	s.done.Wait()
}

// offer passes an entry of the stream to its room, if there is one.
func (s *Server) offer(about *jetstream.MsgMetadata, m jetstream.Msg) {
	session := strings.TrimPrefix(m.Subject(), subjectPrefix)
	if r := s.lobby.find(session); r != nil {
		r.offer(about.Sequence.Stream, m.Data())
	}
	s.noteEntry(session, m.Data())
}

// enter returns the room of a session with its fold loaded. Call leave after use.
func (s *Server) enter(ctx context.Context, session string) (r *room, leave func(), err error) {
	if !bridge.ValidSession(session) {
		return nil, nil, bridge.NewError(bridge.CodeSessionInvalid, "")
	}
	r = s.lobby.enter(session)
	leave = func() { s.lobby.leave(r) }
	if err := r.refresh(ctx); err != nil {
		leave()
		return nil, nil, err
	}
	return r, leave, nil
}

func (s *Server) now() int64 { return s.cfg.Now().UnixMilli() }
