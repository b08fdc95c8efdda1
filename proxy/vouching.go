package proxy

import (
	"context"

	"attache/bridge"
)

// Shown returns e as the party's page gets it: every front door passes each event through
// it. A file's notice says whether the party may download the file, and a customer gets no
// key that names a store or a document, unless the configuration shows them.
func (t *Transfers) Shown(ctx context.Context, who Identity, e bridge.Event) bridge.Event {
	if e.IsFile() {
		// If the registry cannot be read, the page shows the file without a download, and
		// has it right when it reads the transcript again.
		vouched, err := t.vouches(ctx, who.Session, e)
		e.Vouched = vouched && err == nil
	}
	return bridge.Shown(e, who.customer() && !t.cfg.ShowDocumentIDs)
}

// shownIn returns m with every event in it as the party's page gets it.
func (t *Transfers) shownIn(ctx context.Context, who Identity, m bridge.Wire) bridge.Wire {
	switch m := m.(type) {
	case *bridge.EventAdded:
		return &bridge.EventAdded{Event: t.Shown(ctx, who, m.Event)}
	case *bridge.Done:
		return &bridge.Done{Ref: m.Ref, Event: t.shownOr(ctx, who, m.Event)}
	case *bridge.Upload:
		return &bridge.Upload{Key: m.Key, State: m.State, Event: t.shownOr(ctx, who, m.Event), Error: m.Error}
	}
	return m
}

func (t *Transfers) shownOr(ctx context.Context, who Identity, e *bridge.Event) *bridge.Event {
	if e == nil {
		return nil
	}
	shown := t.Shown(ctx, who, *e)
	return &shown
}

// vouches reports whether the document of a notice may be believed although our delivery did
// not store it and its sender is not trusted: the Chat Server vouches for it, or the
// configuration for all customers, and no proxy of ours registered the sender.
func (t *Transfers) vouches(ctx context.Context, session string, e bridge.Event) (bool, error) {
	believed := e.Vouched || t.cfg.TrustCustomerFiles && e.From.UserType == bridge.Client
	if !believed || !t.declared() {
		return false, nil
	}
	ours, err := t.cfg.Registry.Has(ctx, session, e.From.UserID)
	if err != nil {
		return false, bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return !ours, nil
}

// declared reports whether anybody may vouch at all.
func (t *Transfers) declared() bool {
	voucher, ok := t.cfg.Chat.(Voucher)
	return t.cfg.Registry != nil && (t.cfg.TrustCustomerFiles || ok && voucher.Vouches())
}

// register remembers a party whose notices are not vouched for from now on. An attached
// party is registered elsewhere.
func (t *Transfers) register(ctx context.Context, who Identity, joined Joined) error {
	if joined.Attached || who.Party.UserType.Trusted() || !t.declared() {
		return nil
	}
	if err := t.cfg.Registry.Add(ctx, who.Session, who.Party.UserID); err != nil {
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return nil
}
