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
	// Join adds a party to the session, and creates the session if it is new. A party that is
	// already in (same UserID) is re-attached without a second new-party event; if it names a
	// higher ClientVersion than before, Events and File know that version from then on. With
	// a SecureKey, only a party that is in attaches: codes party-unknown, party-logged-out and
	// secure-key-refused. Code password-refused without the session's password.
	Join(ctx context.Context, session string, j Joining) (Joined, error)

	// Post appends a message or a notice on behalf of a joined party and
	// returns the event as stored, with its id (and file-id for file-uploaded).
	// An event whose Key is already in the transcript is not appended again:
	// the first one is returned, and no error. A notice whose [bridge.NoticeRule] is
	// Transient is not appended: it has no id, and Events delivers it to those who are
	// there, once.
	Post(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error)

	// Leave removes the party from the session, at its own request or at that of the Asker:
	// code forbidden if [bridge.UserType.MayRemove] says so, party-unknown if the asker may
	// not see the party or it was never in.
	Leave(ctx context.Context, session, userID string, d Departure) error

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

	// SecureKey lets the party attach again; only the party may see it. It is known when the
	// party is registered and when it has attached by it, because it is stored hashed.
	SecureKey string
	// Attached says to a client that attached by the secure key, and to a proxy, that the party is
	// another program's, which takes it out again; a proxy never does. It is if that program
	// registered it, or if any client has attached by its secure key, except the party's own
	// requests in the flex protocol. It stays so until it leaves.
	Attached bool

	Started     int64 // when the session began, milliseconds since 1970
	Saved       int64 // id of the last event that is stored elsewhere, such as in UCS; 0: none
	IdleExpires int64 // when the session closes unless something happens, milliseconds since 1970; 0: never
	Monitored   bool  // a hidden party is in, as far as the party may know
}

// Informer is implemented by a ChatServer that reports what Joined says of the session when it
// changes: IdleExpires, Saved and Monitored, each as far as the party may know.
type Informer interface {
	// EventsAndInfo is Events, and calls inform as well, never at the same time as deliver:
	// first soon after the history, then after each change. Of several changes in quick
	// succession it may report only the last.
	EventsAndInfo(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error,
		inform func(bridge.SessionChanged) error) error
}

// Farewells is implemented by a ChatServer that lets a party read to its end a session that has
// ended, or that it has left. A party that is connected learns by its connection what came last;
// one that makes requests asks after the end.
type Farewells interface {
	// Departed is Join with a SecureKey, of a party that was in: it adds nothing. Joined's
	// Position is the last event that the party may see. Codes: secure-key-refused,
	// party-unknown, and not-joined if the party is in.
	Departed(ctx context.Context, session string, j Joining) (Joined, error)
}

// Departure says why and how a party leaves.
type Departure struct {
	Reason     bridge.Reason
	After      bridge.AfterAction // what happens to the session; empty is KeepAlive
	Asker      string             // user id of the party that removes it; empty: itself
	Text       string
	Attributes bridge.Data

	// ByProxy says that a proxy takes the party out, because it is gone or because a page without
	// its secure key leaves. A party that is another program's stays then, see [Joined.Attached]:
	// without an error, unless After would end the session (code forbidden).
	ByProxy bool
}

// CheckAttached returns an error of code forbidden if a departure by a proxy would do more to a
// party of another program than end the page's connection.
func (d Departure) CheckAttached() error {
	if d.After == "" || d.After == bridge.KeepAlive {
		return nil
	}
	err := bridge.NewError(bridge.CodeForbidden, "this page is attached to a party of another program")
	err.Hint = "close the chat there"
	return err
}

// Allowances is implemented by a ChatServer that owns the customers' allowances: it
// permits an upload before its first byte, and a download. Reserve, Correct, Release and
// Attempt are idempotent by key.
type Allowances interface {
	Limits(ctx context.Context, session, userID string) (bridge.Limits, error)
	// Reserve counts an upload against the allowance; Release gives that back when it was
	// refused, cancelled or has failed. The file-uploaded notice with the same key makes
	// it final.
	Reserve(ctx context.Context, session, userID, key, name string, size int64) error
	Release(ctx context.Context, session, userID, key string) error
	// Correct lowers a reservation to the size that the file turned out to have: one whose
	// size is known at its end only was reserved with an upper bound. Without a reservation it
	// does nothing; a larger size has code upload-conflict.
	Correct(ctx context.Context, session, userID, key string, size int64) error
	// Attempt charges one download of the file. The same key is charged once.
	Attempt(ctx context.Context, session, userID, key, fileID string) error
}

