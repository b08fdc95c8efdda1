package chat

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
)

// OpenOn is Open with a store that a test has changed.
func OpenOn(ctx context.Context, js jetstream.JetStream, o Options) (*Server, error) {
	return open(ctx, js, 1, o)
}

// ControlIdle does at once what idle control does every second.
func (s *Server) ControlIdle(ctx context.Context) { s.controlIdle(ctx) }

// IdleFound reports whether idle control knows of the session.
func (s *Server) IdleFound(session string) bool {
	s.idle.mu.Lock()
	defer s.idle.mu.Unlock()
	_, ok := s.idle.due[session]
	return ok
}

// Counts reports whether an event is activity.
func (c IdleControl) Counts(e bridge.Event) bool {
	a, ok := activityOf(&logEntry{Kind: isEvent, Event: &event{e}})
	return ok && c.counts(a)
}

// WithDefaults returns the options that a server uses.
func WithDefaults(o Options) Options { return o.withDefaults() }
