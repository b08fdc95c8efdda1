// Package proxy is the server side of Attaché: an http.Handler that browser
// chat pages connect to for file transfer.
//
// It has three front doors. On the chat socket a page authenticates, gets the transcript
// and every event that follows, offers files and asks for downloads: small JSON messages,
// all of which are in package bridge. On the data socket frames of files go up and acks come
// down, so that chat never waits for bytes. Downloads are plain HTTP with a signed ticket.
// All rules of uploads and downloads are in [Transfers], which knows no wire. The front
// doors are its callers, and another front door would be one more caller.
//
// The life of a file: [Transfers] gets an offer, checks it by bridge's rules, asks
// [Allowances] if the party is a customer, writes the [Record] and returns the offset
// from
// which bytes are expected. The data socket verifies frames, and Transfers appends them to
// [Staging]; an ack is sent when the engine has made them durable. With the last byte the
// record turns to accepted. From there the delivery loop (package deliver) takes it through
// the scanner and into [Documents] and announces it at the [ChatServer]; the page is sent
// each step, because the proxy watches the records.
//
// Nothing durable is in this package: any proxy can continue an upload that another began.
// Everything the proxy needs from outside is declared in seams.go; the packages below this
// one implement it.
//
//	p, err := proxy.New(proxy.Config{Chat: …, Documents: …, Origins: []string{"https://desk.example"}})
//	http.ListenAndServe(":8443", p)
//
// It never trusts an id that is not in the session's transcript, never fetches a URL,
// never holds a whole file in memory, and never announces a file that the store does not
// have.
package proxy
