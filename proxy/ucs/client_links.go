package ucs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"attache/bridge"
	"attache/proxy"
)

// linked are documents with links, where each session is an interaction of UCS. A link to our
// library is in the ledger alone, because the library's responses are none of UCS's: as long as
// there is one, no link is removed from UCS, which would delete the document with its last one.
type linked struct{ *documents }

var _ proxy.Links = linked{}

// Link links a document to a session or to the library.
func (c linked) Link(ctx context.Context, id, to string) error {
	err := proxy.CheckLink(to)
	if err == nil {
		err = c.link(ctx, id, to)
	}
	if err != nil {
		return fmt.Errorf("link the document %s: %w", id, err)
	}
	return nil
}

func (c linked) link(ctx context.Context, id, to string) error {
	id, entry, err := c.idOf(ctx, id)
	if err != nil {
		return err
	}
	err = c.retry(ctx, func(ctx context.Context) (err error) {
		if bridge.ValidSession(to) {
			_, err = c.send(ctx, call{verb: http.MethodPost, method: methodAdd, members: []member{{memberDocument, id}, {memberInteraction, to}}})
		} else {
			_, err = c.describe(ctx, id)
		}
		return err
	})
	if err != nil || entry.DocumentID == "" && bridge.ValidSession(to) {
		return err // of a document that others added, UCS knows best
	}
	entry.DocumentID, entry.Whole = id, true
	_, err = c.changeLinks(ctx, entry, func(links []string) []string {
		if slices.Contains(links, to) {
			return links
		}
		return append(links, to)
	})
	return err
}

// Unlink removes a link, and the document with its last one.
func (c linked) Unlink(ctx context.Context, id, to string) error {
	err := proxy.CheckLink(to)
	if err == nil {
		err = c.unlink(ctx, id, to)
	}
	if err != nil {
		return fmt.Errorf("unlink the document %s: %w", id, err)
	}
	return nil
}

func (c linked) unlink(ctx context.Context, id, to string) error {
	id, entry, err := c.idOf(ctx, id)
	if err != nil {
		return err
	}
	had := slices.Contains(entry.Links, to)
	if had {
		if entry, err = c.changeLinks(ctx, entry, func(links []string) []string {
			return slices.DeleteFunc(links, func(one string) bool { return one == to })
		}); err != nil {
			return err
		}
	}
	inLibrary := slices.ContainsFunc(entry.Links, func(one string) bool { return !bridge.ValidSession(one) })
	switch {
	case bridge.ValidSession(to) && !inLibrary:
		return c.remove(ctx, member{memberDocument, id}, member{memberInteraction, to})
	case !bridge.ValidSession(to) && had && len(entry.Links) == 0:
		return c.remove(ctx, member{memberDocument, id})
	}
	return nil
}

// changeLinks changes the links of an entry, whatever other proxies change meanwhile.
func (c linked) changeLinks(ctx context.Context, entry Entry, change func([]string) []string) (Entry, error) {
	for {
		if entry.Staged != "" { // it may have been found by its document
			now, found, err := c.cfg.Ledger.byStaged(ctx, entry.Staged)
			if err != nil {
				return entry, bridge.WrapError(bridge.CodeStorageUnavailable, err)
			}
			if found {
				entry = now
			}
		}
		entry.Links = change(slices.Clone(entry.Links))
		written, err := c.cfg.Ledger.put(ctx, entry)
		switch {
		case err == nil:
			return written, nil
		case !errors.Is(err, errLedgerChanged) || ctx.Err() != nil:
			return entry, bridge.WrapError(bridge.CodeStorageUnavailable, err)
		}
	}
}
