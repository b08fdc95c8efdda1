package engine

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Age makes what the account last said so much older.
func (e *Engine) Age(d time.Duration) {
	e.account.mu.Lock()
	defer e.account.mu.Unlock()
	e.account.answered = e.account.answered.Add(-d)
}

// Through has the engine ask its store through that.
func (e *Engine) Through(js jetstream.JetStream) { e.js = js }
