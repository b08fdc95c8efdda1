package bridge

// Access says whether the party that an event is delivered to may download its file. Only
// the proxy knows: which documents it delivered itself, whose notices it believes, and what
// it hides from customers.
type Access struct {
	Download bool
	Reason   string // why not, in a sentence
}

func (a *Access) fields(f fields) {
	f.flag("download", &a.Download)
	f.optional("reason", &a.Reason, 256)
}

// Shown returns e as a proxy delivers it to a page. A file-uploaded notice gets an Access,
// judged by the notice and e.Vouched. With hide, it lacks the keys that name the store and
// the document: a customer needs neither. e.Data itself is not changed.
func Shown(e Event, hide bool) Event {
	e.Access = nil
	if file, err := DecodeFile(e); err == nil {
		e.Access = &Access{Download: file.Downloadable, Reason: file.Reason}
		if hide && file.Source != SourceUCS {
			e.Access.Reason = otherStore
		}
	}
	e.Vouched = false
	if hide {
		e.Data = e.Data.without(KeyFileSource, KeyDocumentID)
	}
	return e
}

// otherStore is the reason that does not name the store.
const otherStore = "the file is in a store that cannot be read from here"
