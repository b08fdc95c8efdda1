package assembly

import (
	"errors"

	"attache/proxy"
	"attache/proxy/backend"
)

// Elsewhere are the systems that take the place of our own. Each is chosen by itself, and our
// own is used for each that is nil. The caller opens them before Open, and closes them later.
type Elsewhere struct {
	// Chat is the Chat Server. One that is a [proxy.Deliverer] stores what it announces, so it
	// needs Documents that can open what it has stored.
	Chat proxy.ChatServer
	// Documents returns the store of delivered files. What is staged of uploads stays here: its
	// Add reads that from staging.
	Documents func(staging proxy.Staging) proxy.Documents
	// Agents returns the store of all files, in which what agents send is in another store, such
	// as GWS's, than others, which is that of Documents or our own.
	Agents func(staging proxy.Staging, others proxy.Documents) proxy.Documents
	// Library holds standard responses, which are in Documents. Options.Responses is used instead
	// if it is not empty.
	Library proxy.Library
}

// OfBackend is a backend that is everything: Chat Server, documents and library.
func OfBackend(c *backend.Client) Elsewhere {
	return Elsewhere{Chat: c.Chat(), Documents: c.Documents, Library: c.Library()}
}

// check refuses systems that can never work together.
func (w Elsewhere) check() error {
	if _, delivers := w.Chat.(proxy.Deliverer); delivers && w.Documents == nil {
		return errors.New("a Chat Server that stores what it announces needs documents that can open it, not our own")
	} else if delivers && w.Agents != nil {
		return errors.New("a Chat Server that stores what it announces leaves nothing for another store of the agents' files")
	}
	if w.Library != nil && w.Documents == nil {
		return errors.New("the library is elsewhere, and the documents are our own: they do not have its responses")
	}
	return nil
}

// storeName is the name of the store here: it has the documents, or only what is staged. The
// documents may be ours, on the same cluster: under the same name, putting a document would
// discard the upload that it is put from.
func (w Elsewhere) storeName() string {
	if w.Documents != nil {
		return stagedUploads
	}
	return ownDocuments
}

func (w Elsewhere) documents(own Store) (all proxy.Documents) {
	all = own
	if w.Documents != nil {
		all = w.Documents(own)
	}
	if w.Agents != nil {
		all = w.Agents(own, all)
	}
	return all
}
