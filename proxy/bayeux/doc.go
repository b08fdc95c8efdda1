// Package bayeux serves the Bayeux protocol, version 1.0, to CometD clients: long-polling,
// callback-polling (JSONP) and WebSocket. It knows nothing of chat: an application receives what
// clients publish, and delivers messages to them.
//
//	s := bayeux.New(bayeux.Options{Receive: func(ctx context.Context, c *bayeux.Client, m bayeux.Message) error {
//		return c.Reply(m.Channel, answer(m.Data))
//	}})
//	http.Handle("/cometd/", s)
//
// A client shakes hands and is given a random id, which is its only credential. It then has a
// /meta/connect under way all the time. Its first one is answered at once; later ones are held
// until there is a message or [Options.Timeout] is over. A client that has none for
// [Options.MaxInterval] is gone, and whoever uses its id later is told to shake hands again
// (402). So an id of another process, or of this one before its restart, leads to a new
// handshake too.
//
// Messages to a client wait in a queue of bounded size (queue.go). They leave it with any
// response to the client, or at once over its socket; with the acknowledgement extension only
// with the answer to a /meta/connect, and they are sent again until the client acknowledges them
// in the next one. Nothing is dropped silently: a client whose queue overflows is ended.
//
// A client that only polls costs its queue, a timer while no request is under way, and the
// goroutine that net/http has for the request that is held. A socket costs the goroutine that
// reads it; one that writes exists as long as there is something to write.
//
// What is not specified at https://docs.cometd.org/current/reference/#_bayeux is done as CometD's
// own server does it. Iframes are not served: no browser needs them.
package bayeux
