package proxy_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// slowAuth answers when the test lets it. asked has capacity for one question.
type slowAuth struct {
	proxy.Authenticator
	asked, may chan struct{}
}

func (a slowAuth) Authenticate(_ context.Context, token string) (proxy.Identity, error) {
	a.asked <- struct{}{}
	<-a.may
	return a.Authenticator.Authenticate(context.Background(), token)
}

// A socket that is closed while its token is still being checked, because the key set is
// slow, ends as any other, and no part of it outlives the proxy.
func TestSocketClosesWhileItsTokenIsChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		patience time.Duration
		end      func(p *proxy.Proxy)
	}{
		"the hello took too long": {50 * time.Millisecond, func(*proxy.Proxy) {}},
		"the proxy drains":        {wait, func(p *proxy.Proxy) { go p.Drain(context.Background()) }},
	} {
		t.Run(name, func(t *testing.T) {
			a := slowAuth{asked: make(chan struct{}, 1), may: make(chan struct{})}
			w := newWorld(t, func(p *proxy.Config) {
				a.Authenticator = p.Auth
				p.Auth, p.HelloTimeout = a, c.patience
			})
			raw, reason := askedOn(w, a)
			defer raw.Close()
			c.end(w.Proxy)
			require.NoError(t, <-reason)
			go func() {
				for range 20 {
					raw.Write([]byte{0x8a, 0x80, 0, 0, 0, 0})
				}
			}()
			close(a.may)
			w.Proxy.Close()
			_, err := io.Copy(io.Discard, raw)
			require.False(t, errors.Is(err, os.ErrDeadlineExceeded), "the socket was left open")
		})
	}
}

// askedOn returns a socket whose token is being checked, and the result of its read
// of the first answer. If the hello of a socket comes too late, it tries another
// socket.
func askedOn(w *world, a slowAuth) (raw net.Conn, reason <-chan error) {
	w.t.Helper()
	for {
		raw := w.raw()
		raw.SetReadDeadline(time.Now().Add(wait))
		raw.Write(maskedText(bridge.AppendMessage(nil, &bridge.Hello{Token: w.agent})))
		answered := make(chan error, 1)
		go func() {
			_, err := raw.Read(make([]byte, 1))
			answered <- err
		}()
		select {
		case <-a.asked:
			return raw, answered
		case <-answered:
			raw.Close()
		}
	}
}
