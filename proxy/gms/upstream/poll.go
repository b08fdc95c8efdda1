package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/engine"
)

// openQueue opens the queue of chats to poll. Its acknowledgement time is the lease.
func (c *Client) openQueue(ctx context.Context) (*engine.Queue, error) {
	return c.Engine.OpenQueue(ctx, c.Stream, jetstream.ConsumerConfig{
		Durable:       "gms-poll",
		Description:   "polls the chats that are relayed through GMS",
		FilterSubject: pollPrefix + "*",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       c.cfg.Lease,
		MaxDeliver:    -1,
		MaxAckPending: -1, // every chat that is not over
	})
}

// take polls each chat that it gets from the queue, until the client closes.
func (c *Client) take(q *engine.Queue) {
	for c.ctx.Err() == nil {
		m, err := q.Next(c.ctx)
		if err == nil {
			c.running.Go(func() { c.hold(m) })
			continue
		}
		q.Close()
		for c.ctx.Err() == nil {
			c.cfg.Log.Warn("the queue of chats was lost", "error", err)
			if engine.Pause(c.ctx, time.Second) != nil {
				return
			}
			if q, err = c.openQueue(c.ctx); err == nil {
				break
			}
		}
	}
	q.Close()
}

// hold polls one chat and renews the lease, until the chat is over, the lease may have lapsed or
// the client closes.
func (c *Client) hold(m jetstream.Msg) {
	polling, stop := context.WithCancelCause(c.ctx)
	defer stop(nil)
	c.running.Go(func() {
		if c.keepLease(polling, m) {
			stop(errLapsed)
		}
	})
	session := strings.TrimPrefix(m.Subject(), pollPrefix)
	c.held.Add(1)
	defer c.held.Add(-1)
	if c.poll(polling, session) {
		m.Ack()
	} else if !c.killed.Load() && !errors.Is(context.Cause(polling), errLapsed) {
		m.Nak()
	}
}

var errLapsed = errors.New("the lease of a chat may have lapsed")

// keepLease renews the lease until ctx ends. It returns true if this process paused for so long that
// another proxy may have the chat: renewing it then would leave the chat with both.
func (c *Client) keepLease(ctx context.Context, m jetstream.Msg) (lapsed bool) {
	for renewed := time.Now(); engine.Pause(ctx, c.cfg.Lease/3) == nil; renewed = time.Now() {
		crashPoint("renewing")
		if time.Since(renewed) > c.cfg.Lease*2/3 {
			c.cfg.Log.Warn("a chat of GMS is left to the next proxy, because its lease was renewed late")
			return true
		}
		m.InProgress()
	}
	return false
}

// poll reports whether the chat is over.
func (c *Client) poll(ctx context.Context, session string) (over bool) {
	pause := c.cfg.Poll
	log := c.cfg.Log.With("session", session)
	for ctx.Err() == nil {
		ch, revision, err := c.load(ctx, session)
		switch {
		case err == nil && (revision == 0 || ch.State == ended):
			return true
		case err == nil && ch.State == requesting && time.Since(ch.Changed) > time.Hour:
			return true // a page that comes asks for another chat
		case err == nil && ch.State == open:
			err = c.refresh(ctx, session)
		}
		switch {
		case ctx.Err() != nil:
			return false
		case err == nil:
			pause = c.cfg.Poll
		default:
			if pause == c.cfg.Poll {
				log.Warn("a chat of GMS cannot be polled, retrying", "code", bridge.CodeOf(err), "error", err)
			}
			pause = min(pause*2, maxPause)
		}
		if c.rest(ctx, pause) != nil {
			return false
		}
	}
	return false
}

// maxPause is the longest pause between polls that fail.
const maxPause = 5 * time.Second

// rest waits for the next poll. Pauses differ, so that the chats of a proxy that takes over many
// are not polled all at once.
func (c *Client) rest(ctx context.Context, d time.Duration) error {
	return engine.Pause(ctx, d*3/4+rand.N(d/2))
}
