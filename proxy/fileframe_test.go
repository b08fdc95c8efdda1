package proxy_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"

	"github.com/stretchr/testify/require"
)

// knowing opens the data socket of that party as a page does that knows file frames.
func (w *world) knowing(token string) (*page, *bridge.Ready) {
	w.t.Helper()
	p := w.open(bridge.PathData + bridge.QueryData)
	p.send(&bridge.Hello{Token: token})
	ready, ok := p.next().(*bridge.Ready)
	require.True(w.t, ok, "the answer to hello is ready")
	return p, ready
}

// file sends a file whole with its offer.
func (p *page) file(o *bridge.Offer, content []byte) {
	p.t.Helper()
	k, err := bridge.ParseKey(o.Key)
	require.NoError(p.t, err)
	text := bridge.AppendMessage(nil, o)
	payload := append(text, content...)
	p.binary(makeFrame(bridge.Frame{Key: k, Offer: len(text), Checksum: bridge.Checksum(payload)}, payload))
}

func offerFor(content []byte) *bridge.Offer {
	return &bridge.Offer{Key: newKey(), Name: "a.bin", Size: int64(len(content))}
}

func TestFileFrame(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]func(*world) string{"an agent's": agentToken, "a customer's": customerToken} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p, _ := w.join(token(w))
			d, ready := w.knowing(token(w))
			require.True(t, ready.Offers)
			for _, size := range []int{1, 100 << 10, 900 << 10} {
				content := random(size)
				o := offerFor(content)
				d.file(o, content)
				ack := await(d, anything[*bridge.Ack])
				require.Equal(t, o.Key, ack.Key)
				require.EqualValues(t, size, ack.Stored)
				require.EqualValues(t, size, p.announced(o.Key).Size)
				record, err := w.Records.Get(t.Context(), "s1", o.Key)
				require.NoError(t, err)
				require.Equal(t, sum(content), record.Digest)
			}
		})
	}
}

// A page of an earlier release would not understand more.
func TestFileFrame_PageOfAnEarlierRelease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join(w.agent)
	d := w.open(bridge.PathData)
	d.send(&bridge.Hello{Token: w.agent})
	require.Equal(t, &bridge.Ready{MaxFrame: 960 << 10}, d.next())
}

// Nothing of a refused file is kept: no byte, no record and no reservation.
func TestFileFrame_Refused(t *testing.T) {
	t.Parallel()
	content := random(1000)
	for name, c := range map[string]struct {
		token  func(*world) string
		change func(*bridge.Offer)
		code   bridge.Code
	}{
		"the digest is another":     {agentToken, func(o *bridge.Offer) { o.Digest = sum([]byte("x")) }, bridge.CodeDigest},
		"a right is missing":        {readOnlyToken, func(*bridge.Offer) {}, bridge.CodeForbidden},
		"the upload type":           {customerToken, func(o *bridge.Offer) { o.UploadType = bridge.FromStandardResponse }, bridge.CodeForbidden},
		"the name":                  {agentToken, func(o *bridge.Offer) { o.Name = strings.Repeat("x", 300) }, bridge.CodeNameLength},
		"the size is another":       {agentToken, func(o *bridge.Offer) { o.Size++ }, bridge.CodeFrame},
		"the offer has another key": {agentToken, func(o *bridge.Offer) { o.Digest = "x" }, bridge.CodeMessage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.join(c.token(w))
			d, _ := w.knowing(c.token(w))
			o := offerFor(content)
			c.change(o)
			d.file(o, content)
			fail := await(d, anything[*bridge.Fail])
			require.Equal(t, o.Key, fail.Key)
			require.Equal(t, c.code, fail.Error.Code)
			_, err := w.Records.Get(t.Context(), "s1", o.Key)
			require.ErrorIs(t, err, proxy.ErrRecordUnknown)
			require.Zero(t, w.bytesStored())
			good := offerFor(content)
			d.file(good, content)
			if c.code != bridge.CodeForbidden {
				require.Equal(t, good.Key, await(d, anything[*bridge.Ack]).Key, "the socket stays")
			}
		})
	}
}

