package proxy_test

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/proxytest"
)

// slow is a proxy that reads five messages of a party, and the next one after an hour.
func slow(t *testing.T) *world {
	return newWorld(t, func(c *proxy.Config) { c.MessageRate, c.MessageBurst = 1.0/3600, 5 })
}

func say(p *page, n int) {
	for range n {
		p.send(&bridge.Say{Ref: 1, Text: "flood", Key: newKey(), Visibility: bridge.All})
	}
}

// T20: a party that sends too fast waits, on all its sockets and when it reconnects; others
// do not.
func TestT20MessagesAreRateLimited(t *testing.T) {
	t.Parallel()
	w := slow(t)
	flooder, _ := w.join(w.agent)
	say(flooder, 10)
	for range 5 {
		await(flooder, anything[*bridge.Done])
	}
	again, _ := w.join(w.agent)
	say(again, 1)
	flooder.conn.CloseNow()
	back, _ := w.join(w.agent)
	say(back, 1)

	witness, welcome := w.join(w.customer)
	require.EqualValues(t, 1+5+1, welcome.Position, "the agent came, said five things, and the customer came")
	say(witness, 3)
	for n := range 3 {
		done := await(witness, anything[*bridge.Done])
		require.EqualValues(t, welcome.Position+1+int64(n), done.Event.ID, "nothing of the flood came between")
	}
}

// countedRecords counts how often a record is read.
type countedRecords struct {
	proxy.Records
	read *atomic.Int64
}

func (c countedRecords) Get(ctx context.Context, session, key string) (proxy.Record, error) {
	c.read.Add(1)
	return c.Records.Get(ctx, session, key)
}

// T20: a frame of an unknown upload costs a read of the store, and so it counts as a
// message. A frame of a known upload costs only itself.
func TestT20RefusedFramesAreRateLimited(t *testing.T) {
	t.Parallel()
	var read atomic.Int64
	w := newWorld(t, func(c *proxy.Config) {
		c.MessageRate, c.MessageBurst = 1.0/3600, 5
		c.Records = countedRecords{c.Records, &read}
	})
	alice := proxy.Identity{Session: "s1", Party: bridge.Party{UserID: "alice", Nickname: "alice", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}}
	_, err := w.chat.Join(t.Context(), alice.Session, proxy.Joining{Party: alice.Party})
	require.NoError(t, err)
	flooder := w.data(w.agent)
	for range 10 {
		flooder.frame(newKey(), 0, []byte("x"))
	}
	for range 6 { // the sixth is read before it is known to belong to none
		flooder.refused()
	}
	customer, _ := w.join(w.customer)
	before := read.Load()
	d, key := w.data(w.customer), newKey()
	const frames = 20
	customer.send(&bridge.Offer{Key: key, Name: "a.txt", Size: frames * (64 << 10)})
	await(customer, anything[*bridge.Accept])
	for n := range int64(frames) {
		d.frame(key, n<<16, make([]byte, 64<<10))
	}
	customer.announced(key)
	require.EqualValues(t, 6, before, "the rest waits")
}

// M1: a frame that is smaller than a page's own costs as much as a large one, so it
// counts as many messages; the last one of a file is as small as it must be.
func TestM1TinyFramesAreRateLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.MessageRate, c.MessageBurst = 1.0/3600, 60 })
	flooder, _ := w.join(w.agent)
	d, key := w.data(w.agent), newKey()
	flooder.send(&bridge.Offer{Key: key, Name: "a.txt", Size: 20})
	await(flooder, anything[*bridge.Accept])
	for n := range int64(10) {
		d.frame(key, n, []byte("x"))
	}
	await(d, func(m *bridge.Ack) bool { return m.Stored == 2 }) // one for 50, the next before it is charged

	customer, _ := w.join(w.customer)
	for range 3 {
		w.upload(customer, w.data(w.customer), "small.txt", []byte("x"))
	}
	again := w.data(w.agent)
	again.frame(key, 2, []byte("x"))
	again.frame(key, 3, []byte("x"))
	await(again, func(m *bridge.Ack) bool { return m.Stored == 3 })
	record, err := w.Records.Get(t.Context(), "s1", key)
	require.NoError(t, err)
	require.True(t, record.State.Incoming(), "the rest waits")
}

// M1: a file in more pieces than a page has a reason for fails where each piece is a message of
// its own, because each download reads them one by one.
func TestM1FileInTooManyFramesIsRefused(t *testing.T) {
	t.Parallel()
	first := newWorld(t)
	rates := func(c *proxy.Config) { c.MessageRate, c.MessageBurst = 1e6, 1e6 }
	w := worldOf(t, first.Another(first.InObjects(), proxytest.Set(rates)))
	w.agent = first.agent
	p, _ := w.join(w.agent)
	d, key := w.data(w.agent), newKey()
	p.send(&bridge.Offer{Key: key, Name: "a.txt", Size: 3000})
	await(p, anything[*bridge.Accept])
	go func() {
		k, _ := bridge.ParseKey(key)
		for n := range int64(3000) {
			one := makeFrame(bridge.Frame{Key: k, Offset: n, Checksum: bridge.Checksum([]byte{'x'})}, []byte{'x'})
			if d.conn.Write(t.Context(), websocket.MessageBinary, one) != nil {
				return
			}
		}
	}()
	require.Equal(t, bridge.CodeFrame, d.refused())
	failed := await(p, func(m *bridge.Upload) bool { return m.Key == key && m.State.Final() })
	require.Equal(t, bridge.Failed, failed.State)
	r, err := w.Records.Get(t.Context(), "s1", key)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		left, err := w.Store.Staged(t.Context(), r.DocumentID)
		require.NoError(t, err)
		defer left.Close()
		n, err := left.Seek(0, io.SeekEnd)
		return err == nil && n == 0
	}, wait, 10*time.Millisecond)
}
