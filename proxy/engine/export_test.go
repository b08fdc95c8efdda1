package engine

import (
	"context"
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

// NextOf returns the next message of a queue with these parts.
func NextOf(ctx context.Context, e *Engine, c jetstream.Consumer, m jetstream.MessagesContext) (jetstream.Msg, error) {
	return (&Queue{engine: e, consumer: c, messages: m}).Next(ctx)
}
