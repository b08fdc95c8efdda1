package gms

import (
	"context"
	"errors"
	"strconv"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/bayeux"
)

// following pushes one party's events to one client.
type following struct {
	cancel context.CancelFunc
	done   chan struct{}
	user   proxy.FlexUser
}

// retryFollow is the pause before the events are asked for again, after an error that may pass.
const retryFollow = time.Second

// maxChats bounds the chats of one client. A widget has one, and one that has ended counts until
// the client does.
const maxChats = 32

func seatOf(u proxy.FlexUser) string { return u.Session + "/" + u.UserID }

// follow pushes the events from a position on. A client that asks again gets them from the new
// position only. asked says that the first envelope is an answer, which comes without events too.
func (d *cometd) follow(c *bayeux.Client, channel string, call *Call, from int64, asked bool) error {
	user := call.user()
	ctx, cancel := context.WithCancel(c.Context())
	f := &following{cancel: cancel, done: make(chan struct{}), user: user}
	d.mu.Lock()
	if d.ctx.Err() != nil || c.Context().Err() != nil {
		d.mu.Unlock()
		cancel()
		return bayeux.ErrGone
	}
	all := d.clients[c]
	if all == nil {
		all = map[string]*following{}
		d.clients[c] = all
	}
	old := all[seatOf(user)]
	if old == nil && len(all) >= maxChats {
		d.mu.Unlock()
		cancel()
		return bridge.NewError(bridge.CodeBusy, "a client has "+strconv.Itoa(maxChats)+" chats at most")
	}
	all[seatOf(user)] = f
	d.running.Add(1)
	d.mu.Unlock()
	c.Known()
	go func() {
		defer d.running.Done()
		defer close(f.done)
		defer cancel()
		if old != nil {
			old.cancel()
			<-old.done
		}
		d.push(ctx, c, channel, user, from, asked)
	}()
	return nil
}

// push delivers until the chat or the client ends. The last envelope says that the chat has.
func (d *cometd) push(ctx context.Context, c *bayeux.Client, channel string, user proxy.FlexUser, from int64, asked bool) {
	next := from
	for {
		err := d.gms.flex.Follow(ctx, user, next, func(s proxy.FlexStatus) error {
			d.foreground(user)
			next = s.Transcript.LastPosition + 1
			if len(s.Transcript.Events) == 0 && !asked {
				return nil
			}
			asked = false
			for _, part := range envelopes(s) {
				if err := c.Deliver(ctx, channel, d.envelope(part)); err != nil {
					return err
				}
			}
			return nil
		})
		if ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, bayeux.ErrGone) {
			return
		}
		reply, _ := d.gms.failed(ctx, err)
		switch code := bridge.CodeOf(err); {
		case code == bridge.CodeNotJoined || code == bridge.CodeSessionEnded || code == bridge.CodeLoggedOut:
			// The end of a chat is not a failure: a client that follows it gets status 0.
			reply = Reply{Alias: d.gms.cfg.Alias, ChatID: user.Session, UserID: user.UserID, ChatEnded: true, NextPosition: d.gms.cfg.next(next-1, next)}
		case reply.StatusCode == StatusRetry:
			d.log.Warn("a chat's events could not be followed", "session", user.Session, "error", err)
			select {
			case <-time.After(retryFollow):
				continue
			case <-ctx.Done():
				return
			}
		}
		c.Deliver(ctx, channel, reply)
		return
	}
}

// farewell pushes the rest of a chat that has ended to a client that asks for it.
func (d *cometd) farewell(ctx context.Context, c *bayeux.Client, channel string, call *Call, from int64) error {
	user := call.user()
	for user.FromPosition = max(from, 1); ; {
		s, err := d.gms.flex.Refresh(ctx, proxy.FlexRefresh{FlexUser: user})
		if err != nil {
			return err
		}
		for _, part := range envelopes(s) {
			part.Ended = s.Ended && part.Transcript.LastPosition == s.Transcript.LastPosition
			if err := c.Reply(channel, d.envelope(part)); err != nil {
				return err
			}
		}
		if !s.Transcript.More {
			return nil
		}
		user.FromPosition = s.Transcript.LastPosition + 1
	}
}

// envelope is what is pushed of a part of the transcript.
func (d *cometd) envelope(s proxy.FlexStatus) Reply {
	return d.keys.of(d.gms.reply(&Call{From: 1}, s))
}

// maxEnvelope is about how many bytes of messages an envelope has. Clients of WebSocket take
// messages of up to 1 MiB, and old ones of 64 KiB.
const maxEnvelope = 32 << 10

// envelopes cuts a part of the transcript into several that are short enough to be pushed.
func envelopes(s proxy.FlexStatus) (out []proxy.FlexStatus) {
	last := s.Transcript.LastPosition
	for all := s.Transcript.Events; len(out) == 0 || len(all) > 0; {
		n := 0
		for size := 0; n < len(all) && (n == 0 || size < maxEnvelope); n++ {
			size += len(bridge.AppendMessage(nil, &bridge.EventAdded{Event: all[n].Event}))
		}
		part := s
		part.Transcript.Events, all = all[:n], all[n:]
		if len(all) > 0 {
			part.Transcript.LastPosition = max(part.Transcript.Events[n-1].ID, s.Transcript.Events[0].ID)
		} else {
			part.Transcript.LastPosition = last
		}
		out = append(out, part)
	}
	return out
}

// gone ends what was pushed to a client. A party whose client has gone to the background is kept
// in its chat for a while, without events.
func (d *cometd) gone(c *bayeux.Client, disconnect *bayeux.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.clients[c]
	delete(d.clients, c)
	if disconnect == nil || disconnect.Ext["transcriptPosition"] == nil || d.options.Background == 0 || d.ctx.Err() != nil {
		return
	}
	for seat, f := range all {
		ctx, cancel := context.WithTimeout(d.ctx, d.options.Background)
		b := &following{cancel: cancel, done: make(chan struct{}), user: f.user}
		if old := d.background[seat]; old != nil {
			old.cancel()
		}
		d.background[seat] = b
		d.running.Go(func() {
			defer cancel()
			d.gms.flex.Follow(ctx, b.user, 0, func(proxy.FlexStatus) error { return nil })
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.background[seat] == b {
				delete(d.background, seat)
			}
		})
	}
}

// foreground ends what keeps a party in the background: it is back.
func (d *cometd) foreground(user proxy.FlexUser) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b := d.background[seatOf(user)]; b != nil {
		b.cancel()
		delete(d.background, seatOf(user))
	}
}

// has reports whether the client has that party's chat.
func (d *cometd) has(c *bayeux.Client, user proxy.FlexUser) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.clients[c][seatOf(user)] != nil
}
