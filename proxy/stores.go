package proxy

import "context"

// Stores is implemented by Documents that are several stores, one of which takes each upload's
// file, such as an agent's through GWS and everything else into our own.
type Stores interface {
	// StoreOf returns the store that takes the file, by its Session, UserID and UserType.
	StoreOf(d Document) Documents
}

// StoreOf is the store of documents that takes the file.
func StoreOf(documents Documents, d Document) Documents {
	if s, ok := documents.(Stores); ok {
		return s.StoreOf(d)
	}
	return documents
}

// Announcer is implemented by Documents whose system announces a file itself once Add has
// stored it. Then nobody else posts its notice.
type Announcer interface {
	// Announces reports whether the system does so, and the document's id in its notice. id is
	// that of the document, or that under which it was staged.
	Announces(ctx context.Context, id string) (announced string, announces bool, err error)
}

// Locator is implemented by Documents that can open a document only if they know a session that
// names it, such as those of GWS. Locate is called before Open and must not block.
type Locator interface {
	Locate(session, id string)
}

// openNamed opens a document that a notice in the session names.
func (t *Transfers) openNamed(ctx context.Context, session, id string) (Content, error) {
	if l, ok := t.cfg.Documents.(Locator); ok {
		l.Locate(session, id)
	}
	return t.cfg.Documents.Open(ctx, id)
}
