package bayeux

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// Names of the transports.
const (
	longPolling     = "long-polling"
	callbackPolling = "callback-polling"
	webSocket       = "websocket"
)

// transports are those that are served.
func (s *Server) transports() []string {
	all := []string{longPolling}
	if !s.options.NoSockets {
		all = slices.Insert(all, 0, webSocket)
	}
	if s.options.Callback {
		all = append(all, callbackPolling)
	}
	return all
}

// shake makes a client of a handshake. Without one the handshake has failed.
func (s *Server) shake(m Message, browser, address string) (*Client, reply) {
	fail := func(err, reconnect string, interval int64) (*Client, reply) {
		r := m.fail(err)
		r.Version, r.Minimum, r.Transports = "1.0", "1.0", s.transports()
		r.Advice = &advice{Reconnect: reconnect, Interval: interval}
		return nil, r
	}
	if major, _, _ := strings.Cut(m.version, "."); major != "" && major != "1" && major != "0" {
		return fail("400:"+printable(m.version)+":This server speaks version 1.0", none, 0)
	}
	if len(m.transports) > 0 && !slices.ContainsFunc(m.transports, func(t string) bool { return slices.Contains(s.transports(), t) }) {
		return fail("400:"+printable(strings.Join(m.transports, ","))+":This server has none of these transports", none, 0)
	}
	c := s.newClient(browser, address, m.wantsAcks())
	// Who is replaced has left already, so it does not matter that this comes later.
	leave := s.strangers.Acquire(address, func() { c.end(nil) })
	c.leave.Store(&leave)
	c.running = 1 // until its handshake is answered
	if !s.add(c) {
		c.end(nil)
		return fail(errBusy, handshake, 5000)
	}
	r := m.succeed()
	r.ClientID, r.Version, r.Minimum, r.Transports, r.Advice = c.ID, "1.0", "1.0", s.transports(), s.advice()
	if c.queue.acks {
		r.Ext = map[string]any{"ack": true}
	}
	return c, r
}

// handle answers a message of a client other than a handshake and a connect.
func (s *Server) handle(ctx context.Context, c *Client, m Message) reply {
	switch m.Channel {
	case metaDisconnect:
		c.end(&m)
		r := m.succeed()
		r.ClientID = c.ID
		return r
	case metaSubscribe, metaUnsubscribe:
		return c.subscribe(m)
	}
	switch {
	case meta(m.Channel):
		return m.fail("404:" + printable(m.Channel) + ":Unknown meta channel")
	case !validChannel(m.Channel, false):
		return m.fail("400:" + printable(m.Channel) + ":Invalid channel")
	case m.Data == nil:
		return m.fail("400:" + printable(m.Channel) + ":The message has no data")
	}
	if err := s.options.Receive(ctx, c, m); err != nil {
		return m.fail(err.Error())
	}
	return m.succeed()
}

// subscribe subscribes the client to all channels that the message names, or to none. The reply
// repeats them as they came: one or an array.
func (c *Client) subscribe(m Message) reply {
	answer := func(err string) reply {
		r := m.answer(err == "", err)
		r.ClientID = c.ID
		switch len(m.subscriptions) {
		case 0:
		case 1:
			r.Subscription = m.subscriptions[0]
		default:
			r.Subscription = m.subscriptions
		}
		return r
	}
	if len(m.subscriptions) == 0 {
		return answer("403::The subscription is missing")
	}
	if most := c.server.options.MaxSubscriptions; len(m.subscriptions) > most {
		m.subscriptions = nil
		return answer("403:" + strconv.Itoa(most) + ":Too many subscriptions")
	}
	for i, channel := range m.subscriptions {
		if !validChannel(channel, true) || meta(channel) {
			m.subscriptions[i] = channel[:min(len(channel), maxChannel)]
			return answer("403:" + printable(channel) + ":Not a channel to subscribe to")
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.Channel == metaUnsubscribe {
		for _, channel := range m.subscriptions {
			delete(c.subscriptions, channel)
		}
		return answer("")
	}
	added := 0
	for _, channel := range m.subscriptions {
		if !c.subscriptions[channel] {
			added++
		}
	}
	if most := c.server.options.MaxSubscriptions; len(c.subscriptions)+added > most {
		return answer("403:" + strconv.Itoa(most) + ":Too many subscriptions")
	}
	if c.subscriptions == nil {
		c.subscriptions = map[string]bool{}
	}
	for _, channel := range m.subscriptions {
		c.subscriptions[channel] = true
	}
	return answer("")
}
