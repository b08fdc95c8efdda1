package deliver

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy"
)

// OnCrashPoint sets the function that is called at each crash point, until restore. No loop
// may be running at either moment.
func OnCrashPoint(f func(name string)) (restore func()) {
	crashPoint = f
	return func() { crashPoint = func(string) {} }
}

// OnWritten sets RecordsOptions.OnWritten afterwards.
func (r *Records) OnWritten(f func(proxy.Record)) { r.onWritten = f }

// LoseAnswer loses the next write's answer. With effect, the write is stored nevertheless;
// meanwhile is called before the write is retried.
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
