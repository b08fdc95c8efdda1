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
	// heartbeat is how often the engine says that it still knows of a follower;
	// two missed ones, and it is asked anew.
	heartbeat = time.Second

	// createTime is how long a consumer's creation is waited for: what reached a
	// leader on its way out is never answered.
	createTime = 2 * time.Second

	followPause = 250 * time.Millisecond
)

var errGap = errors.New("messages were lost on the way")

// Follow calls entry for every message of a stream on a subject that the filter
// takes in, from place next on, in order and none twice, until ctx ends. What
// breaks the way is logged, and then it goes on after the last message.
//
// The library's ordered consumer does the same, but asks once for its successor
// when a node has died, and waits 10 s for an answer that may never come.
func Follow(ctx context.Context, js jetstream.JetStream, stream, filter string, next uint64, log *slog.Logger, entry func(*jetstream.MsgMetadata, jetstream.Msg)) {
	for broken := false; ; broken = true {
		begun := next
		err := follow(ctx, js, stream, filter, &next, entry)
		if ctx.Err() != nil {
			return
		}
		level := slog.LevelWarn
		if broken && next == begun {
			level = slog.LevelDebug // still the same trouble
		}
		log.Log(ctx, level, "a stream cannot be followed, trying again", "stream", stream, "error", err)
		select {
		case <-time.After(followPause):
		case <-ctx.Done():
			return
		}
	}
}

func follow(ctx context.Context, js jetstream.JetStream, stream, filter string, next *uint64, entry func(*jetstream.MsgMetadata, jetstream.Msg)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer cutOff(ctx, js.Conn(), cancel)()
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
		entry(about, m)
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

// cutOff cancels when the connection breaks: what was on its way is lost then,
// and no gap would show before the next message.
func cutOff(ctx context.Context, conn *nats.Conn, cancel context.CancelCauseFunc) (stop func()) {
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
