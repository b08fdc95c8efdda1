package objects

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Mute leaves the first request of each kind by s unanswered, and shortens the time of a
// try. unanswered lists those kinds.
func Mute(s *Store) (unanswered func() []string, restore func()) {
	request, send := requestRetry.PerTry, sendRetry.PerTry
	requestRetry.PerTry, sendRetry.PerTry = 50*time.Millisecond, 50*time.Millisecond
	m := &mute{}
	s.publish, s.reading = muteJetStream{s.publish, m}, muteJetStream{s.reading, m}
	return func() []string {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.kinds
	}, func() { requestRetry.PerTry, sendRetry.PerTry = request, send }
}

type mute struct {
	mu    sync.Mutex
	kinds []string
}

func (m *mute) answer(ctx context.Context, kind string) error {
	m.mu.Lock()
	known := slices.Contains(m.kinds, kind)
	if !known {
		m.kinds = append(m.kinds, kind)
	}
	m.mu.Unlock()
	if known {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

type muteJetStream struct {
	jetstream.JetStream
	*mute
}

func (m muteJetStream) PublishMsg(ctx context.Context, msg *nats.Msg, o ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if err := m.answer(ctx, "publish"); err != nil {
		return nil, err
	}
	return m.JetStream.PublishMsg(ctx, msg, o...)
}

func (m muteJetStream) CreateStream(ctx context.Context, c jetstream.StreamConfig) (jetstream.Stream, error) {
	if err := m.answer(ctx, "create a stream"); err != nil {
		return nil, err
	}
	s, err := m.JetStream.CreateStream(ctx, c)
	return muteStream{s, m.mute}, err
}

func (m muteJetStream) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	if err := m.answer(ctx, "open a stream"); err != nil {
		return nil, err
	}
	s, err := m.JetStream.Stream(ctx, name)
	return muteStream{s, m.mute}, err
}

type muteStream struct {
	jetstream.Stream
	*mute
}

func (m muteStream) Info(ctx context.Context, o ...jetstream.StreamInfoOpt) (*jetstream.StreamInfo, error) {
	if err := m.answer(ctx, "count messages"); err != nil {
		return nil, err
	}
	return m.Stream.Info(ctx, o...)
}

func (m muteStream) GetMsg(ctx context.Context, seq uint64, o ...jetstream.GetMsgOpt) (*jetstream.RawStreamMsg, error) {
	if err := m.answer(ctx, "get a message"); err != nil {
		return nil, err
	}
	return m.Stream.GetMsg(ctx, seq, o...)
}

func (m muteStream) GetLastMsgForSubject(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	if err := m.answer(ctx, "get a last message"); err != nil {
		return nil, err
	}
	return m.Stream.GetLastMsgForSubject(ctx, subject)
}

func (m muteStream) DeleteMsg(ctx context.Context, seq uint64) error {
	if err := m.answer(ctx, "delete a message"); err != nil {
		return err
	}
	return m.Stream.DeleteMsg(ctx, seq)
}

func (m muteStream) Purge(ctx context.Context, o ...jetstream.StreamPurgeOpt) error {
	if err := m.answer(ctx, "purge"); err != nil {
		return err
	}
	return m.Stream.Purge(ctx, o...)
}
