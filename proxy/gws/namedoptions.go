package gws

import (
	"errors"
	"slices"
	"strings"
)

// NamedOption is one of the options that are set by their names. Each fact about GWS that is
// unknown has one.
type NamedOption struct {
	Name, Default string
	Values        string // that it takes, in words
	Help          string
	// Source says how certain the default is: D documented by the vendor, O seen in a client, I
	// inferred, U unknown and therefore chosen here.
	Source string

	words []string // if it is one of them
	names []string // that a path must contain
}

func (o NamedOption) check(value string) error {
	switch {
	case o.words != nil && !slices.Contains(o.words, value):
		return errors.New("it takes one of " + o.Values)
	case value == "":
		return errors.New("it is empty")
	case o.names != nil && !strings.HasPrefix(value, "/"):
		return errors.New("it takes a path that begins with /")
	}
	for _, name := range o.names {
		if !strings.Contains(value, name) {
			return errors.New("the path lacks " + name)
		}
	}
	return nil
}

// API is how a document that is stored is attached to its interaction.
type API string

// The values of the option api.
const (
	API852       API = "8.5.2"     // by the operation AddAttachment of the chat
	API850       API = "8.5.0"     // by storing it, and nothing else
	APIWorkspace API = "workspace" // by add-document of the Workspace API
)

// Login is how requests authenticate.
type Login string

// The values of the option login.
const (
	LoginBasic   Login = "basic"   // with each request
	LoginSession Login = "session" // once, for a cookie
	LoginBearer  Login = "bearer"  // with a token, each request
)

// Unclear is what happens after a request to attach whose answer did not arrive.
type Unclear string

// The values of the option unclear.
const (
	UnclearRepeat Unclear = "repeat"
	UnclearFail   Unclear = "fail"
)

// Announce is who posts the notice of an agent's file.
type Announce string

// The values of the option announce.
const (
	AnnounceOurs Announce = "ours"
	AnnounceGWS  Announce = "gws"
)

// Body is how the Workspace API wraps a request.
type Body string

// The values of the option body.
const (
	BodyData  Body = "data" // {"data": {…}}
	BodyPlain Body = "plain"
)

// Store is where the bytes of an agent's file go.
type Store string

// The values of the option store.
const (
	StoreGWS       Store = "gws"
	StoreDocuments Store = "documents"
)

func choice[T ~string](o NamedOption, words ...T) NamedOption {
	for _, w := range words {
		o.words = append(o.words, string(w))
	}
	o.Default, o.Values = o.words[0], strings.Join(o.words, ", ")
	return o
}

func path(o NamedOption, names ...string) NamedOption {
	o.Values, o.names = "path with "+strings.Join(names, " and "), names
	return o
}

// NamedOptions is the table of the options, in the order of the documentation.
var NamedOptions = []NamedOption{
	choice(NamedOption{Name: "api",
		Help:   "how a stored document is attached: 8.5.2 by the chat operation AddAttachment, which needs the feature api-multimedia in GWS; 8.5.0 by storing it alone, where that feature is missing; workspace by add-document of the Workspace API",
		Source: "D: GWS 8.5.0 and 8.5.2 (AttachmentsAPI, ChatAddAttachment); O: Workspace API (its published clients)",
	}, API852, API850, APIWorkspace),
	choice(NamedOption{Name: "store",
		Help:   "where the bytes of an agent's file go: gws, or documents, the store of customers' files, if GWS can attach what that store has (UCS)",
		Source: "D: gws; U: documents",
	}, StoreGWS, StoreDocuments),
	choice(NamedOption{Name: "announce",
		Help:   "who posts the notice of the file in the chat: ours, if none follows from GWS; gws, if GWS does, and then its notice is waited for in the transcript. With ours and a GWS that does, customers see the file twice",
		Source: "U: whether a customer's notice follows is not documented",
	}, AnnounceOurs, AnnounceGWS),
	choice(NamedOption{Name: "login",
		Help:   "basic with each request; session logs in once at login-path, by basic, and sends the cookies; bearer sends the account's secret as a token",
		Source: "U: which one an installation takes",
	}, LoginBasic, LoginSession, LoginBearer),
	path(NamedOption{Name: "login-path", Default: "/api/v2/me", Help: "where login=session logs in", Source: "U"}),
	choice(NamedOption{Name: "unclear",
		Help:   "after a request to attach a document whose answer did not arrive: repeat may attach it twice, fail ends the upload, and the file may be attached nevertheless. A request to store one is always repeated: at worst, a document that nobody sees stays in UCS, and the log names its interaction",
		Source: "U: whether attaching the same document again has an effect",
	}, UnclearRepeat, UnclearFail),
	path(NamedOption{Name: "attachments-path", Default: "/me/interactions/{interaction}/attachments",
		Help: "where bytes are posted", Source: "D: the path; I: that nothing is before it"}, "{interaction}"),
	path(NamedOption{Name: "attachment-path", Default: "/me/interactions/{interaction}/attachments/{document}",
		Help: "where bytes are read and deleted", Source: "D, I: the same"}, "{interaction}", "{document}"),
	{Name: "field", Default: "attachment", Values: "text", Help: "the field of the multipart body that has the file", Source: "D"},
	path(NamedOption{Name: "chat-path", Default: "/api/v2/me/chats/{interaction}",
		Help: "where AddAttachment and RemoveAttachment are posted", Source: "D"}, "{interaction}"),
	{Name: "media", Default: "chat", Values: "text", Help: "the media type in the paths of the Workspace API", Source: "O"},
	path(NamedOption{Name: "add-path", Default: "/media/{media}/interactions/{interaction}/add-document",
		Help: "where the Workspace API attaches", Source: "O"}, "{interaction}"),
	path(NamedOption{Name: "read-path", Default: "/media/{media}/interactions/{interaction}/attachments/{document}",
		Help: "where the Workspace API reads", Source: "O"}, "{interaction}", "{document}"),
	path(NamedOption{Name: "remove-path", Default: "/media/{media}/interactions/{interaction}/remove-attachment/{document}",
		Help: "where the Workspace API removes", Source: "O"}, "{interaction}", "{document}"),
	choice(NamedOption{Name: "body", Help: "the JSON body of a request to the Workspace API: the members in an object data, or plain",
		Source: "O: its clients name the members; U: whether they are wrapped"}, BodyData, BodyPlain),
}
