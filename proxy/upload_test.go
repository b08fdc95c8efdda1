package proxy_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"testing"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"

	"github.com/stretchr/testify/require"
)

func TestFileCrossesBothWays(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, unlimited)
	agent, _ := w.join(w.agent)
	customer, _ := w.join(w.customer)
	sides := []struct {
		name     string
		from, to *page
		token    string
		reader   string
	}{
		{"agent to customer", agent, customer, w.agent, w.customer},
		{"customer to agent", customer, agent, w.customer, w.agent},
	}
	files := []struct {
		name string
		size int
	}{
		{"empty.txt", 0}, {"one.bin", 1}, {"report.pdf", 100 << 10}, {"صورة.png", 1_234_567}, {"大きな.zip", 5 << 20},
	}
	for _, side := range sides {
		t.Run(side.name, func(t *testing.T) {
			d := w.data(side.token)
			for _, f := range files {
				content := random(f.size)
				sent := w.upload(side.from, d, f.name, content)
				require.Equal(t, f.name, sent.Name.Text)
				seen := side.to.announced(sent.Key)
				require.Equal(t, withoutStore(sent), withoutStore(seen), "only the agent gets the store's keys")
				require.EqualValues(t, f.size, seen.Size)
				require.True(t, seen.Downloadable)

				path := w.ticket(side.to, seen.ID)
				got, header := w.fetch(path, nil, http.StatusOK)
				require.Equal(t, sha256.Sum256(content), sha256.Sum256(got))
				require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
			}
		})
	}
}

// withoutStore is the file as a customer sees it.
func withoutStore(f bridge.File) bridge.File {
	f.Source, f.DocumentID = "", ""
	return f
}

func TestUploadStatesAreReportedInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	d := w.data(w.agent)
	key := newKey()
	agent.send(&bridge.Offer{Key: key, Name: "a.bin", Size: 10})
	await(agent, func(m *bridge.Accept) bool { return m.Key == key && m.Offset == 0 })
	d.frame(key, 0, random(10))
	ack := await(d, anything[*bridge.Ack])
	require.EqualValues(t, 10, ack.Stored)
	last := await(agent, func(m *bridge.Upload) bool { return m.State.Final() })
	require.Equal(t, bridge.Announced, last.State)
	require.NotNil(t, last.Event)
	require.Equal(t, key, last.Event.Key)
}

// A fault of one upload ends that upload, or only the frame; the socket and the chat
// continue, and the upload can be resumed where that is possible.
func TestBadFrameEndsItsUploadOnly(t *testing.T) {
	t.Parallel()
	const size = 300_000
	content := random(size)
	digest := sha256.Sum256(content)
	tests := []struct {
		name  string
		send  func(p *page, key string)
		code  bridge.Code
		final bool // the upload cannot be continued
	}{
		{"damaged payload", func(p *page, key string) {
			k, _ := bridge.ParseKey(key)
			b := makeFrame(bridge.Frame{Key: k, Checksum: bridge.Checksum(content[:1000])}, content[:1000])
			b[len(b)-1] ^= 1
			p.binary(b)
		}, bridge.CodeFrameChecksum, false},
		{"gap before the offset", func(p *page, key string) { p.frame(key, 1000, content[1000:2000]) }, bridge.CodeFrameOffset, false},
		{"offset at the end", func(p *page, key string) { p.frame(key, size, content[:1]) }, bridge.CodeFrameOffset, false},
		{"offset beyond every size", func(p *page, key string) { p.frame(key, bridge.MaxInteger, content[:1]) }, bridge.CodeFrameOffset, false},
		{"more than announced", func(p *page, key string) { p.frame(key, 0, append(bytes.Clone(content), 0)) }, bridge.CodeFrameLength, true},
		{"unknown key", func(p *page, _ string) { p.frame(newKey(), 0, content[:10]) }, bridge.CodeUploadUnknown, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			agent, _ := w.join(w.agent)
			d := w.data(w.agent)
			key := newKey()
			offer := &bridge.Offer{Key: key, Name: "a.bin", Size: size, Digest: hex.EncodeToString(digest[:])}
			agent.offer(offer)
			tt.send(d, key)
			require.Equal(t, tt.code, d.refused())
			if tt.final {
				last := await(agent, func(m *bridge.Upload) bool { return m.State.Final() })
				require.Equal(t, bridge.Failed, last.State)
				require.Equal(t, tt.code, last.Error.Code)
				w.nothingStaged()
				return
			}
			accept := agent.offer(offer)
			require.Zero(t, accept.Offset, "a wrong frame never changes what is stored")
			d.frame(key, 0, content)
			require.Equal(t, key, agent.announced(key).Key)
		})
	}
}

