package chatrequest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/work"
)

// Options are those of [Start].
type Options struct {
	Chat proxy.ChatServer // required; its transcripts say whether a chat goes on
	URL  string           // where requests are posted; empty: they are only listed
	// Secret signs what is posted, see [Sign]; empty: it is not signed.
	Secret []byte
	Client *http.Client  // default: one with a timeout of 15 s that follows no redirect
	Keep   time.Duration // how long requests are listed; default 24 h

	// Delay is the pause after the first try that failed; it doubles up to MaxDelay. Defaults: 1 s
	// and 1 min.
	Delay, MaxDelay time.Duration
	// Begin is how long a customer may take from Add until it has joined. Default: 1 min.
	Begin time.Duration
	Log   *slog.Logger // default: discarded
}

// Requests are the chats that customers asked for, of all proxies on an engine.
type Requests struct {
	cfg   Options
	store engine.Newest
	loop  *work.Loop // nil without a URL
}

const (
	streamName    = "CHAT_REQUESTS"
	itemPrefix    = "chatrequest.item."   // and a session: it is to be posted; consumed as a queue
	recordPrefix  = "chatrequest.record." // and a session: its record
	consumerName  = "on-chat"
	lease         = 30 * time.Second
	postTime      = 15 * time.Second
	shutdownGrace = time.Second
)

// Start opens the requests on a running engine, which outlives them, and begins to post. Any number
// of processes may share an engine.
func Start(ctx context.Context, e *engine.Engine, o Options) (*Requests, error) {
	o.Keep, o.Delay, o.MaxDelay = cmp.Or(o.Keep, 24*time.Hour), cmp.Or(o.Delay, time.Second), cmp.Or(o.MaxDelay, time.Minute)
	o.Begin = cmp.Or(o.Begin, time.Minute)
	if o.Client == nil {
		o.Client = &http.Client{Timeout: postTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	stream, err := e.JetStream().CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              streamName,
		Description:       "Attaché chats that customers asked for, each its newest record",
		Subjects:          []string{"chatrequest.>"},
		Storage:           jetstream.FileStorage,
		Replicas:          e.Replicas(),
		MaxMsgsPerSubject: 1,
		MaxAge:            o.Keep,
		AllowDirect:       e.Replicas() == 1,
	})
	if err != nil {
		return nil, fmt.Errorf("open the requests for a chat: %w", err)
	}
	r := &Requests{cfg: o, store: engine.Newest{Engine: e, JS: e.JetStream(), Stream: stream}}
	if o.URL == "" {
		return r, nil
	}
	r.loop, err = work.Start(ctx, work.Options{Open: r.openQueue, Do: r.do, Lease: lease, What: "chat request", Log: o.Log})
	return r, err
}

// Close takes no more requests. One that is being posted and does not end soon is left to another
// process, or to the next start.
func (r *Requests) Close() {
	if r.loop == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	r.loop.Close(ctx)
}

func (r *Requests) openQueue(ctx context.Context) (*engine.Queue, error) {
	return r.store.Engine.OpenQueue(ctx, r.store.Stream, jetstream.ConsumerConfig{
		Durable:       consumerName,
		Description:   "posts requests for a chat",
		FilterSubject: itemPrefix + ">",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       lease,
		MaxDeliver:    -1,
		MaxAckPending: -1, // requests that wait for their next try must not block the others
	})
}

// Add stores a request, before its customer joins: if the process ended between the two, the
// chat would wait for an agent that is never told. A request whose chat does not begin is dropped.
func (r *Requests) Add(ctx context.Context, request Request) error {
	if err := r.put(ctx, record{Request: request}, 0); err != nil {
		return err
	}
	_, err := r.store.Replace(ctx, itemPrefix+request.ChatID, []byte("{}"), 0)
	if err != nil && !engine.Overtaken(err) {
		return fmt.Errorf("store a request for a chat: %w", err)
	}
	return nil
}

func (r *Requests) put(ctx context.Context, c record, revision uint64) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if _, err := r.store.Replace(ctx, recordPrefix+c.ChatID, data, revision); err != nil {
		return fmt.Errorf("store a request for a chat: %w", err)
	}
	return nil
}

var errUnknown = errors.New("no such request")

func (r *Requests) get(ctx context.Context, session string) (c record, revision uint64, err error) {
	m, err := r.store.Get(ctx, recordPrefix+session)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return c, 0, errUnknown
	}
	if err != nil {
		return c, 0, fmt.Errorf("read a request for a chat: %w", err)
	}
	return c, m.Sequence, json.Unmarshal(m.Data, &c)
}
