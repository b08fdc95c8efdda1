package proxy

import (
	"context"
	"slices"
	"strings"
	"time"

	"attache/bridge"
)

// Links is implemented by Documents that know what each document belongs to, as UCS does: to
// the sessions and files that name it, and to the library of standard responses. A document's first
// link is made with it: see [Document].Session. Every call may be repeated.
type Links interface {
	// Link adds a link to a document that exists; code document-unknown if it does not. to
	// is a session's id, or [FileLink]'s or [ResponseLink]'s. The link is durable when Link returns.
	Link(ctx context.Context, id, to string) error
	// Unlink removes one link, and the document with its last one. An unknown document, or
	// a link that the document does not have, is not an error.
	Unlink(ctx context.Context, id, to string) error
}

// Link is one link of a document. A store keeps a document as long as a link is younger than
// its retention, however old the document is, because the notice in the transcript is as
// old as the link.
type Link struct {
	To    string    `json:"To"` // a session's id, or [FileLink]'s or [ResponseLink]'s
	Since time.Time `json:"Since"`
}

const (
	responsePrefix = "response/"

	// LibraryLink is the link of a document that is in a library which renews it, see package
	// responses: it becomes old like a session's.
	LibraryLink = "library/responses"

	// EarlierSession is a link to a session of an earlier release, which did not store which one.
	// Removing any unknown link of the document removes it.
	EarlierSession = "?"
)

// ResponseLink is the link of a document that is in the library, under the id of its standard
// response. It never becomes too old.
func ResponseLink(response string) string { return responsePrefix + response }

// FileLink is the link of a stored document that was attached to a session, under the key of its
// notice. It is not the session's link, which the same document may have as an uploaded file, nor
// that of another attachment: so whichever of these files is deleted, and at whatever moment, the
// others keep the document.
func FileLink(session, key string) string { return session + "/" + key }

// CheckLink returns an error of code session-invalid if to is not what a document can be linked to.
func CheckLink(to string) error {
	if bridge.ValidSession(to) || to == LibraryLink {
		return nil
	}
	if response, ok := strings.CutPrefix(to, responsePrefix); ok && bridge.ValidSession(response) {
		return nil
	}
	session, key, _ := strings.Cut(to, "/")
	if _, err := bridge.ParseKey(key); err == nil && bridge.ValidSession(session) {
		return nil
	}
	return bridge.NewError(bridge.CodeSessionInvalid, "a document is linked to a session, to a file of a session or to a standard response")
}

// LinkList is what a document is linked to, for stores that implement [Links].
type LinkList []Link

// Links returns the links of a document that was only added.
func (d Document) Links() LinkList {
	if d.Session == "" {
		return nil
	}
	return LinkList{{To: d.Session, Since: d.Created.UTC()}}
}

// With returns the list with a link that is as young as now.
func (l LinkList) With(to string, now time.Time) LinkList {
	return append(l.without(to), Link{To: to, Since: now.UTC()})
}

// Without returns the list without a link, and whether it was there.
func (l LinkList) Without(to string) (left LinkList, removed bool) {
	if left = l.without(to); len(left) == len(l) {
		left = l.without(EarlierSession)
	}
	return left, len(left) < len(l)
}

func (l LinkList) without(to string) LinkList {
	return slices.DeleteFunc(slices.Clone(l), func(one Link) bool { return one.To == to })
}

// Since reports whether a link is not older than t.
func (l LinkList) Since(t time.Time) bool {
	return slices.ContainsFunc(l, func(one Link) bool {
		return strings.HasPrefix(one.To, responsePrefix) || !one.Since.Before(t)
	})
}