func TestMalformedFramesEndTheDataSocketOnly(t *testing.T) {
	t.Parallel()
	long := make([]byte, bridge.FrameHeader+bridge.MaxFrame+1)
	long[0] = bridge.FrameVersion
	tests := []struct {
		name string
		send func(p *page)
		code bridge.Code
	}{
		{"T7 shorter than a header", func(p *page) { p.binary([]byte{1, 2, 3}) }, bridge.CodeFrame},
		{"T7 no payload", func(p *page) { p.binary(make([]byte, bridge.FrameHeader)) }, bridge.CodeFrame},
		{"T7 other version", func(p *page) { p.binary(make([]byte, bridge.FrameHeader+1)) }, bridge.CodeFrame},
		{"T7 longer than the cap", func(p *page) { p.binary(long) }, bridge.CodeMessageSize},
		{"text", func(p *page) { p.sendText("{}") }, bridge.CodeMessage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			agent, _ := w.join(w.agent)
			d := w.data(w.agent)
			tt.send(d)
			require.Equal(t, tt.code, d.refused())
			_, err := d.read()
			require.Error(t, err, "the data socket is closed")
			require.NotEmpty(t, w.upload(agent, w.data(w.agent), "after.txt", random(10)).ID)
		})
	}
}

func TestT18WrongDigestIsNotAnnounced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	d := w.data(w.agent)
	key := newKey()
	other := sha256.Sum256([]byte("another file"))
	agent.offer(&bridge.Offer{Key: key, Name: "a.bin", Size: 100, Digest: hex.EncodeToString(other[:])})
	d.frame(key, 0, random(100))
	last := await(agent, func(m *bridge.Upload) bool { return m.State.Final() })
	require.Equal(t, bridge.Failed, last.State)
	require.Equal(t, bridge.CodeDigest, last.Error.Code)
	w.nothingStaged()
}

func TestCancelLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer, _ := w.join(w.customer)
	d := w.data(w.customer)
	key := newKey()
	customer.offer(&bridge.Offer{Key: key, Name: "a.bin", Size: 500_000})
	d.frame(key, 0, random(250_000))
	await(d, func(m *bridge.Ack) bool { return m.Stored == 250_000 })
	customer.send(&bridge.Cancel{Key: key})
	last := await(customer, func(m *bridge.Upload) bool { return m.State.Final() })
	require.Equal(t, bridge.Cancelled, last.State)
	await(customer, func(m *bridge.LimitsChanged) bool { return m.Limits.UsedFiles == 0 })
	w.nothingStaged()

	d.frame(key, 250_000, random(10))
	require.Equal(t, bridge.CodeCancelled, d.refused())
	customer.send(&bridge.Cancel{Key: newKey()})
	require.Equal(t, bridge.CodeUploadUnknown, customer.refused())
}

// A cancel that changes nothing is answered with the state as it is.
func TestCancelOfAnUploadThatHasEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	d := w.data(w.agent)
	announced := w.upload(agent, d, "a.bin", random(10)).Key
	cancelled, failed := newKey(), newKey()
	agent.offer(&bridge.Offer{Key: cancelled, Name: "a.bin", Size: 10})
	agent.send(&bridge.Cancel{Key: cancelled})
	await(agent, func(m *bridge.Upload) bool { return m.State == bridge.Cancelled })
	agent.offer(&bridge.Offer{Key: failed, Name: "a.bin", Size: 10, Digest: sum([]byte("another file"))})
	d.frame(failed, 0, random(10))
	await(agent, func(m *bridge.Upload) bool { return m.State == bridge.Failed })

	again, _ := w.join(w.agent)
	for key, state := range map[string]bridge.UploadState{announced: bridge.Announced, cancelled: bridge.Cancelled, failed: bridge.Failed} {
		again.send(&bridge.Cancel{Key: key})
		m := await(again, func(m *bridge.Upload) bool { return m.Key == key })
		require.Equal(t, state, m.State)
		require.Equal(t, state == bridge.Announced, m.Event != nil)
		require.Equal(t, state == bridge.Failed, m.Error != nil)
	}
}