// Files of one customer cannot exceed its limits together, however fast they come.
func TestFileFrame_ReservesInOrder(t *testing.T) {
	t.Parallel()
	limits := bridge.VendorLimits()
	limits.MaxFiles = 2
	w := newWorldWith(t, func(o *assembly.Options) { o.Chat.CustomerLimits = &limits })
	customer, _ := w.join(w.customer)
	d, _ := w.knowing(w.customer)
	content := random(1000)
	var offers []*bridge.Offer
	for range 4 {
		o := offerFor(content)
		if n := len(offers); n > 0 {
			o.After = offers[n-1].Key
		}
		offers = append(offers, o)
		d.file(o, content)
	}
	answers := map[string]bridge.Code{}
	for len(answers) < 4 {
		switch m := d.next().(type) {
		case *bridge.Ack:
			answers[m.Key] = ""
		case *bridge.Fail:
			answers[m.Key] = m.Error.Code
		}
	}
	require.Equal(t, map[string]bridge.Code{
		offers[0].Key: "", offers[1].Key: "", offers[2].Key: bridge.CodeFileCount, offers[3].Key: bridge.CodeFileCount,
	}, answers)
	for _, o := range offers[:2] {
		customer.announced(o.Key) // it reads on: the first comes before the second
	}
}

// Files are announced in the order in which they were sent, however long one takes to store.
func TestFileFrame_AnnouncedInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	d, _ := w.knowing(w.agent)
	var keys []string
	for n := range 20 {
		content := random(1 + (20-n)*30_000)
		o := offerFor(content)
		if n > 0 {
			o.After = keys[n-1]
		}
		keys = append(keys, o.Key)
		d.file(o, content)
	}
	for _, key := range keys {
		m := await(agent, func(m *bridge.EventAdded) bool { return m.Event.IsFile() })
		require.Equal(t, key, m.Event.Key)
	}
}

// The same key gets the same answer, at any proxy; other bytes are another file.
func TestFileFrame_SentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	d, _ := w.knowing(w.agent)
	content := random(50_000)
	o := offerFor(content)
	for range 3 { // one by one: an ack that waits is replaced by the next
		d.file(o, content)
		require.Equal(t, o.Key, await(d, anything[*bridge.Ack]).Key)
	}
	agent.announced(o.Key)
	other := w.another()
	other.join(w.agent)
	elsewhere, _ := other.knowing(w.agent)
	elsewhere.file(o, content)
	require.EqualValues(t, len(content), await(elsewhere, anything[*bridge.Ack]).Stored)
	content[0] ^= 1
	elsewhere.file(o, content)
	require.Equal(t, bridge.CodeUploadConflict, await(elsewhere, anything[*bridge.Fail]).Error.Code)
}

// A file of which a part is there is completed, if it is the same file.
func TestFileFrame_CompletesWhatIsThere(t *testing.T) {
	t.Parallel()
	for name, same := range map[string]bool{"the same file": true, "another file": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			agent, _ := w.join(w.agent)
			content := random(50_000)
			o := offerFor(content)
			agent.offer(o)
			w.data(w.agent).part(o.Key, 0, content[:20_000])
			d, _ := w.knowing(w.agent)
			if !same {
				content[5] ^= 1
			}
			d.file(o, content)
			if !same {
				require.Equal(t, bridge.CodeUploadConflict, await(d, anything[*bridge.Fail]).Error.Code)
				return
			}
			require.EqualValues(t, len(content), await(d, anything[*bridge.Ack]).Stored)
			agent.announced(o.Key)
		})
	}
}