// Voucher is implemented by a ChatServer that may mark notices as Vouched, because it knows
// which server posted them.
type Voucher interface{ Vouches() bool }

// Registry remembers the customers that a proxy registered at its Chat Server. Nobody
// vouches for the notices of these: only the record of our delivery does.
type Registry interface {
	Add(ctx context.Context, session, userID string) error
	Has(ctx context.Context, session, userID string) (bool, error)
}

// Activities is implemented by a ChatServer that closes idle sessions. It sees what is posted,
// but not that bytes of an upload arrive.
type Activities interface {
	// Active says that they do. It is called for each piece and must not block.
	Active(session, userID string)
	// ClosesIdle reports whether idle sessions are closed at all.
	ClosesIdle() bool
}

// LiveLimits is implemented by a ChatServer whose limits may change otherwise than by what
// happens in a session.
type LiveLimits interface {
	// WatchLimits calls changed, which does not block, whenever they may have changed, until
	// stop is called. Which parties' limits did, the caller asks.
	WatchLimits(changed func()) (stop func())
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

// Updater is implemented by Documents whose documents can change (UCS: UpdateDocument). The
// digest of the bytes changes with them, so that whatever is known of the old ones, such as a
// scanner's verdict, does not hold for the new ones.
type Updater interface {
	// Describe returns a document's description without its bytes.
	Describe(ctx context.Context, id string) (Document, error)
	// NewContent returns an id under which the bytes of an update of that document can be
	// staged: Begin and Append as for an upload.
	NewContent(id string) (string, error)
	// Update replaces the name, the type and the description of the document d.ID, and its bytes
	// by those that are staged under that id, unless it is empty: d.Size bytes with the digest
	// d.SHA256, or code digest-mismatch. Nothing else of d counts. All of it changes at once
	// and durably; a reader that is open has the bytes of before. Repeating Update is safe. An
	// unknown id has code document-unknown.
	Update(ctx context.Context, d Document, staged string) error
}

// Bounded is implemented by Documents that take files up to a size only, such as UCS's
// ([MaxTheSize]). A larger file is refused before its first byte.
type Bounded interface {
	MaxSize() int64 // bytes; 0: any size
}

// Leftovers is implemented by Documents whose Add may leave a document that Open does not find
// yet, because the store chooses the id and takes the content in another request.
type Leftovers interface {
	// Leftover reports whether an Add of what is staged under that id, which has not returned, may
	// have left one. Remove of the same id removes it.
	Leftover(ctx context.Context, id string) (bool, error)
}

// Library holds the prepared documents that staff may attach: standard responses. Which
// party may use it is the caller's rule.
type Library interface {
	// Find returns the next responses, at most max, that have all the words in their name,
	// folder or description, after the one with that document id; and whether there are more.
	// Without words it returns all, and with an id that it does not know it begins again.
	Find(ctx context.Context, words, after string, max int) (found []bridge.Response, more bool, err error)
	// Document returns the document of a response, which is in Documents then, and Clean if it
	// was scanned. An id that is not in the library has code document-unknown, whatever
	// Documents have; code library-missing if there is no library.
	Document(ctx context.Context, id string) (Document, Verdict, error)
}

// Settler is implemented by Documents whose Add returns before the document survives a
// power failure, so that its last flush of the disk overlaps with the notice. The delivery
// loop calls it beside the notice, and the record becomes final only after both.
type Settler interface {
	// Settle returns once the added document is durable. An unknown id has code
	// document-unknown.
	Settle(ctx context.Context, id string) error
}

// Staging stores an upload's bytes from its first frame until a document store has them.
type Staging interface {
	// NewID returns a fresh document id.
	NewID() string
	// Begin takes the right to write the content of d.ID from the writer that had it before,
	// whose next Append fails with code upload-superseded, and continues after the last
	// durable byte. The rest of d describes the content as far as the offer knows it;
	// d.SHA256 is ignored. acked is how many bytes the sender knows to be durable, or -1 if
	// it does not know: a store that cannot be sure of bytes after it, because it has been
	// restarted and nothing was appended since, drops them.
	Begin(ctx context.Context, d Document, acked int64) (Writer, error)
	// Staged opens the durable content, for the scanner and for other stores.
	Staged(ctx context.Context, id string) (io.ReadSeekCloser, error)
	// Whole reports whether the store has a whole file under id, and its size and SHA-256.
	// A store that cannot be sure of its bytes, because it has been restarted, reads them
	// again, and drops none of them later, whatever a sender says was acked. whole is false
	// if bytes are missing, as far as the store knows how many there must be: the caller
	// compares size. It is not an error if nothing is stored.
	Whole(ctx context.Context, id string) (size int64, sum [32]byte, whole bool, err error)
	// Discard removes the content. An unknown id is not an error.
	Discard(ctx context.Context, id string) error
	// AdmitUpload fails with code storage-full if no new upload should begin.
	AdmitUpload() error
}

// Unlinked is implemented by Staging that discards, once it is opened again, content that no
// record names. Only there may content be written beside its record: if the process dies in
// between, there may be the one without the other.
type Unlinked interface{ DiscardsUnlinked() }

// Freeing is implemented by Staging whose Discard returns when the content no longer takes up
// disk space. What is released after that does not count for [SettleTime] more.
type Freeing interface{ FreesOnDiscard() }

// Linked returns the ids of all documents and staged content that are still needed, however
// old they are: of uploads on their way, and of announced ones that have a record. A sweep of
// a store asks it once, and only if a day is due.
type Linked func(ctx context.Context) (map[string]bool, error)

// Writer appends to staged content. Only one goroutine may use it at a time, but Close may be
// called at any time.
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
	// Close releases what the writer holds; pieces under way become durable nevertheless.
	// Begin continues the content.
	Close() error
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
// and so how long they still count, unless the store is [Freeing]: the engine purges every ten
// seconds.
const SettleTime = 20 * time.Second

// Loads is implemented by Records that know the unfinished uploads of a party.
type Loads interface {
	Load(session, userID string) Load
}

// Pending is implemented by Records that know which uploads of a party are under way: from
// their offer until they are announced or have ended.
type Pending interface {
	Pending(session, userID string) (keys []string)
}

// Load counts a party's uploads that are not announced.
type Load struct {
	Files int   // uploads that are arriving or wait to be announced
	Bytes int64 // their offered sizes, and bytes of others that may still be on the disk
	Lost  int   // uploads that were cancelled or failed and whose records still exist
}

// Seats records at which of several proxies a party is: it has a socket there, or has made a
// request lately.
type Seats interface {
	// Take records that the party is at this proxy, and how long it may be away before it is
	// removed; 0: as long as a proxy lets a party without a socket be away.
	Take(ctx context.Context, session, userID string, away time.Duration) error
	// Free records that it no longer is, and reports whether it is at another.
	Free(ctx context.Context, session, userID string) (elsewhere bool, err error)
	// Claim records that transient notices with these keys were sent to the party, and returns
	// those that no proxy had sent it.
	Claim(ctx context.Context, session, userID string, keys []string) (fresh []string, err error)
	// OnLost sets the function that is called for each party whose proxy is gone. It must
	// not block.
	OnLost(lost func(session, userID string, away time.Duration))
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
	Join    Joining // what the party joins with, apart from Party
	// Interaction is the id of the session's interaction in the systems of the agents, such as
	// GWS. Empty: the session's id.
	Interaction string
	attached    bool      // another program registered the party, and takes it out
	Expires     time.Time // of the token; its sockets end 30 s later, because clocks differ
}

// Tickets signs grants with a key that all proxies share, so that no proxy stores them.
// Verify's codes are ticket-invalid and ticket-expired.
type Tickets interface {
	Sign(Grant) (string, error)
	Verify(ticket string) (Grant, error)
}
