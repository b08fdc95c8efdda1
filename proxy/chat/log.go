package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/engine"
)

const (
	streamName    = "CHAT"
	subjectPrefix = "chat."
)

// Stream is the name of the stream with the logs of all sessions.
const Stream = streamName

// log is the logs of all sessions: one stream, with one subject for each session.
type log struct {
	js        jetstream.JetStream
	appending engine.RetryPolicy
}

// open creates the stream, or opens the existing one and sets its retention; other
// settings of an operator's stay as they are.
func (l *log) open(ctx context.Context, replicas int, retention time.Duration) (jetstream.Stream, error) {
	want := jetstream.StreamConfig{
		Name:        streamName,
		Description: "Attaché chat sessions",
		Subjects:    []string{subjectPrefix + ">"},
		Storage:     jetstream.FileStorage,
		Replicas:    replicas,
		MaxAge:      retention,
		Discard:     jetstream.DiscardNew,
		AllowDirect: true,
	}
	stream, err := l.js.CreateStream(ctx, want)
	if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return stream, err
	}
	if stream, err = l.js.Stream(ctx, streamName); err != nil {
		return nil, err
	}
	have := stream.CachedInfo().Config
	if have.MaxAge == want.MaxAge && have.AllowDirect {
		return stream, nil
	}
	have.MaxAge, have.AllowDirect = want.MaxAge, true
	return l.js.UpdateStream(ctx, have)
}

// errMoved reports that the log's last entry is not the expected one.
var errMoved = errors.New("the session's log has another last entry")

// appendTimeout bounds one try of an append: a leader that has died does not answer.
const appendTimeout = 2 * time.Second

// reading bounds a read. answerTimeout is how long its next message may take: a replica
// that has died sends none, and another one is asked.
var reading = engine.RetryPolicy{Total: 5 * time.Second, PerTry: 5 * time.Second}

const answerTimeout = time.Second

// append stores an entry after the one with sequence expected (0: none). It fails with
// errMoved if another entry is there. While the outcome is unclear, because the leader
// has died or its answer was lost, it retries.
func (l *log) append(ctx context.Context, session string, expected uint64, op string, payload []byte) (seq uint64, err error) {
	err = l.appending.Do(ctx, unclear, func(ctx context.Context, retried bool) (err error) {
		seq, err = l.publish(ctx, session, expected, payload)
		if retried && errors.Is(err, errMoved) {
			seq, err = l.findOwn(ctx, session, expected, op)
		}
		return err
	})
	if err == nil || errors.Is(err, errMoved) {
		return seq, err
	}
	return 0, unavailable(ctx, fmt.Errorf("append to the session's log: %w", err))
}

func (l *log) publish(ctx context.Context, session string, expected uint64, payload []byte) (uint64, error) {
	ack, err := l.js.Publish(ctx, subjectPrefix+session, payload, jetstream.WithExpectLastSequencePerSubject(expected))
	switch {
	case engine.Overtaken(err), engine.Unapplied(err):
		return 0, errMoved
	case err != nil:
		return 0, err
	}
	return ack.Sequence, nil
}

// errUnclear reports that no entry is known to follow the expected one: the replica
// that answered lags, or an earlier try is still in flight.
var errUnclear = errors.New("it is not known whether the append succeeded")

// findOwn checks whether the entry after expected is this very append, whose answer was
// lost: it cannot be anywhere else.
func (l *log) findOwn(ctx context.Context, session string, expected uint64, op string) (uint64, error) {
	entries, _, err := l.read(ctx, session, expected+1, 1, readBytes)
	switch {
	case err != nil:
		return 0, err
	case len(entries) == 0:
		return 0, errUnclear
	case entries[0].Op != op:
		return 0, errMoved
	}
	return entries[0].seq, nil
}

// unclear reports whether a retry of an append may be answered differently.
func unclear(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.Code == 503 // about the store at this moment, not about the message
	}
	return !errors.Is(err, errMoved) && !errors.Is(err, nats.ErrConnectionClosed)
}