// T: only a page that was told so may leave the checksum away.
func TestFrameWithoutChecksum(t *testing.T) {
	t.Parallel()
	content := random(1000)
	unchecked := func(o *bridge.Offer) []byte {
		k, _ := bridge.ParseKey(o.Key)
		text := bridge.AppendMessage(nil, o)
		return makeFrame(bridge.Frame{Key: k, Offer: len(text), Unchecked: true, Checksum: uint32(len(text) + len(content))}, append(text, content...))
	}
	for name, c := range map[string]struct {
		header  http.Header
		trusted []string
		may     bool
	}{
		"from this machine":                     {nil, nil, true},
		"through a reverse proxy that says so":  {http.Header{"X-Forwarded-For": {"192.0.2.1"}}, nil, false},
		"through a reverse proxy that is known": {nil, []string{"127.0.0.0/8", "::1/128"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(p *proxy.Config) { p.TrustedProxies = c.trusted })
			w.join(w.agent)
			header := http.Header{"Origin": {origin}}
			for key, values := range c.header {
				header[key] = values
			}
			conn, _, err := w.dial(bridge.PathData+bridge.QueryData, header)
			require.NoError(t, err)
			defer conn.CloseNow()
			d := &page{t, conn}
			d.send(&bridge.Hello{Token: w.agent})
			require.Equal(t, c.may, await(d, anything[*bridge.Ready]).Unchecked)
			d.binary(unchecked(offerFor(content)))
			if c.may {
				await(d, anything[*bridge.Ack])
				return
			}
			require.Equal(t, bridge.CodeFrameChecksum, await(d, anything[*bridge.Fail]).Error.Code)
			require.Zero(t, w.bytesStored())
		})
	}
}

// disk holds back everything that flushes the disk, until the next flush.
type disk struct {
	mu      sync.Mutex
	waiting []chan struct{}
	names   []string
	came    chan struct{}
}

func (d *disk) wait(name string) {
	done := make(chan struct{})
	d.mu.Lock()
	d.waiting, d.names = append(d.waiting, done), append(d.names, name)
	d.mu.Unlock()
	d.came <- struct{}{}
	<-done
}

// flush lets n operations pass, which it waits for.
func (d *disk) flush(t *testing.T, n int) []string {
	for range n {
		select {
		case <-d.came:
		case <-time.After(wait):
			require.Fail(t, "nothing more is written")
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, done := range d.waiting {
		close(done)
	}
	names := d.names
	d.waiting, d.names = nil, nil
	return names
}

type flushedRecords struct {
	proxy.Records
	disk *disk
}

func (r flushedRecords) Create(ctx context.Context, record proxy.Record) (proxy.Record, error) {
	r.disk.wait("record " + string(record.State))
	return r.Records.Create(ctx, record)
}

func (r flushedRecords) Update(ctx context.Context, record proxy.Record) (proxy.Record, error) {
	r.disk.wait("record " + string(record.State))
	return r.Records.Update(ctx, record)
}

type flushedStaging struct {
	proxy.Staging
	disk *disk
}

func (flushedStaging) DiscardsUnlinked() {}

func (s flushedStaging) Begin(ctx context.Context, d proxy.Document, acked int64) (proxy.Writer, error) {
	w, err := s.Staging.Begin(ctx, d, acked)
	return flushedWriter{w, s.disk}, err
}

type flushedWriter struct {
	proxy.Writer
	disk *disk
}

func (w flushedWriter) Append(ctx context.Context, p []byte, onDurable func(int64, error)) error {
	return w.Writer.Append(ctx, p, func(n int64, err error) {
		w.disk.wait("content")
		onDurable(n, err)
	})
}

// Record and content are one flush of the disk, and the acceptance is the next.
func TestFileFrame_FlushesRecordAndContentTogether(t *testing.T) {
	t.Parallel()
	d := &disk{came: make(chan struct{}, 10)}
	w := newWorld(t, func(c *proxy.Config) {
		c.Records, c.Staging = flushedRecords{c.Records, d}, flushedStaging{c.Staging, d}
	})
	agent, _ := w.join(w.agent)
	data, _ := w.knowing(w.agent)
	content := random(100 << 10)
	o := offerFor(content)
	data.file(o, content)
	require.ElementsMatch(t, []string{"record offered", "content"}, d.flush(t, 2))
	require.Equal(t, []string{"record accepted"}, d.flush(t, 1))
	agent.announced(o.Key)
}
