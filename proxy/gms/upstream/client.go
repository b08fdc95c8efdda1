package upstream

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"attache/proxy"
	"attache/proxy/engine"
)

// Client is a proxy's end of the relay: its Chat Server. It is safe for concurrent use.
type Client struct {
	cfg  Options
	base *url.URL
	http *http.Client
	store
	seal *seal
	hub  *hub

	fetching keyed // one download of a document at a time
	doing    keyed // one request for a key at a time

	contents contents

	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	live    *nats.Subscription

	held   atomic.Int64 // chats that this proxy polls
	killed atomic.Bool  // in tests: return none of them
}

var (
	_ proxy.ChatServer = (*Client)(nil)
	_ proxy.Allowances = (*Client)(nil)
	_ proxy.Deliverer  = (*Client)(nil)
)

// Open starts the relay on a running engine, which outlives it.
func Open(ctx context.Context, e *engine.Engine, o Options) (*Client, error) {
	base, err := o.complete()
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: o, base: base, http: &http.Client{Transport: o.transport(), CheckRedirect: noRedirect}, hub: newHub()}
	if c.store, err = openStore(ctx, e, o.Keep); err != nil {
		return nil, fmt.Errorf("open the chats of GMS: %w", err)
	}
	if c.seal, err = openSeal(ctx, e); err != nil {
		return nil, err
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	if err := c.start(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Client) start(ctx context.Context) error {
	info, err := c.Stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("open the chats of GMS: %w", err)
	}
	if c.live, err = c.JS.Conn().Subscribe(livePrefix+"*", c.hub.passOn); err != nil {
		return fmt.Errorf("listen to typing: %w", err)
	}
	c.running.Go(func() {
		engine.Follow(c.ctx, c.JS, streamName, prefix+">", info.State.LastSeq+1, c.cfg.Log, c.hub.changed)
	})
	q, err := c.openQueue(ctx)
	if err != nil {
		return err
	}
	c.running.Go(func() { c.take(q) })
	return nil
}

// Close returns the chats that this proxy polls, to another one or a later start.
func (c *Client) Close() {
	c.stop()
	if c.live != nil {
		c.live.Unsubscribe()
	}
	c.running.Wait()
	c.http.CloseIdleConnections()
}

func (o Options) transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 256, 256 // a poll of each chat
	t.Proxy = nil
	if o.CA != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: o.CA, MinVersion: tls.VersionTLS12}
	}
	return t
}

// noRedirect follows no redirect, because secure keys and files are for one host only.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// keyed is a lock for each key.
type keyed struct {
	mu   sync.Mutex
	held map[string]*held
}

type held struct {
	sem     chan struct{}
	waiting int
}

// lock waits for the key's lock until ctx ends.
func (k *keyed) lock(ctx context.Context, key string) (unlock func(), err error) {
	k.mu.Lock()
	if k.held == nil {
		k.held = map[string]*held{}
	}
	h := k.held[key]
	if h == nil {
		h = &held{sem: make(chan struct{}, 1)}
		k.held[key] = h
	}
	h.waiting++
	k.mu.Unlock()
	leave := func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if h.waiting--; h.waiting == 0 {
			delete(k.held, key)
		}
	}
	select {
	case h.sem <- struct{}{}:
		return func() { <-h.sem; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
