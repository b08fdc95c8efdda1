// Package upstream relays customers through a GMS of the vendor's, as a client of its Chat API
// version 2: a customer's page is on our socket, and its chat, its messages and its files are in
// the vendor's Chat Server. Agents take part by the vendor's desktop.
//
//	c, err := upstream.Open(ctx, engine, upstream.Options{URL: "https://gms.example", Service: "support"})
//	defer c.Close()
//	assembly.Open(ctx, engine, assembly.Options{Elsewhere: assembly.Elsewhere{Chat: c, Documents: c.Documents}})
//
// # A session is one chat
//
// The first join requests a chat. What GMS answers (user id, secure key, alias, chat id) is
// sealed in the engine, so that any proxy goes on with it; each answer may replace alias and
// secure key. The customer's leaving ends the chat, because a chat of GMS is the customer's.
//
// # One proxy polls
//
// Each chat is a message of a queue, as an upload is for package deliver: the proxy that holds
// it polls the chat, and a proxy that has died loses it to another one after [Options.Lease].
// Every event that any answer brings is stored in the engine under its index, once, and all
// proxies deliver from there. An event's id is its index.
//
// # Nothing twice
//
// GMS has no key by which a request could be repeated. So the intent is stored before the
// request, and if its answer is lost, the transcript is read: an own event after the last one
// known, with the same text, or of the same name and size, is that of the intent. Without such
// an event the request is repeated, but not before [Options.Settle] has passed, in which GMS may
// still do it. An upload also carries our key in userData[attache-key], and is found by that
// where GMS returns it.
package upstream
