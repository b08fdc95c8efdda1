package gws

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
)

// entry is what we know of one attachment. It is written before and after each request that
// changes something, because GWS lists nothing, and only under the revision that was read.
type entry struct {
	Staged      string // where the bytes are staged: the upload's proposed document id
	DocumentID  string // the id that the store gave it
	Interaction string
	Session     string
	UserID      string
	Step        step

	Name        string
	MimeType    string
	Description string
	Size        int64
	SHA256      string
	Created     time.Time

	revision uint64 // zero: not written
}

// step is how far an attachment is. A step in -ing that is read again says that its request may
// have been done.
type step string

const (
	storing   step = "storing"
	stored    step = "stored"
	attaching step = "attaching"
	attached  step = "attached"
)

func newEntry(d proxy.Document, interaction string) entry {
	return entry{
		Staged: d.ID, Interaction: interaction, Session: d.Session, UserID: d.UserID,
		Name: d.Name, MimeType: d.MimeType, Description: d.Description, Size: d.Size, SHA256: d.Digest(), Created: d.Created,
	}
}

func (e entry) place() place { return place{e.Interaction, e.DocumentID, e.UserID} }

func (e entry) document() proxy.Document {
	d := proxy.Document{
		ID: e.DocumentID, Name: e.Name, MimeType: e.MimeType, Description: e.Description, Size: e.Size, Created: e.Created,
		Session: e.Session, UserID: e.UserID,
	}
	if sum, err := hex.DecodeString(e.SHA256); err == nil {
		copy(d.SHA256[:], sum)
	}
	return d.Typed()
}

// entries are in a stream of their own, a message each, which all proxies share.
type entries struct {
	engine *engine.Engine
	js     jetstream.JetStream
	stream jetstream.Stream
}

const (
	streamName    = "ATTACHMENTS"
	stagedPrefix  = "attachments.staged."
	indexPrefix   = "attachments.document."
	entriesForAge = 24 * time.Hour // longer than files are kept, so that none outlives its entry
)

func openEntries(ctx context.Context, e *engine.Engine, keep time.Duration) (*entries, error) {
	s := &entries{engine: e, js: e.JetStream()}
	var err error
	s.stream, err = s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              streamName,
		Description:       "Attaché: what GWS has attached for agents",
		Subjects:          []string{stagedPrefix + ">", indexPrefix + ">"},
		Storage:           jetstream.FileStorage,
		Replicas:          e.Replicas(),
		MaxMsgsPerSubject: 1,
		MaxAge:            keep + entriesForAge,
		AllowDirect:       e.Replicas() == 1, // a replica may lag
	})
	if err != nil {
		return nil, fmt.Errorf("open the attachments: %w", err)
	}
	return s, nil
}

// A node that has died does not answer.
var retry = engine.RetryPolicy{Total: 10 * time.Second, PerTry: 2 * time.Second}

// errOvertaken says that another holder has written the entry: its try counts.
var errOvertaken = bridge.WrapError(bridge.CodeBusy, errors.New("another proxy attaches the file"))

// get returns the entry of what is staged under that id, or found false.
func (s *entries) get(ctx context.Context, id string) (e entry, found bool, err error) {
	m, err := s.last(ctx, stagedPrefix+hexed(id))
	if m == nil || err != nil {
		return e, false, err
	}
	if err := json.Unmarshal(m.Data, &e); err != nil {
		return e, false, bridge.AsError(fmt.Errorf("read the entry of an attachment: %w", err))
	}
	e.revision = m.Sequence
	return e, true, nil
}

// find is get by the id of the document, or by that under which it was staged.
func (s *entries) find(ctx context.Context, id string) (e entry, found bool, err error) {
	m, err := s.last(ctx, indexPrefix+hexed(id))
	if err != nil {
		return e, false, err
	}
	if m != nil {
		return s.get(ctx, string(m.Data))
	}
	return s.get(ctx, id)
}

func (s *entries) last(ctx context.Context, subject string) (m *jetstream.RawStreamMsg, err error) {
	err = s.engine.Retry(ctx, retry, func(ctx context.Context, _ bool) (err error) {
		m, err = s.stream.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			m, err = nil, nil
		}
		return err
	})
	if err != nil {
		return nil, away(fmt.Errorf("read the entry of an attachment: %w", err))
	}
	return m, nil
}

// put writes the entry, if nobody else has since it was read, and its index.
func (s *entries) put(ctx context.Context, e *entry) error {
	if e.DocumentID != "" {
		if err := s.publish(ctx, indexPrefix+hexed(e.DocumentID), []byte(e.Staged)); err != nil {
			return err
		}
	}
	data, err := json.Marshal(e)
	if err != nil {
		return bridge.AsError(err)
	}
	subject := stagedPrefix + hexed(e.Staged)
	err = s.engine.Retry(ctx, retry, func(ctx context.Context, retried bool) error {
		ack, err := s.js.Publish(ctx, subject, data, jetstream.WithExpectLastSequencePerSubject(e.revision))
		if err == nil {
			e.revision = ack.Sequence
			return nil
		}
		var api *jetstream.APIError
		if !errors.As(err, &api) || api.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence {
			return err
		}
		if m, err := s.last(ctx, subject); retried && err == nil && m != nil && string(m.Data) == string(data) {
			e.revision = m.Sequence // an earlier try has written it
			return nil
		}
		return errOvertaken
	})
	return unwritten(err)
}

func (s *entries) publish(ctx context.Context, subject string, data []byte) error {
	return unwritten(s.engine.Retry(ctx, retry, func(ctx context.Context, _ bool) error {
		_, err := s.js.Publish(ctx, subject, data)
		return err
	}))
}

// drop forgets the attachment.
func (s *entries) drop(ctx context.Context, e entry) error {
	for _, subject := range []string{indexPrefix + hexed(e.DocumentID), stagedPrefix + hexed(e.Staged)} {
		err := s.engine.Retry(ctx, retry, func(ctx context.Context, _ bool) error {
			return s.stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
		})
		if err != nil {
			return unwritten(err)
		}
	}
	return nil
}

// unwritten gives an error of the engine its code.
func unwritten(err error) error {
	if err == nil || errors.Is(err, errOvertaken) {
		return err
	}
	return away(fmt.Errorf("write the entry of an attachment: %w", err))
}

// hexed is an id as part of a subject, which may not have all of its characters.
func hexed(id string) string { return hex.EncodeToString([]byte(id)) }