// An upload that began here was completed at another proxy, and its page is back here when
// its user cancels it.
func TestCancelOfAnUploadCompletedAtAnotherProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	elsewhere := w.another()
	for _, loop := range []*deliver.Loop{w.Loop, elsewhere.Loop} {
		require.NoError(t, loop.Close(t.Context()), "as if the scanner took its time")
	}
	content := random(300_000)
	key := newKey()
	offer := &bridge.Offer{Key: key, Name: "a.bin", Size: int64(len(content))}
	agent, _ := w.join(w.agent)
	d := w.data(w.agent)
	agent.offer(offer)
	d.part(key, 0, content[:100_000])

	moved, _ := elsewhere.join(w.agent)
	require.EqualValues(t, 100_000, moved.offer(offer).Offset)
	elsewhere.data(w.agent).frame(key, 100_000, content[100_000:])
	await(moved, func(m *bridge.Upload) bool { return m.State == bridge.Accepted })

	agent.send(&bridge.Cancel{Key: key})
	last := await(agent, func(m *bridge.Upload) bool { return m.State.Final() })
	require.Equal(t, bridge.Cancelled, last.State)
	w.nothingStaged()
}

// The proxy dies in the middle: acked bytes are there, and any proxy can resume the upload.
func TestUploadResumesAtAnotherProxyAfterAKill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	content := random(700_000)
	key := newKey()
	offer := &bridge.Offer{Key: key, Name: "a.bin", Size: int64(len(content))}
	agent, _ := w.join(w.agent)
	d := w.data(w.agent)
	agent.offer(offer)
	d.part(key, 0, content[:300_000])
	w = w.restarted()

	agent, _ = w.join(w.agent)
	d = w.data(w.agent)
	accept := agent.offer(offer)
	require.EqualValues(t, 300_000, accept.Offset)
	d.frame(key, 300_000, content[300_000:])
	file := agent.announced(key)
	got, _ := w.fetch(w.ticket(agent, file.ID), nil, http.StatusOK)
	require.Equal(t, sha256.Sum256(content), sha256.Sum256(got))
}

// away are records whose engine does not answer when an upload is to be accepted.
type away struct {
	proxy.Records
	asked chan struct{}
	why   chan error
}

func (a away) Update(ctx context.Context, _ proxy.Record) (proxy.Record, error) {
	close(a.asked)
	<-ctx.Done()
	a.why <- ctx.Err()
	return proxy.Record{}, ctx.Err()
}

// A proxy that closes does not wait for an engine that is unavailable; the next one accepts
// the upload.
func TestCloseDoesNotWaitForTheEngine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := away{w.Records, make(chan struct{}), make(chan error, 1)}
	gone := w.another(func(c *proxy.Config) { c.Records = a })
	key := newKey()
	offer := &bridge.Offer{Key: key, Name: "a.bin", Size: 10}
	agent, _ := gone.join(w.agent)
	agent.offer(offer)
	gone.data(w.agent).frame(key, 0, random(10))
	<-a.asked
	gone.Proxy.Close()
	require.ErrorIs(t, <-a.why, context.Canceled, "the upload is left to the next proxy, before its own timeout")

	agent, _ = w.join(w.agent)
	agent.send(offer)
	require.Equal(t, key, agent.announced(key).Key)
}

// Frames may reach a proxy that never saw the offer: sockets are not sticky.
func TestFramesAreTakenWithoutAnOfferHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	content := random(300_000)
	key := newKey()
	agent, _ := w.join(w.agent)
	agent.offer(&bridge.Offer{Key: key, Name: "a.bin", Size: int64(len(content))})
	elsewhere := w.another()
	d := elsewhere.data(w.agent)
	d.frame(key, 0, content)
	require.EqualValues(t, len(content), await(d, anything[*bridge.Ack]).Stored)
	require.Equal(t, key, agent.announced(key).Key)
}

func (w *world) fetch(path string, header http.Header, status int) ([]byte, http.Header) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.Server.URL+path, nil)
	require.NoError(w.t, err)
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	require.Equal(w.t, status, res.StatusCode, string(body[:min(len(body), 500)]))
	return body, res.Header
}

func (w *world) ticket(p *page, fileID string) string {
	w.t.Helper()
	p.send(&bridge.Ask{Ref: 7, File: fileID, Attempt: newKey()})
	return await(p, func(m *bridge.Ticket) bool { return m.Ref == 7 }).Path
}
