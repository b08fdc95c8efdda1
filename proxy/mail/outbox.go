package mail

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxOutbox is how many mails an Outbox holds.
const maxOutbox = 50

// Outbox is a Sender that sends nothing: it holds the last mails in memory, to show what would be
// sent.
type Outbox struct {
	mu    sync.Mutex
	mails []Message
}

var _ Sender = (*Outbox)(nil)

// Send holds m.
func (o *Outbox) Send(_ context.Context, m Message, commit func() error) error {
	if err := commit(); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mails = slices.DeleteFunc(o.mails, func(other Message) bool { return other.ID == m.ID })
	o.mails = append(o.mails, m)
	if len(o.mails) > maxOutbox {
		o.mails = slices.Delete(o.mails, 0, len(o.mails)-maxOutbox)
	}
	return nil
}

// Mails returns the mails of a session, or of all if it is empty, the first first.
func (o *Outbox) Mails(session string) []Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(o.mails), func(m Message) bool { return session != "" && m.Session != session })
}

// ServeHTTP answers with the mails of the query's session as JSON.
func (o *Outbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	type shown struct {
		ID      string    `json:"id"`
		Session string    `json:"session"`
		Date    time.Time `json:"date"`
		To      string    `json:"to"`
		Subject string    `json:"subject"`
		Text    string    `json:"text"`
		HTML    string    `json:"html"`
	}
	answer := struct {
		Mails []shown `json:"mails"`
	}{Mails: []shown{}}
	for _, m := range o.Mails(r.URL.Query().Get("session")) {
		answer.Mails = append(answer.Mails, shown(m))
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	json.NewEncoder(w).Encode(answer)
}
