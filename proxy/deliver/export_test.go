package deliver

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy"
	"attache/proxy/engine"
)

// OnCrashPoint sets what is called at each border between two steps, until restore.
// Loops must not be running at either moment.
func OnCrashPoint(f func(name string)) (restore func()) {
	crashPoint = f
	return func() { crashPoint = func(string) {} }
}

// OnWritten sets RecordsOptions.OnWritten afterwards.
func (r *Records) OnWritten(f func(proxy.Record)) { r.onWritten = f }

// LoseAnswer lets the next write's answer be lost. With effect the write has
// happened all the same; meanwhile is called before the write is tried again.
func (r *Records) LoseAnswer(effect bool, meanwhile func()) {
	r.js = &lossy{JetStream: r.js, effect: effect, meanwhile: meanwhile}
}

type lossy struct {
	jetstream.JetStream
	lost, effect bool
	meanwhile    func()
}

func (l *lossy) PublishMsg(ctx context.Context, m *nats.Msg, o ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if l.lost {
		return l.JetStream.PublishMsg(ctx, m, o...)
	}
	l.lost = true
	if l.effect {
		if ack, err := l.JetStream.PublishMsg(ctx, m, o...); err != nil {
			return ack, err
		}
	}
	if l.meanwhile != nil {
		l.meanwhile()
	}
	return nil, nats.ErrTimeout
}

// Next is the next message of an intake whose ends are these.
func Next(ctx context.Context, e *engine.Engine, c jetstream.Consumer, m jetstream.MessagesContext) (jetstream.Msg, error) {
	return (&queue{engine: e, consumer: c, messages: m}).next(ctx)
}
