package deliver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
)

const (
	streamName    = "UPLOADS"
	subjectPrefix = "upload."
)

// recordRetry bounds a read of the next record.
var recordRetry = engine.RetryPolicy{Total: 20 * time.Second, PerTry: 2 * time.Second}

// Stream is the name of the stream with the uploads' records.
const Stream = streamName

// Subject is the subject of an upload's record in [Stream]; ErrRecordUnknown if it can have none.
func Subject(session, key string) (string, error) { return subject(session, key) }

// StoredRecord returns the record in a message of [Stream].
func StoredRecord(data []byte) (proxy.Record, error) { return decode(data, 0) }

// Records stores the uploads' records in one stream, with one subject for each upload
// and only the newest message on it. A record's revision is its message's sequence in
// the
// stream.
type Records struct {
	engine   *engine.Engine
	js       jetstream.JetStream
	stream   jetstream.Stream
	log      *slog.Logger
	watchers watchers

	unfinished unfinished
	onWritten  func(proxy.Record)
	stop       context.CancelFunc
	done       sync.WaitGroup
}

var (
	_ proxy.Records = (*Records)(nil)
	_ proxy.Loads   = (*Records)(nil)
	_ proxy.Pending = (*Records)(nil)
)

// RecordsOptions are the options of [OpenRecords].
type RecordsOptions struct {
	// OnWritten is called with each record that this process has written, once it is
	// durable; it must not block. nil: nothing is called.
	OnWritten func(proxy.Record)
	// Log receives failures that no call returns; nil drops them.
	Log *slog.Logger
}

// OpenRecords opens the records on a running engine, which outlives them, and follows
// their changes until Close.
func OpenRecords(ctx context.Context, e *engine.Engine, o RecordsOptions) (*Records, error) {
	r := &Records{engine: e, js: e.JetStream(), log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), onWritten: o.OnWritten}
	if r.onWritten == nil {
		r.onWritten = func(proxy.Record) {}
	}
	r.unfinished.of = map[seat]map[string]*pending{}
	if err := r.open(ctx, e.Replicas()); err != nil {
		return nil, fmt.Errorf("open the uploads' records: %w", err)
	}
	return r, nil
}

func (r *Records) open(ctx context.Context, replicas int) (err error) {
	r.stream, err = r.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              streamName,
		Description:       "Attaché uploads, each its newest record",
		Subjects:          []string{subjectPrefix + ">"},
		Storage:           jetstream.FileStorage,
		Replicas:          replicas,
		MaxMsgsPerSubject: 1,
		// A replica may lag, and a reader of an old record could never change it; so in
		// a cluster the leader is read from.
		AllowDirect: replicas == 1,
	})
	if err != nil {
		return err
	}
	following, stop := context.WithCancel(context.Background())
	r.stop = stop
	next := r.stream.CachedInfo().State.LastSeq + 1
	r.done.Go(func() {
		engine.Follow(following, r.js, streamName, subjectPrefix+">", next, r.log, r.onChange)
	})
	return nil
}

// Close stops following changes. Records stay readable and writable.
func (r *Records) Close() {
	r.stop()
	r.done.Wait()
}

// Create writes the record of a new upload. It fails with the existing record
// and ErrRecordExists when there is one.
func (r *Records) Create(ctx context.Context, record proxy.Record) (proxy.Record, error) {
	record.Revision = 0
	created, err := r.write(ctx, record)
	if !errors.Is(err, proxy.ErrRecordChanged) {
		return created, err
	}
	existing, err := r.Get(ctx, record.Session, record.Key)
	if err != nil {
		return proxy.Record{}, err
	}
	return existing, proxy.ErrRecordExists
}

// Get reads the newest record, or fails with ErrRecordUnknown.
func (r *Records) Get(ctx context.Context, session, key string) (proxy.Record, error) {
	subject, err := subject(session, key)
	if err != nil {
		return proxy.Record{}, err
	}
	m, err := r.newest().Get(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return proxy.Record{}, proxy.ErrRecordUnknown
	}
	if err != nil {
		return proxy.Record{}, fmt.Errorf("read the upload's record: %w", err)
	}
	return decode(m.Data, m.Sequence)
}

func (r *Records) newest() engine.Newest {
	return engine.Newest{Engine: r.engine, JS: r.js, Stream: r.stream}
}