// silent reports whether a read ended because the store sent nothing.
func silent(err error) bool { return errors.Is(err, context.DeadlineExceeded) }

// Bytes that one read, and one answer of the store, hold in memory. A receiver holds
// them for as long as its page takes nothing; there may be hundreds of receivers.
const (
	readBytes = 512 << 10
	viewBytes = 64 << 10 // more than any entry has
)

// read returns at most limit entries of the session from sequence from on, at least one
// and of about that many bytes together, and whether there are more.
func (l *log) read(ctx context.Context, session string, from uint64, limit, bytes int) (entries []*logEntry, more bool, err error) {
	err = reading.Do(ctx, silent, func(ctx context.Context, _ bool) (err error) {
		entries, more, err = l.readOnce(ctx, session, from, limit, bytes)
		return err
	})
	if err != nil {
		return nil, false, unavailable(ctx, fmt.Errorf("read the session's log: %w", err))
	}
	return entries, more, nil
}

// readOnce reads by Direct Get with a batch (NATS ADR-31): one request, and the entries
// follow.
func (l *log) readOnce(ctx context.Context, session string, from uint64, limit, bytes int) (entries []*logEntry, more bool, err error) {
	// One more for the end of the batch: a message that does not fit is dropped. The
	// library's own buffers hold 65,536 messages, half a MiB for each request.
	answers := make(chan *nats.Msg, limit+1)
	end, err := l.request(answers, session, from, limit, bytes)
	if err != nil {
		return nil, false, err
	}
	defer end()
	for {
		m, err := next(ctx, answers)
		if err != nil {
			return nil, false, err
		}
		switch status := m.Header.Get("Status"); status {
		case "":
		case "204": // the end of the batch
			return entries, m.Header.Get("Nats-Num-Pending") != "0", nil
		case "404": // nothing there
			return nil, false, nil
		default:
			return nil, false, fmt.Errorf("%s %s", status, m.Header.Get("Description"))
		}
		seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
		if err != nil {
			return nil, false, err
		}
		entries = append(entries, parseStored(seq, m.Data))
	}
}

func next(ctx context.Context, answers <-chan *nats.Msg) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	select {
	case m := <-answers:
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// request sends a request whose answers come on a channel until end is called.
func (l *log) request(answers chan *nats.Msg, session string, from uint64, limit, bytes int) (end func(), err error) {
	body, err := json.Marshal(struct {
		Seq      uint64 `json:"seq,omitempty"`
		NextFor  string `json:"next_by_subj"`
		Batch    int    `json:"batch"`
		MaxBytes int    `json:"max_bytes"`
	}{from, subjectPrefix + session, limit, bytes})
	if err != nil {
		return nil, err
	}
	conn := l.js.Conn()
	inbox := conn.NewInbox()
	sub, err := conn.ChanSubscribe(inbox, answers)
	if err != nil {
		return nil, err
	}
	end = func() { sub.Unsubscribe() }
	if err := conn.PublishRequest(l.directGet(), inbox, body); err != nil {
		end()
		return nil, err
	}
	return end, nil
}

// directGet is the subject of Direct Get, with the account's API prefix.
func (l *log) directGet() string {
	prefix := jetstream.DefaultAPIPrefix
	switch o := l.js.Options(); {
	case o.APIPrefix != "":
		prefix = strings.TrimSuffix(o.APIPrefix, ".") + "."
	case o.Domain != "":
		prefix = "$JS." + o.Domain + ".API."
	}
	return prefix + "DIRECT.GET." + streamName
}

// parseStored returns the entry of a stored message, without a position if another
// program wrote it and it cannot be read.
func parseStored(seq uint64, payload []byte) *logEntry {
	e, err := decode(payload)
	if err != nil {
		e = &logEntry{cost: len(payload)}
	}
	e.seq = seq
	return e
}

// unavailable returns ctx's error if the caller has given up, and otherwise code
// chat-unavailable.
func unavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return bridge.WrapError(bridge.CodeChatUnavailable, err)
}
