package proxy_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"

	"github.com/stretchr/testify/require"
)

// door is a front door without a socket: it uploads from an io.Reader and downloads to
// an io.Writer.
type door struct {
	*world
	transfers *proxy.Transfers
	who       proxy.Identity
	limits    bridge.Limits
}

func (w *world) door(user string, kind bridge.UserType) *door {
	w.t.Helper()
	who := proxy.Identity{Session: "s1", Party: bridge.Party{UserID: user, Nickname: user, UserType: kind, ClientVersion: bridge.VersionCurrent}, Rights: bridge.AllRights}
	joined, err := w.chat.Join(w.t.Context(), who.Session, proxy.Joining{Party: who.Party})
	require.NoError(w.t, err)
	return &door{w, w.Proxy.Transfers(), who, joined.Limits}
}

func (d *door) offer(key, name string, size int) (proxy.Offered, error) {
	return d.transfers.Offer(d.t.Context(), d.who, proxy.Offer{
		Key: key, Conn: "door", Limits: d.limits, Name: name, Size: int64(size),
	})
}

func source(r io.Reader) proxy.Source { return proxy.Source{Reader: r, Cut: func() {}} }

// upload sends a file the whole way and returns its final record.
func (d *door) upload(key, name string, content []byte) (proxy.Record, error) {
	d.t.Helper()
	offered, err := d.offer(key, name, len(content))
	if err != nil {
		return proxy.Record{}, err
	}
	if offered.Incoming {
		durable, err := d.transfers.Receive(d.t.Context(), d.who, key, offered.Offset, source(bytes.NewReader(content[offered.Offset:])))
		require.NoError(d.t, err)
		require.EqualValues(d.t, len(content), durable)
	}
	return d.transfers.Await(d.t.Context(), d.who, key)
}

func (d *door) download(file, attempt string, w io.Writer) error {
	grant, _, err := d.transfers.Authorize(d.t.Context(), d.who, proxy.Wish{FileID: file, Attempt: attempt, Conn: "door"})
	if err != nil {
		return err
	}
	content, err := d.transfers.Open(d.t.Context(), proxy.Fetch{Grant: grant})
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = io.Copy(w, content)
	return err
}

// scans is a scanner that records the digests of the files that it was given.
type scans struct {
	mu   sync.Mutex
	seen []string
}

func (s *scans) Scan(_ context.Context, content io.Reader, _ proxy.Document) (proxy.Verdict, error) {
	b, err := io.ReadAll(content)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, sum(b))
	return proxy.Clean, err
}

// alike returns a record without the fields that identify one upload.
func alike(r proxy.Record) proxy.Record {
	r.Key, r.UserID, r.Conn, r.DocumentID, r.FileID, r.Event, r.Revision = "", "", "", "", "", 0, 0
	r.Created, r.Accepted, r.Changed = time.Time{}, time.Time{}, time.Time{}
	return r
}

// alikeNotice returns a notice without the members that identify one upload.
func (w *world) alikeNotice(r proxy.Record) bridge.Event {
	w.t.Helper()
	e, found, err := w.chat.FindKey(w.t.Context(), r.Session, r.Key)
	require.NoError(w.t, err)
	require.True(w.t, found)
	require.Equal(w.t, r.Key, e.Data.Get("attache-key"))
	require.Equal(w.t, r.FileID, e.Data.Get(bridge.KeyFileID))
	require.Equal(w.t, r.DocumentID, e.Data.Get(bridge.KeyDocumentID))
	for _, key := range []string{"attache-key", bridge.KeyFileID, bridge.KeyDocumentID} {
		e.Data = e.Data.Set(bridge.Text(key, ""))
	}
	e.ID, e.At, e.Key, e.From.UserID, e.From.Nickname = 0, 0, "", "", ""
	return e
}

// The same file, sent over sockets and by a caller without sockets, leads to the same
// record, scan, allowance, notice, audit lines and download.
func TestTransfersNeedNoSocket(t *testing.T) {
	t.Parallel()
	for _, kind := range []bridge.UserType{bridge.Client, bridge.Agent} {
		for name, size := range map[string]int{"several pieces": 1_500_000, "empty": 0} {
			t.Run(string(kind)+", "+name, func(t *testing.T) {
				scanner := &scans{}
				w := newWorldWith(t, func(o *assembly.Options) { o.Scanner = scanner })
				content := random(size)
				token := w.Token("s1", "socket", kind, bridge.AllRights...)
				p, _ := w.join(token)
				d := w.door("door", kind)

				sent := w.upload(p, w.data(token), "a.bin", content)
				overSocket := await(p, func(m *bridge.Upload) bool { return m.Key == sent.Key && m.State.Final() })
				require.Equal(t, bridge.Announced, overSocket.State)
				want, err := w.Records.Get(t.Context(), "s1", sent.Key)
				require.NoError(t, err)
				got, err := d.upload(newKey(), "a.bin", content)
				require.NoError(t, err)

				require.Equal(t, bridge.Announced, got.State)
				require.Equal(t, alike(want), alike(got))
				require.Equal(t, w.alikeNotice(want), w.alikeNotice(got))
				require.Equal(t, []string{sum(content), sum(content)}, scanner.seen)

				link := w.ticket(p, want.FileID)
				fetched, _ := w.fetch(link, nil, http.StatusOK)
				before := w.Proxy.Traffic()
				var out bytes.Buffer
				require.NoError(t, d.download(got.FileID, newKey(), &out))
				require.True(t, bytes.Equal(fetched, out.Bytes()))
				require.True(t, bytes.Equal(content, out.Bytes()))
				require.EqualValues(t, size, w.Proxy.Traffic().Down-before.Down)

				require.Equal(t, w.limitsOf("socket"), w.limitsOf("door"))
				require.Equal(t, w.acts("socket"), w.acts("door"))
			})
		}
	}
}

