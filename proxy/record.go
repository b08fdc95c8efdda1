package proxy

import (
	"encoding/hex"
	"errors"
	"time"

	"attache/bridge"
)

// Record is everything known about one upload. It is written before the first byte is
// stored and only changed by compare-and-set, so that any proxy can take over an upload in
// any state.
type Record struct {
	Key         string // the page's random 128 bits, 32 hex digits: one user action
	Session     string
	UserID      string
	UserType    bridge.UserType
	Customer    bool   // the Chat Server counts it against limits
	Interaction string `json:",omitempty"` // as in [Identity]
	Conn        string `json:",omitempty"` // the connection on which it was first offered
	After       string `json:",omitempty"` // the key of the party's upload that is to be announced before it
	State       bridge.UploadState
	DocumentID  string // where the bytes are staged; becomes the store's id
	Staged      string `json:",omitempty"` // where they were staged, once a store has given another id
	Attached    bool   `json:",omitempty"` // the document was stored before: it is this file's by [FileLink] alone

	Name        string
	Size        int64
	Open        bool `json:",omitempty"` // its size is not known yet, and Size is an upper bound; see [Transfers.Ingest]
	MimeType    string
	UploadType  string // file-system, standard-response
	Description string
	Custom      bridge.Data
	Visibility  bridge.Visibility

	Verdict Verdict `json:",omitempty"` // the scanner's
	Digest  string  // SHA-256 in hex: as declared, if it was; as computed, from accepted on
	FileID  string  // Chat Server's, from announced on
	Event   int64   // the notice's event id, from announced on

	// Deletion says how far the deletion of an announced file is.
	Deletion Deletion `json:",omitempty"`

	Code  bridge.Code // why it failed, in state failed
	Tries int         // of the delivery loop, at the current step

	Created  time.Time
	Accepted time.Time `json:",omitzero"` // when every byte was durable, by that proxy's clock
	Changed  time.Time
	Revision uint64 `json:"-"` // of the store; zero before Create
}

// Deletion is a step of deleting a file. Each is a work item of the delivery loop.
type Deletion string

const (
	DeletionAsked  Deletion = "asked"  // its notice may be in the transcript
	DeletionPosted Deletion = "posted" // it is; the document is still there
	Deleted        Deletion = "done"   // the document is gone, as far as this session had it
)

// id names the upload among those of all sessions.
func (r Record) id() string { return uploadID(r.Session, r.Key) }

// seat is that of the upload's party, as [Identity]'s.
func (r Record) seat() string { return r.Session + "/" + r.UserID }

// endError says why an upload takes no more bytes; nil if it does.
func (r Record) endError() error {
	switch {
	case r.State == bridge.Failed:
		return bridge.NewError(r.Code, "")
	case r.State == bridge.Cancelled:
		return bridge.NewError(bridge.CodeCancelled, "")
	case r.Open:
		return bridge.NewError(bridge.CodeUploadUnknown, "the upload arrives in one request, and cannot be resumed")
	case !r.State.Incoming():
		return bridge.NewError(bridge.CodeFrameLength, "the upload is complete already")
	}
	return nil
}

// Document describes the upload's file in a document store's terms. SHA256 is zero as long
// as the record has no digest, and Size is -1 as long as it is not known.
func (r Record) Document() Document {
	d := Document{
		ID:       r.DocumentID,
		Name:     bridge.SafeName(r.Name, "").Text, // a desktop that reads the store may not clean names
		MimeType: r.MimeType, Description: r.Description, Size: r.Size, Created: r.Created,
		Session: r.Session, UserID: r.UserID, UserType: r.UserType, Interaction: r.Interaction,
	}
	if digest, err := hex.DecodeString(r.Digest); err == nil {
		copy(d.SHA256[:], digest)
	}
	if r.Open {
		d.Size = -1
	}
	return d.Typed()
}

// Accept returns the record of an upload whose bytes are all durable and have that SHA-256:
// accepted, or failed if the sender has declared another one.
func (r Record) Accept(sum [32]byte) Record {
	digest := hex.EncodeToString(sum[:])
	if r.Digest != "" && r.Digest != digest {
		r.State, r.Code = bridge.Failed, bridge.CodeDigest
		return r
	}
	r.State, r.Digest, r.Accepted = bridge.Accepted, digest, time.Now()
	return r
}

// The errors of Records.
var (
	ErrRecordExists  = errors.New("the upload's record already exists")
	ErrRecordUnknown = errors.New("no such upload")
	ErrRecordChanged = errors.New("the upload's record was changed meanwhile")
)
