package engine

import (
	"time"

	"github.com/nats-io/nats.go"
)

// inProcessTimeout is how long our own server may take to answer a connection: no network lies
// between, and on a busy machine the library's two seconds end a start that would succeed.
const inProcessTimeout = 30 * time.Second

func (e *Engine) inProcess(name string) (*nats.Conn, error) {
	return nats.Connect("", append(e.connection(name),
		nats.InProcessServer(e.embedded), nats.Timeout(inProcessTimeout),
		nats.ReconnectWait(50*time.Millisecond),
	)...)
}

func (e *Engine) toCluster(o Options) func(name string) (*nats.Conn, error) {
	return func(name string) (*nats.Conn, error) {
		options := append(e.connection(name), nats.ReconnectWait(250*time.Millisecond))
		if o.Credentials != "" {
			options = append(options, nats.UserCredentials(o.Credentials))
		}
		return nats.Connect(o.URL, options...)
	}
}

// connection returns the options of both kinds. Nothing is buffered while a connection
// is down: a publish fails at once, and its caller decides what to do.
func (e *Engine) connection(name string) []nats.Option {
	log := e.log.With("connection", name)
	return []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("engine connection", "error", err)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("engine connection lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("engine connection is back") }),
	}
}
