package proxy_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"testing"

	"attache/bridge"
	"attache/proxy"

	"github.com/stretchr/testify/require"
)

// B43: a page that chose another file of the same name, size and date must notice that
// before it reports the file as sent.
func TestB43OfferOfACompleteUploadIsAnsweredWithItsDigest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	d := w.data(w.agent)
	for _, size := range []int{0, 10, 300_000} {
		content := random(size)
		digest := sha256.Sum256(content)
		key := w.upload(agent, d, "a.bin", content).Key
		agent.send(&bridge.Offer{Key: key, Name: "a.bin", Size: int64(size)})
		// The record may become announced while the offer is answered, so the two come in either order.
		for accepted, announced := false, false; !accepted || !announced; {
			switch m := agent.next().(type) {
			case *bridge.Accept:
				require.EqualValues(t, size, m.Offset)
				require.Equal(t, hex.EncodeToString(digest[:]), m.Digest)
				accepted = true
			case *bridge.Upload:
				announced = announced || m.Key == key && m.State == bridge.Announced && m.Event != nil
			}
		}
	}
}

// An upload that failed or was cancelled has no digest to compare with.
func TestB43OfferOfACancelledUploadHasNoDigest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	key := newKey()
	offer := &bridge.Offer{Key: key, Name: "a.bin", Size: 10}
	agent.offer(offer)
	agent.send(&bridge.Cancel{Key: key})
	await(agent, func(m *bridge.Upload) bool { return m.State == bridge.Cancelled })
	agent.send(offer)
	for sent := false; !sent; {
		switch m := agent.next().(type) {
		case *bridge.Accept:
			require.Fail(t, "an accept", "%+v", m)
		case *bridge.Upload:
			sent = m.State == bridge.Cancelled
		}
	}
}

func TestOfferWithAKnownKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	customer, _ := w.join(w.customer)
	d := w.data(w.agent)
	key := newKey()
	offer := &bridge.Offer{Key: key, Name: "a.bin", Size: 10}
	agent.offer(offer)
	d.frame(key, 0, random(10))
	file := agent.announced(key)

	t.Run("same file: same answer", func(t *testing.T) {
		agent.send(offer)
		m := await(agent, func(m *bridge.Upload) bool { return m.Key == key && m.State == bridge.Announced && m.Event != nil })
		again, err := bridge.DecodeFile(*m.Event)
		require.NoError(t, err)
		require.Equal(t, file.ID, again.ID)
	})
	t.Run("another file", func(t *testing.T) {
		agent.send(&bridge.Offer{Key: key, Name: "b.bin", Size: 10})
		require.Equal(t, bridge.CodeUploadConflict, agent.refused())
	})
	t.Run("another party", func(t *testing.T) {
		customer.send(offer)
		require.Equal(t, bridge.CodeUploadConflict, customer.refused())
	})
}

func TestOfferThatBreaksARuleIsRefused(t *testing.T) {
	t.Parallel()
	long := string(bytes.Repeat([]byte("n"), 4096))
	tests := []struct {
		name  string
		token func(*world) string
		offer bridge.Offer
		code  bridge.Code
	}{
		{"customer: too large", customerToken, bridge.Offer{Name: "a.bin", Size: 2097153}, bridge.CodeFileSize},
		{"customer: size near the end of numbers", customerToken, bridge.Offer{Name: "a.bin", Size: bridge.MaxInteger}, bridge.CodeFileSize},
		{"agent: too large", agentToken, bridge.Offer{Name: "a.bin", Size: agentLimit + 1}, bridge.CodeFileSize},
		{"a name of 1,000 characters", agentToken, bridge.Offer{Name: long[:1000], Size: 1}, bridge.CodeNameLength},
		{"a name of 10,000 characters", agentToken, bridge.Offer{Name: strings.Repeat("x", 10_000) + ".pdf", Size: 1}, bridge.CodeNameLength},
		{"a blank name", agentToken, bridge.Offer{Name: "  ", Size: 1}, bridge.CodeNameInvalid},
		{"digest is not one", agentToken, bridge.Offer{Name: "a", Size: 1, Digest: "abc"}, bridge.CodeMessage},
		{"key is not one", agentToken, bridge.Offer{Key: "XYZ", Name: "a", Size: 1}, bridge.CodeMessage},
		{"a vendor's key as custom", agentToken, bridge.Offer{Name: "a", Size: 1, Custom: bridge.Data{bridge.Text("file-document-id", "1")}}, bridge.CodeCustomKey},
		{"a notice above Chat Server's packet", agentToken, bridge.Offer{
			Name: strings.Repeat("&", 200), Size: 1, Description: strings.Repeat("&", bridge.MaxValue),
			Custom: bridge.Data{bridge.Text("a", strings.Repeat("&", 2000)), bridge.Text("b", strings.Repeat("&", 2000))},
		}, bridge.CodeMessageSize},
		{"customer sends to agents only", customerToken, bridge.Offer{Name: "a", Size: 1, Visibility: bridge.Internal}, bridge.CodeForbidden},
		{"without the right", readOnlyToken, bridge.Offer{Name: "a", Size: 1}, bridge.CodeForbidden},
	}
	w := newWorld(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := w.join(tt.token(w))
			o := tt.offer
			if o.Key == "" {
				o.Key = newKey()
			}
			p.send(&o)
			fail := await(p, anything[*bridge.Fail])
			require.Equal(t, tt.code, fail.Error.Code)
			require.NotEmpty(t, fail.Error.Hint)
			require.NotEmpty(t, fail.Error.ID)
			p.send(&bridge.Say{Ref: 1, Key: newKey(), Text: "the chat continues"})
			await(p, func(m *bridge.Done) bool { return m.Ref == 1 })
		})
	}
	t.Run("a description of 4 KB does not even fit the message", func(t *testing.T) {
		p, _ := w.join(w.customer)
		p.send(&bridge.Offer{Key: newKey(), Name: "a", Size: 1, Description: long})
		require.Equal(t, bridge.CodeMessage, p.refused())
		p.send(&bridge.Ping{Ref: 2})
		await(p, func(m *bridge.Done) bool { return m.Ref == 2 })
	})
}

