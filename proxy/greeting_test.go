package proxy_test

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// slowAuth answers when the test lets it.
type slowAuth struct {
	proxy.Authenticator
	asked, may chan struct{}
}

func (a slowAuth) Authenticate(_ context.Context, token string) (proxy.Identity, error) {
	close(a.asked)
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
			a := slowAuth{asked: make(chan struct{}), may: make(chan struct{})}
			w := newWorld(t, func(p *proxy.Config) {
				a.Authenticator = p.Auth
				p.Auth, p.HelloTimeout = a, c.patience
			})
			raw := w.raw()
			defer raw.Close()
			raw.Write(maskedText(bridge.AppendMessage(nil, &bridge.Hello{Token: w.agent})))
			<-a.asked
			c.end(w.Proxy)
			raw.SetReadDeadline(time.Now().Add(wait))
			_, err := raw.Read(make([]byte, 1)) // of the reason
			require.NoError(t, err)
			go func() {
				for range 20 {
					raw.Write([]byte{0x8a, 0x80, 0, 0, 0, 0})
				}
			}()
			close(a.may)
			w.Proxy.Close()
			_, err = io.Copy(io.Discard, raw)
			require.False(t, errors.Is(err, os.ErrDeadlineExceeded), "the socket was left open")
		})
	}
}
