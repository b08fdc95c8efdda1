// Package proxy is the server side of Attaché: an http.Handler that browser
// chat pages connect to for file transfer.
//
// It has three doors. On the chat socket a page says who it is, gets the
// transcript and what follows, offers files and asks for downloads: small JSON
// messages (package bridge has them all). On the data socket frames of files go
// up and acks come down, so chat never waits for bytes. Downloads are plain
// HTTP by a signed ticket.
//
// The life of a file, told by who calls whom: [Proxy] gets an offer, judges it
// by bridge's rules, asks [Allowances] where the party is a customer, writes
// the [Record] and answers with the offset it holds. Frames are verified and
// appended to [Staging]; an ack is sent when the engine has made a piece
// durable. With the last byte the record turns to accepted, and from there the
// delivery loop (package deliver) takes it through the scanner and into
// [Documents] and announces it at the [ChatServer]; the page hears of each
// step because the proxy watches the records.
//
// Nothing durable lives here: any proxy can continue what another began. What
// the proxy needs from the world is declared in seams.go; the packages below
// this one implement it.
//
//	p, err := proxy.New(proxy.Config{Chat: …, Documents: …, Origins: []string{"https://desk.example"}})
//	http.ListenAndServe(":8443", p)
//
// What it never does: it does not trust an id without the session's transcript,
// fetch a URL, keep a whole file in memory, or announce a file that the store
// does not have.
package proxy
