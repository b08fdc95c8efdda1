package engine

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const ElectionTime = electionTime

// AgeReport makes the account's last report older by d.
func (e *Engine) AgeReport(d time.Duration) {
	e.account.mu.Lock()
	defer e.account.mu.Unlock()
	e.account.answered = e.account.answered.Add(-d)
}

// SetJetStream makes the engine use js.
func (e *Engine) SetJetStream(js jetstream.JetStream) { e.js = js }
