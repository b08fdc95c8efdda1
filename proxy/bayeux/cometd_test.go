package bayeux_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/bayeux"
	"attache/proxy/bayeux/bayeuxtest"
)

// The unmodified package of npm, in its newest and an old release, over each transport.
func TestCometD_EveryTransport(t *testing.T) {
	t.Parallel()
	for _, library := range []string{"cometd", "cometd3"} {
		for _, transport := range []string{"long-polling", "callback-polling", "websocket"} {
			for _, ack := range []bool{false, true} {
				if library == "cometd3" && ack && transport != "long-polling" {
					continue // each client is a process of its own
				}
				name := library + " " + transport
				if ack {
					name += " with acknowledgements"
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					e := serve(t, bayeux.Options{Callback: true}, nil)
					c := bayeuxtest.Start(t, bayeuxtest.Options{
						URL: e.url + "/cometd", Library: library, Transports: []string{transport}, Ack: ack,
					})
					require.NotEmpty(t, c.Handshake().ClientID)

					var text string
					require.True(t, c.Publish(service, "hello").Successful)
					require.Equal(t, service, c.Data(&text).Channel)
					require.Equal(t, "hello", text)
					client := <-e.clients

					texts := []string{"1", "2", "3", "\u2028</script>", "4"}
					e.deliver(client, texts...)
					for _, want := range texts {
						c.Data(&text)
						require.Equal(t, want, text)
					}
					require.True(t, c.Done(c.Do("subscribe", map[string]any{"channel": "/news/*"})).Successful)
					require.NoError(t, client.Deliver(t.Context(), "/news/of/others", "no"))
					require.NoError(t, client.Deliver(t.Context(), "/news/today", "yes"))
					require.Equal(t, "/news/today", c.Data(&text).Channel)

					refused := c.Publish("/service/other", "x")
					require.False(t, refused.Successful)
					require.Equal(t, "403:/service/other:Not served", refused.Error)

					require.True(t, c.Done(c.Do("disconnect", map[string]any{"props": map[string]any{"ext": map[string]any{"transcriptPosition": "7"}}})).Successful)
					bye := <-e.gone
					require.Equal(t, `"7"`, string(bye.Ext["transcriptPosition"]))
					require.Zero(t, e.Len())
				})
			}
		}
	}
}

// A poll whose answer is lost on its way loses no message with the acknowledgement extension.
func TestCometD_ALostPollLosesNothingWithAcks(t *testing.T) {
	t.Parallel()
	for _, library := range []string{"cometd", "cometd3"} {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			lossy := &cutter{text: "precious", cut: 3}
			e := serve(t, bayeux.Options{}, func(h http.Handler) http.Handler { lossy.next = h; return lossy })
			c := bayeuxtest.Start(t, bayeuxtest.Options{URL: e.url, Library: library, Ack: true})
			c.Handshake()
			c.Publish(service, "hello")
			client := <-e.clients
			e.deliver(client, "precious 1", "precious 2")
			eventually(t, func() bool { return lossy.left() == 0 })
			e.deliver(client, "3")
			for _, want := range []string{"hello", "precious 1", "precious 2", "3"} {
				var text string
				c.Data(&text)
				require.Equal(t, want, text)
			}
		})
	}
}

// A client whose id is not known, because it expired or its proxy died, shakes hands again by
// itself.
func TestCometD_AnUnknownClientShakesHandsAgain(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"long-polling", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			var server atomic.Pointer[bayeux.Server]
			e := serve(t, bayeux.Options{}, func(h http.Handler) http.Handler {
				server.Store(h.(*bayeux.Server))
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { server.Load().ServeHTTP(w, r) })
			})
			c := bayeuxtest.Start(t, bayeuxtest.Options{URL: e.url, Transports: []string{transport}})
			first := c.Handshake()
			other := serve(t, bayeux.Options{}, nil)
			server.Store(other.Server)
			e.Close()
			c.Next(func(e bayeuxtest.Event) bool {
				return e.Channel == "/meta/handshake" && e.Message.Successful && e.Message.ClientID != first.ClientID
			})
			require.True(t, c.Publish(service, "hello").Successful)
			<-other.clients
		})
	}
}
