package storetest

import (
	"context"
	"sync/atomic"

	"attache/bridge"
	"attache/proxy"
)

var linkFaults = []fault{
	{name: "the removal of any link removes the document", held: "the removal of its last link removes a document", make: func(b *broken) {
		b.unlink = func(ctx context.Context, id, _ string) error { return b.Store.Remove(ctx, id) }
	}},
	{name: "the removal of the last link leaves the document", held: "the removal of its last link removes a document", make: func(b *broken) {
		b.unlink = func(ctx context.Context, id, to string) error {
			if to == proxy.ResponseLink("greeting") {
				return nil
			}
			return b.Store.Unlink(ctx, id, to)
		}
	}},
	{name: "Add stores no link", held: "the link that a document is made with", make: adding(func(_ *broken, d *proxy.Document) { d.Session = "" })},
	{name: "a document without links goes with any", held: "a document may be made without a link", make: func(b *broken) {
		b.unlink = func(ctx context.Context, id, to string) error {
			b.Store.Link(ctx, id, to)
			return b.Store.Unlink(ctx, id, to)
		}
	}},
	{name: "Remove leaves the links", held: "Remove removes a document with all its links", make: func(b *broken) {
		var removed seen
		b.remove = func(ctx context.Context, id string) error {
			removed.add(id)
			return b.Store.Remove(ctx, id)
		}
		b.add = func(ctx context.Context, d proxy.Document) (string, error) {
			id, err := b.Store.Add(ctx, d)
			if err == nil && removed.has(id) {
				err = b.Store.Link(ctx, id, "second")
			}
			return id, err
		}
	}},
	{name: "an unknown document can be linked", held: "Link fails for what is not a document", make: func(b *broken) {
		b.link = func(ctx context.Context, id, to string) error {
			if err := b.Store.Link(ctx, id, to); bridge.CodeOf(err) != bridge.CodeDocument {
				return err
			}
			return nil
		}
	}},
	{name: "any text is a session", held: "Link fails for what is not a document", make: func(b *broken) {
		b.link = func(ctx context.Context, id, to string) error {
			if proxy.CheckLink(to) != nil {
				to = "any"
			}
			return b.Store.Link(ctx, id, to)
		}
	}},
	{name: "adding again drops other links", held: "adding a document again changes no link", make: func(b *broken) {
		b.add = func(ctx context.Context, d proxy.Document) (string, error) {
			id, err := b.Store.Add(ctx, d)
			if err == nil {
				b.Store.Unlink(ctx, id, "second")
			}
			return id, err
		}
	}},
	{name: "of several links at once one is lost", held: "links that are added and removed at once", make: func(b *broken) {
		var calls atomic.Int64
		b.link = func(ctx context.Context, id, to string) error {
			if calls.Add(1) == 5 {
				return nil
			}
			return b.Store.Link(ctx, id, to)
		}
		b.unlink = func(ctx context.Context, id, to string) error {
			if to != "first" && calls.Add(1) == 10 {
				return b.Store.Link(ctx, id, to)
			}
			return b.Store.Unlink(ctx, id, to)
		}
	}},
	{name: "a link is lost if the last one is removed", held: "of a link that is added and the last one that is removed", make: linkNothing},
	{name: "Sweep goes by the age of documents", held: "Sweep keeps an old document", make: func(b *broken) {
		b.link = func(ctx context.Context, id, to string) error {
			if to == "later" {
				return nil
			}
			return b.Store.Link(ctx, id, to)
		}
	}},
	{name: "Sweep empties the library", held: "Sweep keeps an old document", make: func(b *broken) {
		b.link = func(ctx context.Context, id, to string) error {
			if to == proxy.ResponseLink("greeting") {
				to = "a-session"
			}
			return b.Store.Link(ctx, id, to)
		}
	}},
	{name: "Sweep has read the links before", held: "a document that Link has linked while its day", make: linkNothing},
	{name: "a process knows its own links only", held: "what one process links", make: linkNothing},
}

// linkNothing reports a link that it does not store.
func linkNothing(b *broken) {
	b.link = func(context.Context, string, string) error { return nil }
}
