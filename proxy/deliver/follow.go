package deliver

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// heartbeat is how often the engine says that it still knows of who waits for
// messages; two missed ones, and it is asked anew.
const heartbeat = time.Second

// follow feeds every watcher of this process from one consumer, from that place
// in the stream on, for as long as ctx lasts.
func (r *Records) follow(ctx context.Context, next uint64) {
	for {
		err := r.consume(ctx, &next)
		if ctx.Err() != nil {
			return
		}
		r.log.Warn("the uploads' records cannot be followed, trying again", "error", err)
		if !wait(ctx, time.Second) {
			return
		}
	}
}

func (r *Records) consume(ctx context.Context, next *uint64) error {
	consumer, err := r.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       *next,
		InactiveThreshold: time.Minute,
		MaxResetAttempts:  1, // the loop in follow can be stopped, the client's own cannot
	})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		*next = meta.Sequence.Stream + 1
		r.changed(m.Subject(), m.Data(), meta.Sequence.Stream)
	}
}

func (r *Records) changed(subject string, data []byte, revision uint64) {
	session, _, _ := strings.Cut(strings.TrimPrefix(subject, subjectPrefix), ".")
	if !r.watchers.any(session) {
		return
	}
	record, err := decode(data, revision)
	if err != nil {
		r.log.Error("an upload's record is not readable", "subject", subject, "error", err)
		return
	}
	r.watchers.tell(record)
}
