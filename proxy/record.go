package proxy

import (
	"errors"
	"time"

	"attache/bridge"
)

// Record is everything known about one upload. It is written before the first byte is
// stored and only changed by compare-and-set, so that any proxy can take over an upload in
// any state.
type Record struct {
	Key        string // the page's random 128 bits, 32 hex digits: one user action
	Session    string
	UserID     string
	UserType   bridge.UserType
	Customer   bool   // the Chat Server limits the party
	Conn       string `json:",omitempty"` // the connection on which it was first offered
	After      string `json:",omitempty"` // the key of the party's upload that is to be announced before it
	State      bridge.UploadState
	DocumentID string // where the bytes are staged; becomes the store's id
	Staged     string `json:",omitempty"` // where they were staged, once a store has given another id

	Name        string
	Size        int64
	MimeType    string
	UploadType  string // file-system, standard-response
	Description string
	Custom      bridge.Data
	Visibility  bridge.Visibility

	Verdict Verdict `json:",omitempty"` // the scanner's
	Digest  string  // SHA-256 in hex: as declared, if it was; as computed, from accepted on
	FileID  string  // Chat Server's, from announced on
	Event   int64   // the notice's event id, from announced on

	Code  bridge.Code // why it failed, in state failed
	Tries int         // of the delivery loop, at the current step

	Created  time.Time
	Accepted time.Time `json:",omitzero"` // when every byte was durable, by that proxy's clock
	Changed  time.Time
	Revision uint64 `json:"-"` // of the store; zero before Create
}

// The errors of Records.
var (
	ErrRecordExists  = errors.New("the upload's record already exists")
	ErrRecordUnknown = errors.New("no such upload")
	ErrRecordChanged = errors.New("the upload's record was changed meanwhile")
)