func (w *world) limitsOf(user string) bridge.Limits {
	w.t.Helper()
	limits, err := w.chat.Limits(w.t.Context(), "s1", user)
	require.NoError(w.t, err)
	return limits
}

func (w *world) acts(user string) (acts []proxy.Action) {
	for _, line := range w.keptOf(user) {
		acts = append(acts, line.Action)
	}
	return acts
}

func TestTransfersRefuseWithoutASocket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.door("dora", bridge.Client)
	refused := func(code bridge.Code, err error) {
		t.Helper()
		require.Equal(t, code, bridge.CodeOf(err), err)
	}
	_, err := d.upload(newKey(), "a.bin", random(3<<20))
	refused(bridge.CodeFileSize, err)
	require.Equal(t, []proxy.Action{proxy.ActionRefused}, w.acts("dora"))
	for range 3 {
		_, err = d.upload(newKey(), "a.bin", random(10))
		require.NoError(t, err)
	}
	_, err = d.upload(newKey(), "a.bin", random(10))
	refused(bridge.CodeFileCount, err)

	_, err = d.transfers.Await(t.Context(), d.who, newKey())
	refused(bridge.CodeUploadUnknown, err)
	_, err = d.transfers.Cancel(t.Context(), d.who, newKey())
	refused(bridge.CodeUploadUnknown, err)
	_, err = d.transfers.Append(t.Context(), d.who, newKey(), 0, random(1), nil)
	refused(bridge.CodeUploadUnknown, err)
	_, err = d.transfers.Append(t.Context(), d.who, newKey(), 0, nil, nil)
	refused(bridge.CodeFrame, err)
	_, err = d.transfers.Append(t.Context(), d.who, newKey(), 0, random(bridge.MaxFrame+1), nil)
	refused(bridge.CodeFrame, err)

	file := w.door("agent", bridge.Agent)
	r, err := file.upload(newKey(), "b.bin", random(10))
	require.NoError(t, err)
	require.NoError(t, d.download(r.FileID, newKey(), io.Discard))
	require.NoError(t, d.download(r.FileID, newKey(), io.Discard))
	refused(bridge.CodeDownloads, d.download(r.FileID, newKey(), io.Discard))
	refused(bridge.CodeFileUnknown, d.download("none", newKey(), io.Discard))
	d.who.Rights = nil
	refused(bridge.CodeForbidden, d.download(r.FileID, newKey(), io.Discard))
	_, err = d.offer(newKey(), "a.bin", 10)
	refused(bridge.CodeForbidden, err)
}

// A source that fails loses nothing that is durable: the same key resumes there.
func TestReceiveResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.door("agent", bridge.Agent)
	content := random(2_500_000)
	key := newKey()
	offered, err := d.offer(key, "a.bin", len(content))
	require.NoError(t, err)
	require.Zero(t, offered.Offset)
	failing := io.MultiReader(bytes.NewReader(content[:2_000_000]), broken{})
	durable, err := d.transfers.Receive(t.Context(), d.who, key, 0, source(failing))
	require.ErrorIs(t, err, io.ErrNoProgress)
	require.EqualValues(t, 2_000_000, durable, "the bytes before the failure are stored")

	offered, err = d.offer(key, "a.bin", len(content))
	require.NoError(t, err)
	require.Equal(t, durable, offered.Offset)
	require.Equal(t, sum(content[:durable]), offered.Digest)
	_, err = d.transfers.Receive(t.Context(), d.who, key, durable, source(bytes.NewReader(content[durable:2_200_000])))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the source ends too early")

	r, err := d.upload(key, "a.bin", content)
	require.NoError(t, err)
	require.Equal(t, sum(content), r.Digest)
	again, err := d.upload(key, "a.bin", content)
	require.NoError(t, err)
	require.Equal(t, r.Revision, again.Revision)
}

// broken is a connection that was cut.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

