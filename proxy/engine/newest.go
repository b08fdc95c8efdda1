package engine

import (
	"bytes"
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// newestRetry bounds a read or a write.
var newestRetry = RetryPolicy{Total: 20 * time.Second, PerTry: 2 * time.Second}

// Newest is a stream with only the newest message of each subject. A message's revision is its
// sequence.
type Newest struct {
	Engine *Engine
	JS     jetstream.JetStream
	Stream jetstream.Stream
}

// Get returns the message of a subject, or fails with jetstream.ErrMsgNotFound.
func (n Newest) Get(ctx context.Context, subject string) (m *jetstream.RawStreamMsg, err error) {
	err = n.Engine.Retry(ctx, newestRetry, func(ctx context.Context, _ bool) (err error) {
		m, err = n.Stream.GetLastMsgForSubject(ctx, subject)
		return err
	})
	return m, err
}

// Replace replaces the message at revision, 0 for none, and returns the new revision. If another
// writer was faster, [Overtaken] reports so of the error. After a lost answer, a retry may be
// overtaken by its own earlier try, which is no error.
func (n Newest) Replace(ctx context.Context, subject string, data []byte, revision uint64) (written uint64, err error) {
	err = n.Engine.Retry(ctx, newestRetry, func(ctx context.Context, again bool) error {
		ack, err := n.JS.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: data},
			jetstream.WithExpectLastSequencePerSubject(revision), jetstream.WithRetryAttempts(0))
		if err == nil {
			written = ack.Sequence
			return nil
		}
		if !again || !Overtaken(err) {
			return err
		}
		newest, lookErr := n.Stream.GetLastMsgForSubject(ctx, subject)
		switch {
		case lookErr == nil && bytes.Equal(newest.Data, data):
			written = newest.Sequence
			return nil
		case n.Engine.Transient(lookErr):
			return lookErr
		}
		return err
	})
	return written, err
}
