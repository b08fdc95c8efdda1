package proxy

import (
	"context"
	"io"
	"time"

	"attache/bridge"
)

// The seams: everything the proxy needs from outside, each an interface of a few
// methods, so that a system of the vendor's, our own engine and a test double are
// exchangeable. They are declared here because the proxy calls them.

// ChatServer holds the conversations. Session ids pass [bridge.ValidSession].
// Errors that a person may see are *bridge.Error.
type ChatServer interface {
	// Join adds p to the session, and creates the session if it is new. A party that is
	// already in (same UserID) is re-attached without a second new-party event.
	Join(ctx context.Context, session string, p bridge.Party) (Joined, error)

	// Post appends a message or a notice on behalf of a joined party and
	// returns the event as stored, with its id (and file-id for file-uploaded).
	// An event whose Key is already in the transcript is not appended again:
	// the first one is returned, and no error.
	Post(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error)

	// Leave removes the party from the session. after decides what happens to the session.
	Leave(ctx context.Context, session, userID string, reason bridge.Reason, after bridge.AfterAction) error

	// Events calls deliver for every event after position that the party may see: first
	// for the history, then for each as it happens, in order and without gaps, until ctx
	// ends or deliver fails; code not-joined when the party has left, session-ended when
	// the session has. A bounded number of events waits for a slow receiver.
	Events(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error

	// File finds the file-uploaded event with that file-id in the session's transcript, if
	// the party may see it; code file-unknown if not, not-joined for a party that is not
	// in, session-ended after the session's end. Every request of a download calls it.
	File(ctx context.Context, session, userID, fileID string) (bridge.Event, error)

	// FindKey finds the event with that key in the session's transcript, whatever its
	// visibility. The delivery loop asks before it repeats a notice whose outcome is
	// unclear.
	FindKey(ctx context.Context, session, key string) (e bridge.Event, found bool, err error)
}

// Joined is the answer to a party that joins.
type Joined struct {
	Party    bridge.Party
	Limits   bridge.Limits // of this party, with the used counters
	Position int64         // id of the session's last event
}

// Allowances is implemented by a ChatServer that owns the customers' allowances: it
// permits an upload before its first byte, and a download. Reserve, Release and Attempt
// are idempotent by key.
type Allowances interface {
	Limits(ctx context.Context, session, userID string) (bridge.Limits, error)
	// Reserve counts an upload against the allowance; Release gives that back when it was
	// refused, cancelled or has failed. The file-uploaded notice with the same key makes
	// it final.
	Reserve(ctx context.Context, session, userID, key, name string, size int64) error
	Release(ctx context.Context, session, userID, key string) error
	// Attempt charges one download of the file. The same key is charged once.
	Attempt(ctx context.Context, session, userID, key, fileID string) error
}

// Transcripts is implemented by a ChatServer whose transcripts can be read without being a
// party, for instance to send one by e-mail when its session has ended.
type Transcripts interface {
	// Transcript calls each for every event of the session after position, whatever its
	// visibility, in order, and returns after the last one. An unknown session has none.
	Transcript(ctx context.Context, session string, position int64, each func(bridge.Event) error) error

	// Ended calls ended for every session that was ended after cursor, in the order of
	// their ends: first for those of the past, then for each as it ends, until ctx ends or
	// ended fails. cursor is empty, or one that ended was called with; some sessions
	// before it may be repeated. A session that only outlived its stored events is not
	// reported. ended should return soon.
	Ended(ctx context.Context, cursor string, ended func(session, cursor string) error) error
}

// Deliverer is implemented by a ChatServer that permits, stores and announces a file in
// one call. The delivery loop then neither adds the document nor posts the notice.
type Deliverer interface {
	// Deliver stores content as a document like d, and appends notice, which is
	// file-uploaded, on behalf of the party. Both have a proposed document id; the event as
	// stored, which Deliver returns, has in file-document-id the id of the document that was
	// made. If the notice's Key is already in the transcript, no event is appended and no
	// document made: the first event is returned, and no error. After an unclear outcome
	// FindKey is called, and Deliver again only if that finds nothing.
	Deliver(ctx context.Context, session, userID string, notice bridge.Event, d Document, content io.Reader) (bridge.Event, error)
}

// Document describes one file in the document store, in the store's own terms (UCS:
// DocumentId, TheName, MimeType, Description, TheSize).
type Document struct {
	ID          string // at most 16 characters
	Name        string // at most 256 characters
	MimeType    string // at most 256 characters
	Description string
	Size        int64
	SHA256      [32]byte
	Created     time.Time
}

// Content is an open document. It is seekable, so that http.ServeContent can serve Range
// requests from it.
type Content interface {
	io.ReadSeekCloser
	Document() Document
}

// Pieces is implemented by a Content whose bytes are in memory anyway. Piece returns the
// next ones, at most max, without copying them; they are valid until the next call of any
// method. At the end the error is io.EOF.
type Pieces interface {
	Piece(max int64) ([]byte, error)
}

// Documents is the store of delivered files.
type Documents interface {
	// Add makes a document of staged content, which d.ID names in Staging, and returns the
	// id that the store gave it, which may be another. Until Add has returned, the document
	// does not exist for Open. Repeating Add is safe.
	Add(ctx context.Context, d Document) (id string, err error)
	// Open fails with code document-unknown if there is no such document.
	Open(ctx context.Context, id string) (Content, error)
	Remove(ctx context.Context, id string) error
}

// Staging stores an upload's bytes from its first frame until a document store has them.
type Staging interface {
	// NewID returns a fresh document id.
	NewID() string
	// Begin takes the right to write the content from the writer that had it before, whose
	// next Append fails with code upload-superseded, and continues after the last durable
	// byte.
	Begin(ctx context.Context, id string) (Writer, error)
	// Staged opens the durable content, for the scanner and for other stores.
	Staged(ctx context.Context, id string) (io.ReadSeekCloser, error)
	// Discard removes the content. An unknown id is not an error.
	Discard(ctx context.Context, id string) error
	// AdmitUpload fails with code storage-full if no new upload should begin.
	AdmitUpload() error
}

// Writer appends to staged content. Only one goroutine may use it at a time.
type Writer interface {
	// Offset is the offset of the next byte: all bytes before it were appended.
	Offset() int64
	// Stored is the number of durable bytes.
	Stored() int64
	// Append begins to store p, at most MaxChunk bytes, and retains no part of p
	// after it returns. onDurable is called from another goroutine, in order, once p
	// is durable,
	// with the new value of Stored; or with an error, and then for every later Append too.
	Append(ctx context.Context, p []byte, onDurable func(n int64, err error)) error
	// Sum is the SHA-256 of everything appended.
	Sum() [32]byte
	// MaxChunk is the largest p that Append takes.
	MaxChunk() int
}

// ChunkCounter is implemented by a Writer that knows the number of chunks its content is
// stored in: an upload in very many small ones is then refused.
type ChunkCounter interface{ Chunks() int64 }

// Records stores the uploads' records. Each is both the upload's state and the work item
// of the delivery loop.
type Records interface {
	// Create fails with ErrRecordExists and the existing record if there is one.
	Create(ctx context.Context, r Record) (Record, error)
	Get(ctx context.Context, session, key string) (Record, error) // ErrRecordUnknown
	// Update replaces the record if it has not changed since it was read (r.Revision), and
	// returns it with its new revision; otherwise ErrRecordChanged.
	Update(ctx context.Context, r Record) (Record, error)
	// Watch calls changed, which must not block, for every change of a record of that
	// session until stop is called.
	Watch(session string, changed func(Record)) (stop func())
}

// SettleTime is how long the bytes of an upload that was given up may stay on the disk,
// and so how long they still count: the embedded engine purges every ten seconds.
const SettleTime = 20 * time.Second

// Loads is implemented by Records that know the unfinished uploads of a party.
type Loads interface {
	Load(session, userID string) Load
}

// Load counts a party's uploads that are not announced.
type Load struct {
	Files int   // uploads that are arriving or wait to be announced
	Bytes int64 // their offered sizes, and bytes of others that may still be on the disk
	Lost  int   // uploads that were cancelled or failed and whose records still exist
}

// Seats records which of several proxies hold a socket of a party.
type Seats interface {
	// Take records that this proxy holds one.
	Take(ctx context.Context, session, userID string) error
	// Free records that this proxy no longer holds one, and reports whether another does.
	Free(ctx context.Context, session, userID string) (elsewhere bool, err error)
	// OnLost sets the function that is called for each party whose proxy is gone. It must
	// not block.
	OnLost(lost func(session, userID string))
}

// Audit is the audit log: a durable record of each action and its party.
type Audit interface {
	// Write returns once the record is durable. If it fails, with code storage-unavailable,
	// the recorded action does not happen, or the record is written later.
	Write(AuditRecord) error
}

// Authenticator reads from a hello's token which party connects and what it may do; codes
// token-invalid and token-expired.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (Identity, error)
}

// Identity is the content of a token.
type Identity struct {
	Session string
	Party   bridge.Party
	Rights  bridge.Rights
	Expires time.Time // of the token; its sockets end 30 s later, because clocks differ
}

// Tickets signs grants with a key that all proxies share, so that no proxy stores them.
// Verify's codes are ticket-invalid and ticket-expired.
type Tickets interface {
	Sign(Grant) (string, error)
	Verify(ticket string) (Grant, error)
}
