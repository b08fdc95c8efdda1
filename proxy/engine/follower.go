package engine

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// heartbeat is how often the engine confirms that it still knows the follower.
	// After two missed ones the consumer is created again.
	heartbeat = time.Second

	// createTime bounds the creation of a consumer: a request that reached a leader
	// which was shutting down is never answered.
	createTime = 2 * time.Second

	followPause = 250 * time.Millisecond
)

var errGap = errors.New("messages were lost")

// Follow calls receive for every message of a stream whose subject matches the filter,
// from sequence next on, in order and none twice, until ctx ends. It logs what
// interrupts it, and resumes after the last message.
//
// The library's ordered consumer does the same, but after a node has died it requests
// its successor only once, and waits 10 s for an answer that may never come.
func Follow(ctx context.Context, js jetstream.JetStream, stream, filter string, next uint64, log *slog.Logger, receive func(*jetstream.MsgMetadata, jetstream.Msg)) {
	for failed := false; ; failed = true {
		begun := next
		err := follow(ctx, js, stream, filter, &next, receive)
		if ctx.Err() != nil {
			return
		}
		level := slog.LevelWarn
		if failed && next == begun {
			level = slog.LevelDebug // the same outage still
		}
		log.Log(ctx, level, "a stream cannot be followed, retrying", "stream", stream, "error", err)
		if Pause(ctx, followPause) != nil {
			return
		}
	}
}

func follow(ctx context.Context, js jetstream.JetStream, stream, filter string, next *uint64, receive func(*jetstream.MsgMetadata, jetstream.Msg)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer cancelOnDisconnect(ctx, js.Conn(), cancel)()
	consumer, err := createFollower(ctx, js, stream, filter, *next)
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullHeartbeat(heartbeat), jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for count := uint64(1); ; count++ {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		about, err := m.Metadata()
		if err != nil {
			return err
		}
		if about.Sequence.Consumer != count {
			return errGap
		}
		*next = about.Sequence.Stream + 1
		receive(about, m)
	}
}

func createFollower(ctx context.Context, js jetstream.JetStream, stream, filter string, next uint64) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, createTime)
	defer cancel()
	return js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		FilterSubject:     filter,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       next,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: time.Minute,
		MemoryStorage:     true,
		Replicas:          1,
	})
}

// cancelOnDisconnect cancels when the connection breaks: messages in flight are lost
// then, and the gap would not show before the next message.
func cancelOnDisconnect(ctx context.Context, conn *nats.Conn, cancel context.CancelCauseFunc) (stop func()) {
	broken := conn.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-broken:
			cancel(nats.ErrDisconnected)
		case <-ctx.Done():
		}
	}()
	return func() {
		cancel(nil)
		<-done
		conn.RemoveStatusListener(broken)
	}
}
