package gws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
)

// Documents is the store of what agents send.
type Documents struct {
	client  *Client
	entries *entries
	staging proxy.Staging
	others  proxy.Documents // of what everybody else sends

	mu             sync.Mutex
	named, earlier map[string]string // sessions by the id of a document, see Locate
}

var (
	_ proxy.Documents = (*Documents)(nil)
	_ proxy.Bounded   = (*Documents)(nil)
	_ proxy.Announcer = (*Documents)(nil)
	_ proxy.Leftovers = (*Documents)(nil)
)

// Open opens the store on a running engine, which outlives it. keep is how long files are kept
// at most. From says where its content is.
func Open(ctx context.Context, e *engine.Engine, c *Client, keep time.Duration) (*Documents, error) {
	all, err := openEntries(ctx, e, keep)
	if err != nil {
		return nil, err
	}
	return &Documents{client: c, entries: all, named: map[string]string{}}, nil
}

// MaxSize is the size of the largest file that UCS takes.
func (s *Documents) MaxSize() int64 { return s.client.cfg.Named.MaxSize }

// Announces reports whether GWS posts the notice of the document itself.
func (s *Documents) Announces(ctx context.Context, id string) (string, bool, error) {
	if s.client.cfg.Named.Announce != AnnounceGWS {
		return id, false, nil
	}
	e, found, err := s.entries.find(ctx, id)
	if found && e.DocumentID != "" {
		id = e.DocumentID
	}
	return id, true, err
}

// Add stores staged content and attaches it to its interaction, from the step on that an
// earlier try has reached.
func (s *Documents) Add(ctx context.Context, d proxy.Document) (string, error) {
	id, err := s.add(ctx, d)
	if err != nil {
		return "", fmt.Errorf("attach the document %s by GWS: %w", d.ID, err)
	}
	return id, nil
}

func (s *Documents) add(ctx context.Context, d proxy.Document) (string, error) {
	e, found, err := s.entries.get(ctx, d.ID)
	if err != nil {
		return "", err
	}
	if !found {
		e = newEntry(d, cmp.Or(d.Interaction, d.Session))
	}
	if e.Step == "" || e.Step == storing {
		if err := s.store(ctx, &e, d); err != nil {
			return "", err
		}
	}
	if e.Step == attached {
		return e.DocumentID, nil
	}
	return e.DocumentID, s.attach(ctx, &e, d)
}

// store makes the document. A try whose outcome is unclear may have made one as well, which
// nobody sees and nobody can find: GWS lists none.
func (s *Documents) store(ctx context.Context, e *entry, d proxy.Document) error {
	if e.Step == storing {
		s.client.cfg.Log.Warn("GWS may have a document that is not attached", "interaction", e.Interaction, "user", e.UserID, "size", e.Size)
	}
	e.Step = storing
	if err := s.entries.put(ctx, e); err != nil {
		return err
	}
	id, err := s.put(ctx, *e, d)
	if err != nil {
		return s.refused(ctx, e, "", err)
	}
	crashPoint("stored")
	e.DocumentID, e.Step = id, stored
	err = s.entries.put(ctx, e)
	if errors.Is(err, errOvertaken) && s.client.cfg.Named.Store == StoreGWS {
		return errors.Join(err, s.client.remove(ctx, e.place())) // the other's document counts
	}
	return err
}

func (s *Documents) put(ctx context.Context, e entry, d proxy.Document) (string, error) {
	if s.client.cfg.Named.Store == StoreDocuments {
		return s.others.Add(ctx, d)
	}
	return s.client.store(ctx, e.place(), d, func() (io.ReadCloser, error) { return s.staging.Staged(ctx, d.ID) })
}

func (s *Documents) attach(ctx context.Context, e *entry, d proxy.Document) error {
	if e.Step == attaching && s.client.cfg.Named.Unclear == UnclearFail {
		err := bridge.WrapError(bridge.CodeInternal, errors.New("it is unclear whether GWS has attached the document"))
		err.Retry = false
		return err
	}
	e.Step = attaching
	if err := s.entries.put(ctx, e); err != nil {
		return err
	}
	if err := s.client.attach(ctx, e.place(), d); err != nil {
		return s.refused(ctx, e, stored, err)
	}
	crashPoint("attached")
	e.Step = attached
	return s.entries.put(ctx, e)
}

// refused takes the step back if GWS certainly did not do what it was asked.
func (s *Documents) refused(ctx context.Context, e *entry, before step, err error) error {
	if errors.Is(err, errUnclear) {
		return err
	}
	e.Step = before
	return errors.Join(err, s.entries.put(context.WithoutCancel(ctx), e))
}

// Open opens an attachment of ours, by the document's id or by that under which it was staged.
func (s *Documents) Open(ctx context.Context, id string) (proxy.Content, error) {
	e, found, err := s.entries.find(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("open the attachment %s: %w", id, err)
	}
	if !found || e.DocumentID == "" {
		return nil, bridge.NewError(bridge.CodeDocument, "")
	}
	if s.client.cfg.Named.Store == StoreDocuments {
		return s.others.Open(ctx, e.DocumentID)
	}
	return &reader{client: s.client, at: e.place(), document: e.document(), ctx: ctx}, nil
}

// Leftover reports whether an Add that has not returned has left a document.
func (s *Documents) Leftover(ctx context.Context, id string) (bool, error) {
	e, found, err := s.entries.find(ctx, id)
	if err != nil || !found || e.DocumentID != "" {
		return found, err
	}
	if l, ok := s.others.(proxy.Leftovers); ok && s.client.cfg.Named.Store == StoreDocuments {
		return l.Leftover(ctx, id)
	}
	return false, nil // of what GWS may have left, nobody knows the id
}

// Remove takes the document from its interaction, and deletes it. An unknown id is not an error.
func (s *Documents) Remove(ctx context.Context, id string) error {
	e, found, err := s.entries.find(ctx, id)
	if err != nil || !found {
		return err
	}
	switch {
	case e.DocumentID != "":
		err = s.remove(ctx, e)
	case s.client.cfg.Named.Store == StoreDocuments:
		err = s.others.Remove(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("remove the attachment %s: %w", id, err)
	}
	return s.entries.drop(ctx, e)
}

func (s *Documents) remove(ctx context.Context, e entry) error {
	if e.Step != stored {
		if err := s.client.detach(ctx, e.place()); err != nil {
			return err
		}
	}
	if s.client.cfg.Named.Store == StoreDocuments {
		return s.others.Remove(ctx, e.DocumentID)
	}
	return s.client.remove(ctx, e.place())
}
