package proxy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
)

// unlimited lets customers send any files.
func unlimited(o *assembly.Options) {
	none := bridge.Unlimited()
	o.Chat.CustomerLimits = &none
}

// offerOf offers a file and returns the code of its refusal, or none.
func offerOf(p *page, key string, size int64) bridge.Code {
	p.send(&bridge.Offer{Key: key, Name: "a.bin", Size: size})
	for {
		switch m := p.next().(type) {
		case *bridge.Accept:
			if m.Key == key {
				return ""
			}
		case *bridge.Fail:
			require.Equal(p.t, key, m.Key)
			return m.Error.Code
		}
	}
}

// However many files an allowance permits, the number of unfinished ones is bounded, over
// all sockets and proxies.
func TestH1UnfinishedUploadsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, unlimited, func(c *proxy.Config) { c.MaxUnfinished, c.MaxUnfinishedBytes, c.MaxLost = 3, 1000, 2 })
	twin := w.another()
	customer, _ := w.join(w.customer)
	elsewhere, _ := twin.join(w.customer)
	agent, _ := w.join(w.agent)

	first, second := newKey(), newKey()
	require.Empty(t, offerOf(customer, first, 400))
	require.Empty(t, offerOf(elsewhere, second, 400))
	require.Equal(t, bridge.CodeBusy, offerOf(customer, newKey(), 201), "1001 bytes")
	require.Empty(t, offerOf(customer, newKey(), 100))
	require.Equal(t, bridge.CodeBusy, offerOf(customer, newKey(), 1), "three are unfinished")
	require.Equal(t, bridge.CodeBusy, offerOf(elsewhere, newKey(), 1))
	require.Empty(t, offerOf(customer, first, 400), "the same one resumes")
	cancel := func(key string) {
		customer.send(&bridge.Cancel{Key: key})
		await(customer, func(m *bridge.Upload) bool { return m.Key == key && m.State == bridge.Cancelled })
	}
	cancel(first)
	require.Equal(t, bridge.CodeBusy, offerOf(customer, newKey(), 101), "the bytes of cancelled uploads may still be on the disk")
	require.Empty(t, offerOf(customer, newKey(), 100))
	cancel(second)
	require.Equal(t, bridge.CodeBusy, offerOf(customer, newKey(), 0), "two were cancelled or failed")

	for range 24 {
		require.Empty(t, offerOf(agent, newKey(), 1))
	}
	require.Equal(t, bridge.CodeBusy, offerOf(agent, newKey(), 1))
	another, _ := w.join(w.Token("s1", "bert", bridge.Agent, bridge.AllRights...))
	require.Empty(t, offerOf(another, newKey(), 1<<20), "one alone may be of any size")
	require.Equal(t, bridge.CodeBusy, offerOf(another, newKey(), 1))
}

// A file that lacks one byte is removed when its customer has left, and its bytes are
// free; a customer that comes back in time resumes it.
func TestH1UnfinishedUploadOfAnAbsentPartyIsRemoved(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, func(o *assembly.Options) {
		unlimited(o)
		o.Deliver.Away, o.Deliver.CheckEvery = time.Nanosecond, 5*time.Millisecond
		o.Proxy.DisconnectTimeout = 2 * time.Second // the time for a reload
	})
	agent, _ := w.join(w.agent)
	customer, _ := w.join(w.customer)
	d := w.data(w.customer)
	const files, size = 4, 5 * pieceLength
	keys := make([]string, files)
	for n := range keys {
		keys[n] = newKey()
		require.Empty(t, offerOf(customer, keys[n], size+1))
		for offset := int64(0); offset < size; offset += pieceLength {
			d.frame(keys[n], offset, random(pieceLength))
		}
		await(d, func(m *bridge.Ack) bool { return m.Key == keys[n] && m.Stored == size })
	}
	customer.conn.CloseNow()
	customer, _ = w.join(w.customer) // a reload
	d = w.data(w.customer)
	customer.send(&bridge.Offer{Key: keys[0], Name: "a.bin", Size: size + 1})
	require.EqualValues(t, size, await(customer, anything[*bridge.Accept]).Offset)
	d.frame(keys[0], size, []byte("x"))
	agent.announced(keys[0])

	before := w.bytesStored()
	require.EqualValues(t, files*size+1, before)
	customer.conn.CloseNow()
	await(agent, isLeft)
	require.Eventually(t, func() bool { return w.bytesStored() == size+1 }, wait, 10*time.Millisecond, "the announced file alone")
	require.Eventually(t, func() bool {
		_, err := w.Records.Get(t.Context(), "s1", keys[1])
		return err == proxy.ErrRecordUnknown
	}, wait, 10*time.Millisecond)
	customer, _ = w.join(w.customer)
	customer.send(&bridge.Offer{Key: keys[1], Name: "a.bin", Size: size + 1})
	require.Zero(t, await(customer, anything[*bridge.Accept]).Offset, "it starts again")
}
