package bayeux_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy/bayeux"
)

// polled posts a connect in the background; its answer comes on the channel.
func (r *raw) polled(body string) <-chan []answer {
	out := make(chan []answer, 1)
	go func() {
		a, err := r.try(body)
		if err != nil {
			a = []answer{{Error: err.Error()}}
		}
		out <- a
	}()
	return out
}

func (r *raw) known(e *echo) *bayeux.Client {
	r.t.Helper()
	r.post(hello("h"))
	return <-e.clients
}

func TestConnect_IsHeldUntilThereIsAMessage(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{}, nil)
	r := e.raw()
	r.shake("")
	c := r.known(e)
	poll := r.polled(connects)
	eventually(t, c.Polling)
	e.deliver(c, "a message")
	got := <-poll
	require.Len(t, got, 2)
	require.Equal(t, "a message", got[0].Data)
	require.True(t, got[1].ok())
	require.Equal(t, "c", got[1].ID)
}

func TestConnect_IsAnsweredAfterItsTime(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{Timeout: 20 * time.Millisecond}, nil)
	r := e.raw()
	r.shake("")
	require.True(t, r.post(connects)[0].ok())
	e2 := serve(t, bayeux.Options{Timeout: time.Hour}, nil)
	r2 := e2.raw()
	r2.shake("")
	require.True(t, r2.post(`{"channel":"/meta/connect","clientId":"ID","advice":{"timeout":0}}`)[0].ok(), "as a client that wants to know it is connected")
}

func TestConnect_AnOlderOneIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	for name, ext := range map[string]string{"without acknowledgements": "", "with them": `,"ext":{"ack":true}`} {
		t.Run(name, func(t *testing.T) {
			e := serve(t, bayeux.Options{}, nil)
			r := e.raw()
			r.shake(ext)
			c := r.known(e)
			if ext != "" {
				r.post(connects) // takes and acknowledges the answer to hello
				r.post(`{"channel":"/meta/connect","clientId":"ID","ext":{"ack":2},"advice":{"timeout":0}}`)
			}
			older := r.polled(`{"channel":"/meta/connect","clientId":"ID","id":"older","ext":{"ack":3}}`)
			eventually(t, c.Polling)
			newer := r.polled(`{"channel":"/meta/connect","clientId":"ID","id":"newer","ext":{"ack":3}}`)
			got := <-older
			require.Len(t, got, 1)
			require.Equal(t, "older", got[0].ID)
			require.True(t, got[0].ok())
			e.deliver(c, "for the newer one")
			got = <-newer
			require.Equal(t, "for the newer one", got[0].Data)
			require.Equal(t, "newer", got[1].ID)
		})
	}
}

func TestConnect_OneOfManyForABrowserIsNotHeld(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{MaxHeld: 1, Timeout: time.Hour}, nil)
	r := e.raw()
	r.shake("")
	c := r.known(e)
	first := r.polled(connects)
	eventually(t, c.Polling)
	second := &raw{t: t, url: r.url, http: r.http, ctx: r.ctx, cut: r.cut} // another tab
	second.shake("")
	a := second.post(connects)[0]
	require.True(t, a.ok())
	require.Equal(t, 2000., a.Advice["interval"])
	require.Equal(t, true, a.Advice["multiple-clients"])
	e.deliver(c, "x")
	<-first
}

func TestClient_Expires(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{MaxInterval: 10 * time.Millisecond, Timeout: 30 * time.Millisecond}, nil)
	r := e.raw()
	h := r.post(`{"channel":"/meta/handshake"}`)[0]
	r.id = h.ClientID
	require.Nil(t, <-e.gone)
	a := r.post(connects)[0]
	require.Equal(t, "402::Unknown client", a.Error)
	require.Equal(t, map[string]any{"reconnect": "handshake", "interval": 0.}, a.Advice)
	require.Zero(t, e.Len())
}

func TestClient_ThatHangsUpGetsTheMessageWithItsNextPoll(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{}, nil)
	r := e.raw()
	r.shake("")
	c := r.known(e)
	gone := e.raw()
	gone.id = r.id
	poll := gone.polled(connects)
	eventually(t, c.Polling)
	gone.cut()
	require.NotEmpty(t, (<-poll)[0].Error)
	eventually(t, func() bool { return !c.Polling() })
	e.deliver(c, "kept")
	require.Equal(t, "kept", r.post(connects)[0].Data)
}

func TestClient_DisconnectAnswersItsConnect(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{}, nil)
	r := e.raw()
	r.shake("")
	c := r.known(e)
	poll := r.polled(connects)
	eventually(t, c.Polling)
	require.True(t, r.post(`{"channel":"/meta/disconnect","clientId":"ID"}`)[0].ok())
	a := (<-poll)[0]
	require.True(t, a.ok())
	require.Equal(t, "none", a.Advice["reconnect"])
	require.NotNil(t, <-e.gone)
	require.ErrorIs(t, c.Deliver(t.Context(), service, "x"), bayeux.ErrGone)
	require.Equal(t, "402::Unknown client", r.post(`{"channel":"/meta/disconnect","clientId":"ID"}`)[0].Error)
}

func TestDrain_AnswersWhatIsHeld(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{Timeout: time.Hour}, nil)
	r := e.raw()
	r.shake("")
	c := r.known(e)
	poll := r.polled(connects)
	eventually(t, c.Polling)
	e.Drain()
	require.True(t, (<-poll)[0].ok())
	require.Equal(t, "503::Too many clients", r.post(`{"channel":"/meta/handshake"}`)[0].Error)
}

func TestDeliver_WaitsForRoom(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{MaxQueue: 100}, nil)
	r := e.raw()
	r.shake("")
	c := r.known(e)
	sent := make(chan error)
	go func() {
		for range 20 {
			if err := c.Deliver(t.Context(), service, "0123456789"); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for got := 0; got < 20; {
		got += len(r.post(connects)) - 1
	}
	require.NoError(t, <-sent)
}

func TestReply_EndsAClientThatTakesNothing(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{MaxQueue: 1000}, nil)
	r := e.raw()
	r.shake(`,"ext":{"ack":true}`)
	for range 1000 {
		a := r.post(publish("1", "0123456789"))
		if last := a[len(a)-1]; !last.ok() {
			require.Equal(t, bayeux.ErrFull.Error(), last.Error)
			require.Zero(t, e.Len())
			return
		}
	}
	t.Fatal("the queue has no end")
}

func TestT5_NewcomersReplaceStrangersOnly(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{MaxStrangersAddress: 5, Address: addressWithoutPort}, nil)
	good := e.raw()
	good.shake("")
	good.known(e)
	stranger := e.raw()
	stranger.shake("")
	for range 50 {
		e.raw().post(`{"channel":"/meta/handshake"}`)
	}
	require.Equal(t, 6, e.Len())
	require.Equal(t, "402::Unknown client", stranger.post(connects)[0].Error)
	require.True(t, good.post(hello("x"))[1].ok())
}

func TestT5_ClientsAreBounded(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{MaxClients: 2}, nil)
	e.raw().shake("")
	e.raw().shake("")
	a := e.raw().post(`{"channel":"/meta/handshake"}`)[0]
	require.Equal(t, "503::Too many clients", a.Error)
	require.Equal(t, "handshake", a.Advice["reconnect"])
}
