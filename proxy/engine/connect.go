package engine

import (
	"time"

	"github.com/nats-io/nats.go"
)

func (e *Engine) inProcess(name string) (*nats.Conn, error) {
	return nats.Connect("", append(e.connection(name),
		nats.InProcessServer(e.embedded),
		nats.ReconnectWait(50*time.Millisecond),
	)...)
}

func (e *Engine) foreign(url string) func(name string) (*nats.Conn, error) {
	return func(name string) (*nats.Conn, error) {
		return nats.Connect(url, append(e.connection(name),
			nats.ReconnectWait(250*time.Millisecond),
		)...)
	}
}

// connection options that both kinds share. Nothing is buffered while a
// connection is down: a publisher learns it at once and decides itself.
func (e *Engine) connection(name string) []nats.Option {
	return []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			e.log.Warn("engine connection", "connection", name, "error", err)
		}),
	}
}
