package ucs

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy/engine"
)

const (
	streamName     = "UCS"
	stagedPrefix   = "ucs.staged."
	documentPrefix = "ucs.document."
)

// Stream is the name of the ledger's stream.
const Stream = streamName

// StoredDocument returns the id of the document in UCS that a subject of [Stream] is about.
func StoredDocument(subject string) (id string, ok bool) {
	digits, ok := strings.CutPrefix(subject, documentPrefix)
	raw, err := hex.DecodeString(digits)
	return string(raw), ok && err == nil
}

// Entry is what we know of a document that we added to a UCS, and UCS does not: what it was staged
// as, its digest, and whose it is.
type Entry struct {
	Staged     string
	DocumentID string // the one that UCS gave it
	Whole      bool   // its content was stored; otherwise it may be empty
	Size       int64
	SHA256     string // in hex
	Session    string
	UserID     string
	Created    time.Time
	Links      []string // that we made, if sessions are interactions of UCS

	Unclear  int       // AddDocuments in a row, each of which may have added a document
	AddAfter time.Time // the next one comes no sooner

	revision uint64
}

// Ledger has an entry for each document that we added, shared by all proxies on an engine. Without
// it an Add that is repeated after a crash would add another document, because UCS chooses the id
// and cannot be asked for a document by anything else.
type Ledger struct {
	engine *engine.Engine
	js     jetstream.JetStream
	stream jetstream.Stream
}

// OpenLedger opens the ledger on a running engine, which outlives it. An entry is kept that long
// after its last change; 0 is 30 days. A document whose entry is gone has no digest.
func OpenLedger(ctx context.Context, e *engine.Engine, keep time.Duration) (*Ledger, error) {
	l := &Ledger{engine: e, js: e.JetStream()}
	var err error
	l.stream, err = l.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              streamName,
		Description:       "Attaché: documents that were added to a UCS",
		Subjects:          []string{stagedPrefix + ">", documentPrefix + ">"},
		Storage:           jetstream.FileStorage,
		Replicas:          e.Replicas(),
		MaxMsgsPerSubject: 1,
		MaxAge:            cmp.Or(keep, 30*24*time.Hour),
		AllowDirect:       e.Replicas() == 1, // a replica may lag
	})
	if err != nil {
		return nil, fmt.Errorf("open the ledger of documents in UCS: %w", err)
	}
	return l, nil
}

var ledgerRetry = engine.RetryPolicy{Total: 10 * time.Second, PerTry: 2 * time.Second}

// byStaged finds the entry of what was staged under that id.
func (l *Ledger) byStaged(ctx context.Context, id string) (Entry, bool, error) {
	return l.find(ctx, stagedPrefix+hex.EncodeToString([]byte(id)))
}

// byDocument finds the entry of the document with that id in UCS.
func (l *Ledger) byDocument(ctx context.Context, id string) (Entry, bool, error) {
	return l.find(ctx, documentPrefix+hex.EncodeToString([]byte(id)))
}

func (l *Ledger) find(ctx context.Context, subject string) (e Entry, found bool, err error) {
	err = l.engine.Retry(ctx, ledgerRetry, func(ctx context.Context, _ bool) error {
		m, err := l.stream.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		found = true
		if err := json.Unmarshal(m.Data, &e); err != nil {
			return err
		}
		e.revision = m.Sequence
		return nil
	})
	if err != nil {
		return e, false, fmt.Errorf("read the ledger of documents in UCS: %w", err)
	}
	return e, found, nil
}

var errLedgerChanged = errors.New("another proxy has added the document meanwhile")

// put writes the entry, durably, if it has not changed since it was read: errLedgerChanged.
func (l *Ledger) put(ctx context.Context, e Entry) (Entry, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return e, err
	}
	if e.Staged != "" {
		err = l.engine.Retry(ctx, ledgerRetry, func(ctx context.Context, retried bool) error {
			ack, err := l.js.Publish(ctx, stagedPrefix+hex.EncodeToString([]byte(e.Staged)), data,
				jetstream.WithExpectLastSequencePerSubject(e.revision))
			if failed := (*jetstream.APIError)(nil); errors.As(err, &failed) && failed.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
				known, found, err := l.byStaged(ctx, e.Staged)
				known.revision, e.revision = 0, known.revision
				if same, _ := json.Marshal(known); err == nil && found && string(same) == string(data) && retried {
					return nil // the try that went unanswered
				}
				return errors.Join(errLedgerChanged, err)
			}
			if err == nil {
				e.revision = ack.Sequence
			}
			return err
		})
	}
	if err == nil && e.Whole {
		err = l.engine.Retry(ctx, ledgerRetry, func(ctx context.Context, _ bool) error {
			_, err := l.js.Publish(ctx, documentPrefix+hex.EncodeToString([]byte(e.DocumentID)), data)
			return err
		})
	}
	if err != nil {
		return e, fmt.Errorf("write the ledger of documents in UCS: %w", err)
	}
	return e, nil
}
