package gws

import (
	"context"

	"attache/bridge"
	"attache/proxy"
)

// split is the store of what agents send and the store of everything else, as one.
type split struct {
	*Documents
}

// links is a split whose other store knows links. What GWS has attached has one: it is removed
// with it.
type links struct {
	split
	others proxy.Links
}

var (
	_ proxy.Stores  = split{}
	_ proxy.Settler = split{}
	_ proxy.Locator = split{}
	_ proxy.Links   = links{}
)

// From returns the store of all files: the agents' go to GWS from staging, and the others' to
// others.
func (s *Documents) From(staging proxy.Staging, others proxy.Documents) proxy.Documents {
	s.staging, s.others = staging, others
	if l, ok := others.(proxy.Links); ok {
		return links{split{s}, l}
	}
	return split{s}
}

// StoreOf returns GWS's for what an agent sends.
func (s split) StoreOf(d proxy.Document) proxy.Documents {
	switch d.UserType {
	case bridge.Agent, bridge.Supervisor:
		return s.Documents
	}
	return s.others
}

func (s split) Add(ctx context.Context, d proxy.Document) (string, error) {
	return s.StoreOf(d).Add(ctx, d)
}

// Settle settles a document of the other store. Those of GWS need it not.
func (s split) Settle(ctx context.Context, id string) error {
	settler, ok := s.others.(proxy.Settler)
	if _, ours, err := s.entries.find(ctx, id); ours || err != nil || !ok {
		return err
	}
	return settler.Settle(ctx, id)
}

// Open opens a document of either store, or one that somebody else has attached to an
// interaction: a customer by GMS, or an agent by a desktop.
func (s split) Open(ctx context.Context, id string) (proxy.Content, error) {
	content, err := s.Documents.Open(ctx, id)
	if bridge.CodeOf(err) != bridge.CodeDocument {
		return content, err
	}
	if content, err = s.others.Open(ctx, id); bridge.CodeOf(err) != bridge.CodeDocument {
		return content, err
	}
	return s.foreign(ctx, id, err)
}

func (s split) Remove(ctx context.Context, id string) error {
	if _, ours, err := s.entries.find(ctx, id); ours || err != nil {
		if err != nil {
			return err
		}
		return s.Documents.Remove(ctx, id)
	}
	return s.others.Remove(ctx, id)
}

func (l links) Link(ctx context.Context, id, to string) error {
	if _, ours, err := l.entries.find(ctx, id); ours || err != nil {
		return err
	}
	return l.others.Link(ctx, id, to)
}

func (l links) Unlink(ctx context.Context, id, to string) error {
	e, ours, err := l.entries.find(ctx, id)
	switch {
	case err != nil:
		return err
	case ours && to != e.Session:
		return nil // it was attached to a chat again, which made no link
	case ours:
		return l.Documents.Remove(ctx, id)
	}
	return l.others.Unlink(ctx, id, to)
}
