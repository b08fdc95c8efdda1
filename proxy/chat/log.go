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
)

const (
	streamName    = "CHAT"
	subjectPrefix = "chat."
)

// log is the sessions' logs: one stream, one subject a session.
type log struct {
	js       jetstream.JetStream
	patience time.Duration
}

// open creates the stream, or takes the one that is there with the retention
// that is asked for; what else somebody set up on it stays as it is.
func (l *log) open(ctx context.Context, o Options) (jetstream.Stream, error) {
	want := jetstream.StreamConfig{
		Name:        streamName,
		Description: "Attaché chat sessions",
		Subjects:    []string{subjectPrefix + ">"},
		Storage:     jetstream.FileStorage,
		Replicas:    o.Replicas,
		MaxAge:      o.Retention,
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

// errMoved: the log has another last entry than the one expected.
var errMoved = errors.New("the session's log has moved on")

// How long one question waits. An append is repeated, so it waits less: a
// leader that is gone does not come back.
const (
	publishTimeout = 2 * time.Second
	readTimeout    = 5 * time.Second

	// silence is how long the next answer may take: a replica that has died says
	// nothing, and another one is asked.
	silence = time.Second
)

// append stores e after the entry with sequence expected (0: none). It fails
// with errMoved if another entry stands there. While the outcome is unclear,
// because the leader is gone or its answer was lost, it is tried again.
func (l *log) append(ctx context.Context, session string, expected uint64, op string, payload []byte) (uint64, error) {
	began := time.Now()
	for try := 0; ; try++ {
		seq, err := l.publish(ctx, session, expected, payload)
		if moved(err) && try > 0 {
			seq, err = l.own(ctx, session, expected, op)
		}
		switch {
		case err == nil:
			return seq, nil
		case moved(err):
			return 0, errMoved
		case ctx.Err() != nil || refused(err) || time.Since(began) >= l.patience:
			return 0, unavailable(ctx, fmt.Errorf("append to the session's log: %w", err))
		}
		if err := pause(ctx, try); err != nil {
			return 0, err
		}
	}
}

func (l *log) publish(ctx context.Context, session string, expected uint64, payload []byte) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	ack, err := l.js.Publish(ctx, subjectPrefix+session, payload, jetstream.WithExpectLastSequencePerSubject(expected))
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// errUnclear: nothing is known to be after the expected entry; the replica
// that was asked lags, or an earlier try is still under way.
var errUnclear = errors.New("whether the append took place is not known")

// own looks whether what comes after expected is this very append, whose
// answer was lost: only there can it stand.
func (l *log) own(ctx context.Context, session string, expected uint64, op string) (uint64, error) {
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

func moved(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return errors.Is(err, errMoved)
	}
	return api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

// refused tells an answer that will be the same next time.
func refused(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.Code != 503 // of the store as it is now, not of the message
	}
	return errors.Is(err, nats.ErrConnectionClosed)
}

// What one read holds in memory, and one answer of the store, in bytes. A receiver
// holds what it read for as long as its page takes nothing; there may be hundreds.
const (
	readBytes = 512 << 10
	viewBytes = 64 << 10 // more than any entry has
)

// read returns at most limit entries of the session from sequence from on, of about
// so many bytes together and one at least, and whether there are more.
func (l *log) read(ctx context.Context, session string, from uint64, limit, bytes int) (entries []*entry, more bool, err error) {
	whole, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	for {
		entries, more, err = l.readOnce(whole, session, from, limit, bytes)
		if err == nil {
			return entries, more, nil
		}
		if !errors.Is(err, context.DeadlineExceeded) || whole.Err() != nil {
			return nil, false, unavailable(ctx, fmt.Errorf("read the session's log: %w", err))
		}
	}
}

// readOnce asks by Direct Get with a batch (NATS ADR-31): one question, and the
// entries follow.
func (l *log) readOnce(ctx context.Context, session string, from uint64, limit, bytes int) (entries []*entry, more bool, err error) {
	// With its end: what does not fit is dropped. A subscription of the library's own
	// choice has room for 65,536, half a MiB for each question.
	answers := make(chan *nats.Msg, limit+1)
	end, err := l.ask(answers, session, from, limit, bytes)
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
		entries = append(entries, stored(seq, m.Data))
	}
}

func next(ctx context.Context, answers <-chan *nats.Msg) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	select {
	case m := <-answers:
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ask has the answers come on a channel, until end is called.
func (l *log) ask(answers chan *nats.Msg, session string, from uint64, limit, bytes int) (end func(), err error) {
	question, err := json.Marshal(struct {
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
	if err := conn.PublishRequest(l.directGet(), inbox, question); err != nil {
		end()
		return nil, err
	}
	return end, nil
}

// directGet is the subject of Direct Get, wherever the account keeps its API.
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

// stored returns the entry of a stored message; one without a place if somebody
// else wrote it and it cannot be read.
func stored(seq uint64, payload []byte) *entry {
	e, err := decode(payload)
	if err != nil {
		e = &entry{cost: len(payload)}
	}
	e.seq = seq
	return e
}

// unavailable tells a failure of the store's from the caller's own end of patience.
func unavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return bridge.WrapError(bridge.CodeChatUnavailable, err)
}
