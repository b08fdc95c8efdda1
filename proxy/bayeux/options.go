package bayeux

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Options of a [Server]. The zero value of each has the default that is named.
type Options struct {
	// Receive is called for every message that a client publishes, in order within one request,
	// and for several requests of a client at the same time. An error's text is in the reply.
	// What it delivers by [Client.Reply] goes with the reply where it can. ctx ends with the
	// request and with the client. Required.
	Receive func(ctx context.Context, c *Client, m Message) error
	// Gone is called once for each client, after its end: with its disconnect, or nil if it
	// expired, overflowed, or the server was closed. It must not block.
	Gone func(c *Client, disconnect *Message)

	// Origin reports whether a request of that origin may be answered; only requests with an
	// Origin header are asked about. Default: none of them may. Headers of CORS are the caller's.
	Origin func(r *http.Request) bool
	// Secure reports whether the client uses https. Default: whether this server does.
	Secure func(r *http.Request) bool
	// Address returns what a client counts for. Default: its address and port.
	Address func(r *http.Request) string

	// Callback serves callback-polling, whose requests have no Origin: any page may then begin a
	// session, and read what only this session is told. Default: off.
	Callback bool
	// NoSockets does not offer WebSocket. Default: it is offered.
	NoSockets bool

	// Timeout is how long a connect is held, Interval the pause that a client makes after one,
	// and MaxInterval how long it may have none. Defaults: 30 s, 0 and 10 s, those of CometD's
	// server.
	Timeout, Interval, MaxInterval time.Duration

	// MaxClients bounds the clients. MaxStrangers bounds those that the application has not
	// called [Client.Known] for, together with the sockets that have no client, and
	// MaxStrangersAddress those of one address: a newcomer replaces the oldest one of the
	// address that has the most. Defaults: 20,000, 4,096 and 256.
	MaxClients, MaxStrangers, MaxStrangersAddress int
	// MaxHeld bounds the connects that are held for one browser, as its cookie tells; others are
	// answered at once, with the advice to come back after two seconds, because a browser has six
	// connections to a host (HTTP/1.1). Default: 4.
	MaxHeld int
	// MaxBody bounds a request, or a message over a socket, in bytes, and MaxMessages the
	// messages in it. Defaults: 128 KiB and 64.
	MaxBody     int64
	MaxMessages int
	// MaxQueue bounds what waits for a client, in bytes. [Client.Deliver] waits at it;
	// [Client.Reply] ends the client at four times as much. Default: 256 KiB.
	MaxQueue int
	// MaxSubscriptions bounds the channels that a client subscribes to. Default: 64.
	MaxSubscriptions int
	// Rate is how many messages of a client are handled a second, once it has sent Burst; more of
	// them wait. Defaults: 20 and 100.
	Rate  float64
	Burst int

	Log *slog.Logger // Default: discarded.
}

func (o Options) complete() Options {
	if o.Receive == nil {
		panic("bayeux: Options.Receive is missing")
	}
	if o.Gone == nil {
		o.Gone = func(*Client, *Message) {}
	}
	if o.Origin == nil {
		o.Origin = func(*http.Request) bool { return false }
	}
	if o.Secure == nil {
		o.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	if o.Address == nil {
		o.Address = func(r *http.Request) string { return r.RemoteAddr }
	}
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	o.MaxInterval = cmp.Or(o.MaxInterval, 10*time.Second)
	o.MaxClients = cmp.Or(o.MaxClients, 20_000)
	o.MaxStrangers = cmp.Or(o.MaxStrangers, 4096)
	o.MaxStrangersAddress = cmp.Or(o.MaxStrangersAddress, 256)
	o.MaxHeld = cmp.Or(o.MaxHeld, 4)
	o.MaxBody = cmp.Or(o.MaxBody, 128<<10)
	o.MaxMessages = cmp.Or(o.MaxMessages, 64)
	o.MaxQueue = cmp.Or(o.MaxQueue, 256<<10)
	o.MaxSubscriptions = cmp.Or(o.MaxSubscriptions, 64)
	o.Rate = cmp.Or(o.Rate, 20)
	o.Burst = cmp.Or(o.Burst, 100)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