// Update replaces the record with revision record.Revision, and returns it with its new
// revision. ErrRecordChanged means that another writer was faster.
func (r *Records) Update(ctx context.Context, record proxy.Record) (proxy.Record, error) {
	return r.write(ctx, record)
}

func (r *Records) write(ctx context.Context, record proxy.Record) (proxy.Record, error) {
	record, err := r.put(ctx, record)
	if err == nil {
		r.onWritten(record)
	}
	return record, err
}

func (r *Records) put(ctx context.Context, record proxy.Record) (proxy.Record, error) {
	subject, err := subject(record.Session, record.Key)
	if err != nil {
		return proxy.Record{}, err
	}
	record.Changed = time.Now()
	data, err := json.Marshal(record)
	if err != nil {
		return proxy.Record{}, fmt.Errorf("write the upload's record: %w", err)
	}
	record.Revision, err = r.newest().Replace(ctx, subject, data, record.Revision)
	if engine.Overtaken(err) {
		return proxy.Record{}, proxy.ErrRecordChanged
	}
	if err != nil {
		return proxy.Record{}, fmt.Errorf("write the upload's record: %w", err)
	}
	r.unfinished.update(record)
	r.watchers.notify(record)
	return record, nil
}

// Watch calls changed for every change of a record of that session until stop is called; a
// call under way may still end after that. Revisions come in order and none twice;
// after quick changes by other processes, only the last may be reported. changed must
// neither block nor change
// a record.
func (r *Records) Watch(session string, changed func(proxy.Record)) (stop func()) {
	return r.watchers.add(session, changed)
}

// Load returns a party's unfinished uploads, and those that failed or were cancelled lately.
func (r *Records) Load(session, userID string) proxy.Load {
	return r.unfinished.load(seat{session, userID})
}

// Pending returns the keys of a party's uploads that are under way.
func (r *Records) Pending(session, userID string) []string {
	return r.unfinished.pending(seat{session, userID})
}

// remove deletes the record, unless it has changed since it was read.
func (r *Records) remove(ctx context.Context, record proxy.Record) error {
	err := r.stream.DeleteMsg(ctx, record.Revision)
	if err == nil {
		r.unfinished.forget(seat{record.Session, record.UserID}, record.Key)
		return nil
	}
	// The server's answer does not distinguish the reasons.
	if _, missing := r.stream.GetMsg(ctx, record.Revision); errors.Is(missing, jetstream.ErrMsgNotFound) {
		return nil
	}
	return fmt.Errorf("delete the upload's record: %w", err)
}

// each calls visit for every record, with the time of its last write by the engine's clock.
func (r *Records) each(ctx context.Context, visit func(proxy.Record, time.Time) error) error {
	for next := uint64(1); ; {
		m, err := r.next(ctx, next)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the uploads' records: %w", err)
		}
		next = m.Sequence + 1
		record, err := decode(m.Data, m.Sequence)
		if err != nil {
			r.log.Error("an upload's record cannot be read", "subject", m.Subject, "error", err)
			continue
		}
		r.unfinished.update(record)
		if err := visit(record, m.Time); err != nil {
			return err
		}
	}
}

// next is the first message from that sequence on.
func (r *Records) next(ctx context.Context, from uint64) (m *jetstream.RawStreamMsg, err error) {
	err = r.engine.Retry(ctx, recordRetry, func(ctx context.Context, _ bool) (err error) {
		m, err = r.stream.GetMsg(ctx, from, jetstream.WithGetMsgSubject(subjectPrefix+">"))
		return err
	})
	return m, err
}

// subject refuses an invalid session or key, because both come from pages and notices and
// must not become a wildcard.
func subject(session, key string) (string, error) {
	if _, err := bridge.ParseKey(key); err != nil || !bridge.ValidSession(session) {
		return "", proxy.ErrRecordUnknown
	}
	return subjectPrefix + session + "." + key, nil
}

func parse(m jetstream.Msg) (proxy.Record, error) {
	meta, err := m.Metadata()
	if err != nil {
		return proxy.Record{}, err
	}
	return decode(m.Data(), meta.Sequence.Stream)
}

func decode(data []byte, revision uint64) (record proxy.Record, err error) {
	if err = json.Unmarshal(data, &record); err != nil {
		return proxy.Record{}, fmt.Errorf("parse the upload's record: %w", err)
	}
	record.Revision = revision
	return record, nil
}
