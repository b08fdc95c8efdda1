package bayeux_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/proxy/bayeux"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a server whose service answers what it gets, with the text of the client's own choice.
type echo struct {
	*bayeux.Server
	t       testing.TB
	url     string
	clients chan *bayeux.Client // as they publish "hello"
	gone    chan *bayeux.Message
}

const service = "/service/echo"

// serve serves with options, and wrapped in something if wrap is not nil.
func serve(t testing.TB, o bayeux.Options, wrap func(http.Handler) http.Handler) *echo {
	e := &echo{t: t, clients: make(chan *bayeux.Client, 20_000), gone: make(chan *bayeux.Message, 20_000)}
	o.Receive = func(_ context.Context, c *bayeux.Client, m bayeux.Message) error {
		var text string
		if m.Channel != service || json.Unmarshal(m.Data, &text) != nil {
			return errors.New("403:" + m.Channel + ":Not served")
		}
		if text == "hello" {
			c.Known()
			e.clients <- c
		}
		return c.Reply(m.Channel, text)
	}
	o.Gone = func(_ *bayeux.Client, m *bayeux.Message) { e.gone <- m }
	e.Server = bayeux.New(o)
	var h http.Handler = e.Server
	if wrap != nil {
		h = wrap(h)
	}
	server := httptest.NewServer(h)
	e.url = server.URL
	t.Cleanup(func() {
		e.Close()
		server.Close()
	})
	return e
}

// deliver sends texts to a client from outside of its requests.
func (e *echo) deliver(c *bayeux.Client, texts ...string) {
	e.t.Helper()
	for _, text := range texts {
		require.NoError(e.t, c.Deliver(e.t.Context(), service, text))
	}
}

// eventually waits for what another goroutine does without reporting it.
func eventually(t testing.TB, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 30*time.Second, time.Millisecond)
}

// cutter loses the next answers that have a text: the client's connection is cut instead.
type cutter struct {
	next http.Handler
	text string

	mu  sync.Mutex
	cut int // how many answers to lose
}

func (c *cutter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	c.next.ServeHTTP(answer, r)
	c.mu.Lock()
	lose := c.cut > 0 && strings.Contains(answer.Body.String(), c.text)
	if lose {
		c.cut--
	}
	c.mu.Unlock()
	if lose {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes())
}

func (c *cutter) left() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut
}

func addressWithoutPort(*http.Request) string { return "one network" }
