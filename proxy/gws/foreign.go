package gws

import (
	"context"
	"fmt"

	"attache/proxy"
)

// maxNamed bounds how many documents Locate remembers, twice.
const maxNamed = 10_000

// Locate remembers the session that names a document, because GWS finds an attachment only by
// its interaction.
func (s split) Locate(session, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.named) >= maxNamed {
		s.earlier, s.named = s.named, map[string]string{}
	}
	s.named[id] = session
}

func (s *Documents) session(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session := s.named[id]; session != "" {
		return session
	}
	return s.earlier[id]
}

// foreign opens what we have no entry of, with the common account; unknown is the error if it
// cannot be looked for.
func (s split) foreign(ctx context.Context, id string, unknown error) (proxy.Content, error) {
	session := s.session(id)
	if session == "" || s.client.common == nil {
		return nil, unknown
	}
	r := &reader{client: s.client, at: place{interaction: session, document: id}, document: proxy.Document{ID: id, Session: session}.Typed(), ctx: ctx}
	if err := r.look(); err != nil {
		return nil, fmt.Errorf("open the attachment %s of another party: %w", id, err)
	}
	return r, nil
}