// unheard are records whose first creation succeeds, and whose answer is held back until
// the test releases it.
type unheard struct {
	proxy.Records
	first    sync.Once
	made     chan struct{}
	released chan struct{}
}

func (u *unheard) wrap(c *proxy.Config) { u.Records, c.Records = c.Records, u }

func (u *unheard) Create(ctx context.Context, r proxy.Record) (proxy.Record, error) {
	created, err := u.Records.Create(ctx, r)
	u.first.Do(func() {
		close(u.made)
		<-u.released
		err = context.DeadlineExceeded
	})
	return created, err
}

// The page's connection is cut while its offer is being answered, and it continues over
// another. The late first answer must not affect bytes that were sent since.
func TestOfferThatFailsLateLeavesAResumedUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	records := &unheard{made: make(chan struct{}), released: make(chan struct{})}
	twin := w.another(records.wrap)
	first, _ := twin.join(w.agent)
	content, key := random(2*pieceLength), newKey()
	offer := &bridge.Offer{Key: key, Name: "a.bin", Size: int64(len(content))}
	first.send(offer)
	<-records.made
	release := sync.OnceFunc(func() { close(records.released) })
	defer release() // or the proxy would wait for it

	again, _ := twin.join(w.agent)
	d := twin.data(w.agent)
	for stored := false; !stored; {
		again.send(offer)
		if await(again, func(m *bridge.Accept) bool { return m.Key == key }).Offset == pieceLength {
			break
		}
		d.frame(key, 0, content[:pieceLength])
		// The first offer may have taken its lease after the second; then the page offers again.
		await(d, func(m bridge.Wire) bool {
			ack, ok := m.(*bridge.Ack)
			stored = ok && ack.Stored == pieceLength
			fail, failed := m.(*bridge.Fail)
			return stored || failed && fail.Error.Code == bridge.CodeSuperseded
		})
	}
	release()
	await(first, func(m *bridge.Fail) bool { return m.Key == key })

	d.frame(key, pieceLength, content[pieceLength:])
	got, _ := twin.fetch(twin.ticket(again, again.announced(key).ID), nil, http.StatusOK)
	require.Equal(t, content, got)
}

func TestT17OfferThatFailsLateStillCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	records := &unheard{made: make(chan struct{}), released: make(chan struct{})}
	close(records.released)
	customer, welcome := w.another(records.wrap).join(w.customer)
	offer := func() *bridge.Offer { return &bridge.Offer{Key: newKey(), Name: "a.bin", Size: 10} }
	begun := offer()
	customer.send(begun)
	await(customer, func(m *bridge.Fail) bool { return m.Key == begun.Key })
	for range welcome.Limits.MaxFiles - 1 {
		next := offer()
		customer.offer(next)
	}
	customer.send(offer())
	require.Equal(t, bridge.CodeFileCount, await(customer, anything[*bridge.Fail]).Error.Code)
	customer.offer(begun)
}

// A backend may not know this proxy's scanner, and not count uploads: the limits of its
// answer to the join still bind each file.
func TestMaxFileSizeBindsEverybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.MaxFileSize = 1000 })
	for name, token := range map[string]string{"customer": w.customer, "agent": w.agent} {
		t.Run(name, func(t *testing.T) {
			p, welcome := w.join(token)
			require.Equal(t, int64(1000), welcome.Limits.MaxFileSize)
			p.send(&bridge.Offer{Key: newKey(), Name: "a.bin", Size: 1001})
			require.Equal(t, bridge.CodeFileSize, await(p, anything[*bridge.Fail]).Error.Code)
			key := newKey()
			p.offer(&bridge.Offer{Key: key, Name: "a.bin", Size: 1000})
			if name == "customer" {
				changed := await(p, anything[*bridge.LimitsChanged])
				require.Equal(t, int64(1000), changed.Limits.MaxFileSize)
			}
		})
	}
}

func TestT17LimitsOfTheJoinBindWithoutAllowances(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.Chat = struct{ proxy.ChatServer }{c.Chat} })
	p, welcome := w.join(w.customer)
	p.send(&bridge.Offer{Key: newKey(), Name: "a.bin", Size: welcome.Limits.MaxFileSize + 1})
	require.Equal(t, bridge.CodeFileSize, await(p, anything[*bridge.Fail]).Error.Code)
}

func TestT17CustomerAllowancesHoldAcrossUploads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer, welcome := w.join(w.customer)
	require.Equal(t, bridge.VendorLimits().MaxFiles, welcome.Limits.MaxFiles)
	d := w.data(w.customer)
	for range 3 {
		w.upload(customer, d, "a.bin", random(1000))
	}
	customer.send(&bridge.Offer{Key: newKey(), Name: "a.bin", Size: 1})
	fail := await(customer, anything[*bridge.Fail])
	require.Equal(t, bridge.CodeFileCount, fail.Error.Code)
	require.Contains(t, fail.Error.Message, "3 files")
}
