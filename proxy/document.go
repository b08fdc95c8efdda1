package proxy

import (
	"cmp"
	"encoding/hex"
	"time"
	"unicode/utf8"

	"attache/bridge"
)

// Document describes one file in the document store, in the store's own terms (UCS:
// DocumentId, TheName, MimeType, Description, TheSize).
type Document struct {
	ID          string // at most 16 characters
	Name        string // at most 256 characters
	MimeType    string // at most 256 characters
	Description string
	Size        int64
	SHA256      [32]byte // zero: the store does not know it
	Created     time.Time

	// Session is the session that the document is made for: its first link, see [Links].
	// Empty: none. UserID is the party in it that made the document, if a party did.
	Session string
	UserID  string

	// UserType is the type of that party; empty unless an upload makes the document. Interaction
	// is the id of the session's interaction in the agents' systems, if it is another one. No
	// store keeps the two.
	UserType    bridge.UserType
	Interaction string
}

// HasDigest reports whether the store knows the document's SHA-256.
func (d Document) HasDigest() bool { return d.SHA256 != [32]byte{} }

// Digest is the SHA-256 in hex; empty if the store does not know it.
func (d Document) Digest() string {
	if !d.HasDigest() {
		return ""
	}
	return hex.EncodeToString(d.SHA256[:])
}

// DefaultType is the MimeType of a document whose sender knows none: UCS requires one.
const DefaultType = "application/octet-stream"

// Typed returns d with a MimeType. Every way into a store, and out of one, calls it.
func (d Document) Typed() Document {
	d.MimeType = cmp.Or(d.MimeType, DefaultType)
	return d
}

// MaxTheSize is the largest size, in bytes, that UCS can store: TheSize is a 32-bit number.
const MaxTheSize = 1<<31 - 1

// maxAttribute is how many characters TheName and MimeType may have in UCS, which answers
// AttributeValueTooLong beyond.
const maxAttribute = 256

// CheckLengths fails if UCS would not take the name or the type.
func (d Document) CheckLengths() error {
	if utf8.RuneCountInString(d.Name) > maxAttribute {
		return bridge.NewError(bridge.CodeNameLength, "")
	}
	if utf8.RuneCountInString(d.MimeType) > maxAttribute {
		return bridge.NewError(bridge.CodeFileType, "the file's type is longer than 256 characters")
	}
	return nil
}
