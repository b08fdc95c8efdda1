// Package chatrequest tells the systems that find agents about customers who asked for a chat: a
// customer who comes through GMS' Chat API has no application server that would mint an agent's
// token, so without it no agent ever learned of the chat.
//
//	r, err := chatrequest.Start(ctx, engine, chatrequest.Options{Chat: chat, URL: "https://desk.example/chats"})
//	err = r.Add(ctx, chatrequest.Request{ChatID: id, Service: "support"}) // before the customer joins
//
// Each request is posted to the URL, as JSON, until it is accepted with a 2xx status, the chat has
// ended, or a day has passed: at least once, by whichever process is alive. The header
// Attache-Signature lets the receiver check where it is from. [Requests.ServeHTTP] lists the
// requests on the admin address.
package chatrequest

import "time"

// Request is a chat that a customer asked for.
type Request struct {
	ChatID   string            `json:"chatId"` // the session
	Service  string            `json:"service"`
	QueueKey string            `json:"queueKey"`
	Subject  string            `json:"subject,omitempty"`
	Nickname string            `json:"nickname"`
	UserData map[string]string `json:"userData,omitempty"`
	At       time.Time         `json:"at"`
}

// record is a request in the store.
type record struct {
	Request
	Posted time.Time `json:"posted,omitzero"`  // when the URL accepted it
	Tries  int       `json:"tries,omitempty"`  // that failed
	Closed bool      `json:"closed,omitempty"` // the chat has ended, or never began
}
