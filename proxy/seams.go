package proxy

import (
	"context"
	"io"
	"time"

	"attache/bridge"
)

// The seams: what the proxy needs from the world, each an interface of a few
// methods so that a system of the vendor's, our own engine and a test double
// are exchangeable. They are declared here because the proxy is who calls them.

// ChatServer holds the conversations. Session ids pass [bridge.ValidSession].
// Errors are *bridge.Error wherever a person may see them.
type ChatServer interface {
	// Join admits p to the session, creating the session when it is new.
	// A party that is already in (same UserID) is re-attached and no second
	// new-party event appears. The answer's position is the last event id.
	Join(ctx context.Context, session string, p bridge.Party) (Joined, error)

	// Post appends a message or a notice on behalf of a joined party and
	// returns the event as stored, with its id (and file-id for file-uploaded).
	// An event whose Key is already in the transcript is not appended again:
	// the first one is returned, and no error.
	Post(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error)

	// Leave takes the party out. after says what becomes of the session.
	Leave(ctx context.Context, session, userID string, reason bridge.Reason, after bridge.AfterAction) error

	// Events calls deliver for every event after position that the party may
	// see, history first, then live, in order and without gaps, until ctx ends
	// or deliver fails. It may call deliver late but never holds more than a
	// bounded number of events for a slow receiver.
	Events(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error

	// File finds the file-uploaded event with that file-id in the session's
	// transcript, if the party may see it; code file-unknown if not, not-joined
	// for a party that is not in, session-ended after the session's end. Every
	// request of a download asks it.
	File(ctx context.Context, session, userID, fileID string) (bridge.Event, error)

	// FindKey finds the event with that key in the session's transcript, whoever may
	// see it. The delivery loop asks before it repeats a notice whose outcome is
	// unclear.
	FindKey(ctx context.Context, session, key string) (e bridge.Event, found bool, err error)
}

// Joined is what a party learns when it joins.
type Joined struct {
	Party    bridge.Party
	Limits   bridge.Limits // what binds this party, with the used counters
	Position int64         // id of the session's last event
}

// Allowances is what a ChatServer offers that owns the customers' allowances:
// permission before an upload's first byte and before a download. All three are
// idempotent by key.
type Allowances interface {
	Limits(ctx context.Context, session, userID string) (bridge.Limits, error)
	// Reserve holds a place for an upload; Release gives it back (refused,
	// cancelled, failed). The file-uploaded notice with the same key spends it.
	Reserve(ctx context.Context, session, userID, key, name string, size int64) error
	Release(ctx context.Context, session, userID, key string) error
	// Attempt charges one download of the file. The same key is charged once.
	Attempt(ctx context.Context, session, userID, key, fileID string) error
}

// Transcripts is what a ChatServer offers whose transcripts can be read without being a
// party, as the e-mail at a session's end needs.
type Transcripts interface {
	// Transcript calls each for every event of the session after position, whatever its
	// visibility, in order, and returns after the last one. A session that is unknown has
	// none.
	Transcript(ctx context.Context, session string, position int64, each func(bridge.Event) error) error

	// Ended calls ended for every session that was ended after cursor, in the order of
	// their ends: first for those of the past, then for each as it ends, until ctx ends or
	// ended fails. cursor is empty, or one that ended was called with; some sessions
	// before it may come again. A session that has only outlived its events does not come.
	// ended should return soon.
	Ended(ctx context.Context, cursor string, ended func(session, cursor string) error) error
}

// Deliverer is what a ChatServer offers that permits, stores and announces a file in one
// call. The delivery loop then neither adds the document nor posts the notice.
type Deliverer interface {
	// Deliver stores content as a document like d, and appends notice, which is
	// file-uploaded, on behalf of the party. Both name a proposed id; the event as stored,
	// which Deliver returns, names in file-document-id the document that it made. A notice whose Key is already in
	// the transcript is not appended again, and no second document is made: the first
	// event is returned, and no error. Where the outcome is unclear, FindKey shows it.
	Deliver(ctx context.Context, session, userID string, notice bridge.Event, d Document, content io.Reader) (bridge.Event, error)
}

// Document is one file in the document store, by the store's own terms
// (UCS: DocumentId, TheName, MimeType, Description, TheSize).
type Document struct {
	ID          string // at most 16 characters
	Name        string // at most 256 characters
	MimeType    string // at most 256 characters
	Description string
	Size        int64
	SHA256      [32]byte
	Created     time.Time
}

// Content is an open document: seekable, so that http.ServeContent can answer
// Range from it.
type Content interface {
	io.ReadSeekCloser
	Document() Document
}

// Pieces is what a Content offers whose bytes lie in memory anyway: the next ones,
// at most max, without copying them. They are good until the next call of any
// method. At the end the error is io.EOF.
type Pieces interface {
	Piece(max int64) ([]byte, error)
}

// Documents is the store where files end up.
type Documents interface {
	// Add makes a document of staged content (d.ID names it in Staging) and
	// returns the id the store gave it, which may be another. Until Add has
	// returned, the document does not exist for Open. Repeating Add is safe.
	Add(ctx context.Context, d Document) (id string, err error)
	// Open fails with code document-unknown when there is no such document.
	Open(ctx context.Context, id string) (Content, error)
	Remove(ctx context.Context, id string) error
}

// Staging keeps an upload's bytes from its first frame until a store has them.
type Staging interface {
	// NewID returns a fresh document id.
	NewID() string
	// Begin takes the right to write the content, away from whoever had it
	// before (that one's next Append fails with code upload-superseded), and
	// continues behind the last stored byte.
	Begin(ctx context.Context, id string) (Writer, error)
	// Staged opens what has been stored, for the scanner and for foreign stores.
	Staged(ctx context.Context, id string) (io.ReadSeekCloser, error)
	// Discard drops the content; of an unknown id it does nothing.
	Discard(ctx context.Context, id string) error
	// AdmitUpload fails with code storage-full when no new upload should begin.
	AdmitUpload() error
}

// Writer appends to staged content. It is for one goroutine at a time.
type Writer interface {
	// Offset is the next byte expected: everything before it was appended.
	Offset() int64
	// Stored is how many bytes are durable.
	Stored() int64
	// Append sends p, at most MaxChunk bytes, on its way. It keeps nothing of p
	// after it returns. onDurable is called once p is durable, in order, from
	// another goroutine, with Stored's new value; or with an error, and then
	// for every later Append too.
	Append(ctx context.Context, p []byte, onDurable func(n int64, err error)) error
	// Sum is the SHA-256 of everything appended.
	Sum() [32]byte
	// MaxChunk is the largest p that Append takes.
	MaxChunk() int
}

// ChunkCounter is what a Writer offers that knows in how many chunks its content lies:
// with it, an upload in very many small ones is refused.
type ChunkCounter interface{ Chunks() int64 }

// Records keeps the uploads' records: each is at once the upload's state and
// the work item of the delivery loop.
type Records interface {
	// Create fails with the existing record and ErrRecordExists when there is one.
	Create(ctx context.Context, r Record) (Record, error)
	Get(ctx context.Context, session, key string) (Record, error) // ErrRecordUnknown
	// Update replaces the record if nobody changed it since it was read
	// (r.Revision), and returns it with its new revision; else ErrRecordChanged.
	Update(ctx context.Context, r Record) (Record, error)
	// Watch calls changed for every change of a record of that session, until
	// the returned function is called. It must not block.
	Watch(session string, changed func(Record)) (stop func())
}

// SettleTime is how long the bytes of an upload that was given up may stay on the disk,
// and so how long they still count: the embedded engine purges every ten seconds.
const SettleTime = 20 * time.Second

// Loads is implemented by Records that know how much a party has unfinished.
type Loads interface {
	Load(session, userID string) Load
}

// Load counts a party's uploads that are not announced.
type Load struct {
	Files int   // on their way, or waiting to be announced
	Bytes int64 // of those, as they were offered, and of what may still lie on the disk
	Lost  int   // cancelled or failed, whose records are still kept
}

// Seats says which of several proxies hold a socket of a party.
type Seats interface {
	// Take says that this proxy holds one.
	Take(ctx context.Context, session, userID string) error
	// Free says that it holds none any more, and tells whether another does.
	Free(ctx context.Context, session, userID string) (elsewhere bool, err error)
	// OnLost names who is told, without blocking, of each party whose proxy is gone.
	OnLost(lost func(session, userID string))
}

// Audit keeps who did what, for whoever must be able to show it later.
type Audit interface {
	// Write returns once the entry is durable. What it fails for does not happen,
	// or stays to be written; its code is storage-unavailable.
	Write(AuditRecord) error
}

// Authenticator turns the token of a first message into who is connecting and
// what they may do; codes token-invalid and token-expired.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (Identity, error)
}

// Identity is what a token says.
type Identity struct {
	Session string
	Party   bridge.Party
	Rights  bridge.Rights
	Expires time.Time // the token's end, and with 30 s for clocks that differ its sockets' end
}

// Tickets signs grants with a key that all proxies share, so that nothing is
// stored; Verify's codes are ticket-invalid and ticket-expired.
type Tickets interface {
	Sign(Grant) (string, error)
	Verify(ticket string) (Grant, error)
}