func TestReceiveEndsWithItsParty(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		leaves string
		after  bridge.AfterAction
		code   bridge.Code
	}{
		"the party leaves": {"agent", bridge.KeepAlive, bridge.CodeNotJoined},
		"the session ends": {"other", bridge.ForceClose, bridge.CodeSessionEnded},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			d := w.door("agent", bridge.Agent)
			w.door("other", bridge.Agent)
			key := newKey()
			_, err := d.offer(key, "a.bin", 1000)
			require.NoError(t, err)
			r, begun := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				_, err := d.transfers.Receive(context.Background(), d.who, key, 0, proxy.Source{Reader: r, Cut: func() { r.CloseWithError(io.ErrClosedPipe) }})
				ended <- err
			}()
			_, err = begun.Write(random(10))
			require.NoError(t, err)
			require.NoError(t, w.chat.Leave(t.Context(), "s1", c.leaves, proxy.Departure{Reason: bridge.ReasonLeft, After: c.after}))
			require.Equal(t, c.code, bridge.CodeOf(<-ended))
			_, err = d.transfers.Receive(t.Context(), d.who, key, 0, source(bytes.NewReader(random(1000))))
			require.Equal(t, c.code, bridge.CodeOf(err))
		})
	}
}

// answered calls then after each record that was read.
type answered struct {
	proxy.Records
	then func()
}

func (a answered) Get(ctx context.Context, session, key string) (proxy.Record, error) {
	defer a.then()
	return a.Records.Get(ctx, session, key)
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	read := func() {}
	w := newWorld(t, func(c *proxy.Config) { c.Records = answered{c.Records, func() { read() }} })
	d := w.door("agent", bridge.Agent)
	key := newKey()
	_, err := d.offer(key, "a.bin", 1000)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	read = cancel
	r, err := d.transfers.Await(ctx, d.who, key)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, bridge.Offered, r.State)
	r, err = d.transfers.Cancel(t.Context(), d.who, key)
	require.NoError(t, err)
	require.Equal(t, bridge.Cancelled, r.State)
	r, err = d.transfers.Await(t.Context(), d.who, key)
	require.NoError(t, err)
	require.Equal(t, bridge.Cancelled, r.State)
	w.nothingStaged()
}

// A source that stalls loses its memory to one that sends, as a frame does.
func TestReceiveSharesTheFrameMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.FrameMemory = bridge.FrameHeader + bridge.MaxFrame + 1 })
	d := w.door("agent", bridge.Agent)
	stalled := newKey()
	_, err := d.offer(stalled, "a.bin", 1<<20)
	require.NoError(t, err)
	r, begun := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := d.transfers.Receive(context.Background(), d.who, stalled, 0, proxy.Source{Reader: r, Cut: func() { r.CloseWithError(io.ErrClosedPipe) }})
		ended <- err
	}()
	_, err = begun.Write(random(100 << 10))
	require.NoError(t, err)
	for range 3 {
		record, err := d.upload(newKey(), "b.bin", random(3<<20))
		require.NoError(t, err)
		require.Equal(t, bridge.Announced, record.State)
	}
	require.Equal(t, bridge.CodeBusy, bridge.CodeOf(<-ended))
}

// An upload whose right to write went to another proxy is taken again by the next piece,
// from its record.
func TestAppendTakesASupersededUploadAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, there := w.door("agent", bridge.Agent), w.another().door("agent", bridge.Agent)
	content, key := random(300), newKey()
	_, err := here.offer(key, "a.bin", len(content))
	require.NoError(t, err)
	require.NoError(t, here.append(key, 0, content[:100]))
	offered, err := there.offer(key, "a.bin", len(content))
	require.NoError(t, err)
	require.EqualValues(t, 100, offered.Offset)
	require.Equal(t, bridge.CodeSuperseded, bridge.CodeOf(here.append(key, 100, content[100:200])))
	require.NoError(t, here.append(key, 100, content[100:200]))
	require.Equal(t, bridge.CodeSuperseded, bridge.CodeOf(there.append(key, 100, content[100:])))
	require.NoError(t, here.append(key, 200, content[200:]))
	r, err := here.transfers.Await(t.Context(), here.who, key)
	require.NoError(t, err)
	require.Equal(t, bridge.Announced, r.State)
	require.Equal(t, sum(content), r.Digest)
}

// append appends one piece and waits until it is durable.
func (d *door) append(key string, offset int64, p []byte) error {
	d.t.Helper()
	ended := make(chan error, 1)
	if _, err := d.transfers.Append(d.t.Context(), d.who, key, offset, p, func(_ int64, err error) { ended <- err }); err != nil {
		return err
	}
	return <-ended
}

// infected is a scanner that finds every file infected.
type infected struct{}

func (infected) Scan(context.Context, io.Reader, proxy.Document) (proxy.Verdict, error) {
	return proxy.Infected, nil
}

func TestAwaitGivesTheReservationBack(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, func(o *assembly.Options) { o.Scanner = infected{} })
	d := w.door("carol", bridge.Client)
	for range 4 { // one more than the customer may send
		r, err := d.upload(newKey(), "a.bin", random(10))
		require.NoError(t, err)
		require.Equal(t, bridge.CodeInfected, r.Code)
		require.Zero(t, w.limitsOf("carol").UsedFiles)
	}
}
