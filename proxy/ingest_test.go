package proxy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
)

func stream(r io.Reader, atMost int64) proxy.Stream {
	return proxy.Stream{Source: source(r), AtMost: atMost}
}

// ingest sends a file in one piece and returns its record as accepted.
func (d *door) ingest(name string, s proxy.Stream) (proxy.Record, error) {
	return d.transfers.Ingest(d.t.Context(), d.who, proxy.Offer{Limits: d.limits, Name: name, Conn: "door"}, s)
}

func (d *door) used() (files, bytes int64) {
	d.t.Helper()
	l, err := d.chat.Limits(d.t.Context(), d.who.Session, d.who.Party.UserID)
	require.NoError(d.t, err)
	return l.UsedFiles, l.UsedTotalSize
}

// nothingLeft waits until the upload has no content, no reservation, and no notice.
func (d *door) nothingLeft(key string) {
	d.t.Helper()
	require.Eventually(d.t, func() bool {
		r, err := d.Records.Get(d.t.Context(), d.who.Session, key)
		if err != nil {
			return errors.Is(err, proxy.ErrRecordUnknown)
		}
		size, _, _, err := d.Store.Whole(d.t.Context(), r.DocumentID)
		require.NoError(d.t, err)
		return r.State.Final() && r.State != bridge.Announced && size == 0
	}, wait, 5*time.Millisecond)
	require.Eventually(d.t, func() bool { files, bytes := d.used(); return files == 0 && bytes == 0 }, wait, 5*time.Millisecond)
}

func TestIngest_AnyUpperBoundIsCorrectedAtTheEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size   int
		atMost int64
	}{
		"the request says the size":        {300_000, 300_000},
		"the request says a larger size":   {300_000, 301_000},
		"more than the limits":             {300_000, 1 << 40},
		"nothing is known":                 {300_000, -1},
		"an empty file":                    {0, -1},
		"as large as the limit, unknown":   {2 << 20, -1},
		"as large as the limit, and known": {2 << 20, 2 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newWorld(t).door("carol", bridge.Client)
			content := bytes.Repeat([]byte("x"), c.size)
			r, err := d.ingest("a.pdf", stream(iotest.HalfReader(bytes.NewReader(content)), c.atMost))
			require.NoError(t, err)
			require.EqualValues(t, c.size, r.Size)
			require.False(t, r.Open)
			files, used := d.used()
			require.Equal(t, [2]int64{1, int64(c.size)}, [2]int64{files, used}, "corrected before it is announced")
			r, err = d.transfers.Await(t.Context(), d.who, r.Key)
			require.NoError(t, err)
			require.Equal(t, bridge.Announced, r.State, r.Code)
			files, used = d.used()
			require.Equal(t, [2]int64{1, int64(c.size)}, [2]int64{files, used})
			var got bytes.Buffer
			require.NoError(t, d.download(r.FileID, attempt(1), &got))
			require.True(t, bytes.Equal(content, got.Bytes()))
		})
	}
}

func attempt(n int) string { return strings.Repeat("0", 31) + string(rune('0'+n)) }

// What cannot be within the limits is refused before a byte of it is read; what turns out to be
// beyond them leaves nothing.
func TestIngest_Refused(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	untouched := iotest.ErrReader(errors.New("the content was read"))
	for name, c := range map[string]struct {
		file   string
		stream proxy.Stream
		want   bridge.Code
	}{
		"surely too large":          {"a.pdf", proxy.Stream{Source: source(untouched), AtLeast: 2*mib + 1, AtMost: 3 * mib}, bridge.CodeFileSize},
		"without a name":            {"", stream(untouched, 1), bridge.CodeNameInvalid},
		"too large in the end":      {"a.pdf", stream(bytes.NewReader(make([]byte, 2*mib+1)), -1), bridge.CodeFileSize},
		"longer than it said":       {"a.pdf", stream(bytes.NewReader(make([]byte, 11)), 10), bridge.CodeMessage},
		"a source with a reason":    {"a.pdf", stream(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(bridge.NewError(bridge.CodeMessage, "no boundary"))), -1), bridge.CodeMessage},
		"a source without a reason": {"a.pdf", stream(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)), -1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newWorld(t).door("carol", bridge.Client)
			var key string
			stop := d.Records.Watch(d.who.Session, func(r proxy.Record) { key = r.Key })
			_, err := d.ingest(c.file, c.stream)
			stop()
			require.Error(t, err)
			require.Equal(t, c.want, bridge.CodeOf(err), "%v", err)
			if key != "" {
				d.nothingLeft(key)
			}
			files, used := d.used()
			require.Zero(t, files+used)
		})
	}
}

// A process may die between any two steps. Then there is no file, or an announced one: never a
// part of one.
func TestIngest_CrashAtEachBorder(t *testing.T) {
	for border, announced := range map[string]bool{
		"ingest begun": false, "ingest received": false, "reservation corrected": false, "ingest accepted": true,
	} {
		t.Run(border, func(t *testing.T) {
			quick := func(o *assembly.Options) {
				o.Deliver.CheckEvery, o.Deliver.Silence, o.Deliver.Lease = 10*time.Millisecond, 20*time.Millisecond, 100*time.Millisecond
			}
			w := newWorldWith(t, func(o *assembly.Options) { o.Deliver.Lease = time.Hour })
			d := w.door("carol", bridge.Client)
			// The content is as long as what is reserved, so its length tells nothing.
			content := bytes.Repeat([]byte("y"), 100_000)
			var dead sync.WaitGroup
			restore := proxy.OnCrashPoint(func(name string) {
				if name == border {
					runtime.Goexit()
				}
			})
			var once sync.Once
			var first proxy.Record
			stop := d.Records.Watch(d.who.Session, func(r proxy.Record) { once.Do(func() { first = r }) })
			dead.Go(func() { d.ingest("a.pdf", stream(bytes.NewReader(content), int64(len(content)))) })
			dead.Wait()
			stop()
			restore()
			require.NotEmpty(t, first.Key)
			require.True(t, first.Open)
			w.Crash()
			w.Loop.Close(t.Context())
			after := &door{&world{World: w.Another(quick), t: t, chat: w.chat}, nil, d.who, d.limits}
			after.transfers = after.Proxy.Transfers()
			if !announced {
				after.nothingLeft(first.Key)
				return
			}
			r, err := after.transfers.Await(t.Context(), d.who, first.Key)
			require.NoError(t, err)
			require.Equal(t, bridge.Announced, r.State)
			var got bytes.Buffer
			require.NoError(t, after.download(r.FileID, attempt(1), &got))
			require.True(t, bytes.Equal(content, got.Bytes()))
		})
	}
}

// heldScanner says clean when release is called.
type heldScanner struct {
	in   chan struct{}
	free chan struct{}
}

func (s *heldScanner) Scan(ctx context.Context, r io.Reader, _ proxy.Document) (proxy.Verdict, error) {
	io.Copy(io.Discard, r)
	s.in <- struct{}{}
	select {
	case <-s.free:
		return proxy.Clean, nil
	case <-ctx.Done():
		return proxy.Unknown, ctx.Err()
	}
}

// A client that got no answer sends its file again. While the first is under way it is that one,
// also if the first has used up the limits.
func TestIngest_TheSameFileAgainIsTheFirst(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]int64{"within the limits": 3, "the limits are used up": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &heldScanner{in: make(chan struct{}, 8), free: make(chan struct{})}
			limits := bridge.VendorLimits()
			limits.MaxFiles = files
			w := newWorldWith(t, func(o *assembly.Options) { o.Scanner, o.Chat.CustomerLimits = s, &limits })
			d := w.door("carol", bridge.Client)
			first, err := d.ingest("a.pdf", stream(strings.NewReader("content"), -1))
			require.NoError(t, err)
			<-s.in
			again, err := d.ingest("a.pdf", stream(strings.NewReader("content"), -1))
			require.NoError(t, err)
			require.Equal(t, first.Key, again.Key)
			if files > 1 {
				other, err := d.ingest("a.pdf", stream(strings.NewReader("CONTENT"), -1))
				require.NoError(t, err)
				require.NotEqual(t, first.Key, other.Key)
			} else {
				_, err := d.ingest("a.pdf", stream(strings.NewReader("CONTENT"), -1))
				require.Equal(t, bridge.CodeFileCount, bridge.CodeOf(err))
			}
			close(s.free)
			r, err := d.transfers.Await(t.Context(), d.who, again.Key)
			require.NoError(t, err)
			require.Equal(t, bridge.Announced, r.State)
			n := 0
			require.NoError(t, w.chat.Transcript(t.Context(), "s1", 0, func(e bridge.Event) error {
				if e.IsFile() && e.Data.Get(bridge.KeyFileSize) == "7" && e.Data.Get(bridge.KeyFileKey) == first.Key {
					n++
				}
				return nil
			}))
			require.Equal(t, 1, n)
			if files == 1 {
				_, err = d.ingest("b.pdf", stream(strings.NewReader("content"), -1))
				require.Equal(t, bridge.CodeFileCount, bridge.CodeOf(err), "another name is another file")
			}
		})
	}
}

// A page cannot take over an upload that arrives in one request, by its key.
func TestIngest_CannotBeResumed(t *testing.T) {
	t.Parallel()
	d := newWorld(t).door("carol", bridge.Client)
	r, w := io.Pipe()
	records := make(chan proxy.Record, 8)
	defer d.Records.Watch(d.who.Session, func(r proxy.Record) { records <- r })()
	var sending sync.WaitGroup
	sending.Go(func() { d.ingest("a.pdf", stream(r, 10)) })
	key := (<-records).Key
	_, err := d.offer(key, "a.pdf", 10)
	require.Equal(t, bridge.CodeUploadConflict, bridge.CodeOf(err))
	w.CloseWithError(io.ErrUnexpectedEOF)
	sending.Wait()
	d.nothingLeft(key)
}

// The party leaves while its file arrives.
func TestIngest_EndsWithTheParty(t *testing.T) {
	t.Parallel()
	d := newWorld(t).door("carol", bridge.Client)
	r, w := io.Pipe()
	s := stream(r, -1)
	s.Cut = func() { w.CloseWithError(errors.New("cut")) }
	records := make(chan proxy.Record, 8)
	defer d.Records.Watch(d.who.Session, func(r proxy.Record) { records <- r })()
	result := make(chan error, 1)
	go func() { _, err := d.ingest("a.pdf", s); result <- err }()
	<-records
	require.NoError(t, d.chat.Leave(t.Context(), "s1", "carol", proxy.Departure{Reason: bridge.ReasonLeft}))
	require.Equal(t, bridge.CodeNotJoined, bridge.CodeOf(<-result))
}

// A proxy dies while a relay's upload arrives. The relay sends it again, under the same key, long
// before the record of the first request counts as abandoned.
func TestIngest_KeyOfADeadRequestIsSentAgain(t *testing.T) {
	for _, border := range []string{"ingest begun", "ingest received", "reservation corrected"} {
		t.Run(border, func(t *testing.T) {
			w := newWorld(t)
			d := w.door("carol", bridge.Client)
			o := proxy.Offer{Key: newKey(), Limits: d.limits, Name: "a.pdf"}
			dead := make(chan struct{})
			restore := proxy.OnCrashPoint(func(name string) {
				if name == border {
					runtime.Goexit()
				}
			})
			go func() {
				defer close(dead)
				d.transfers.Ingest(t.Context(), d.who, o, stream(strings.NewReader("content"), -1))
			}()
			<-dead
			restore()
			w.Crash()
			after := &door{&world{World: w.Another(), t: t, chat: w.chat}, nil, d.who, d.limits}
			after.transfers = after.Proxy.Transfers()
			r, err := after.transfers.Ingest(t.Context(), d.who, o, stream(strings.NewReader("content"), -1))
			require.NoError(t, err)
			require.NotEqual(t, o.Key, r.Key)
			r, err = after.transfers.Await(t.Context(), d.who, r.Key)
			require.NoError(t, err)
			require.Equal(t, bridge.Announced, r.State)
			files, _ := after.used()
			require.EqualValues(t, 1, files, "the first one is not counted")
		})
	}
}

// It may also have died before it had a record, and have reserved another bound of the size.
func TestIngest_KeyOfARequestThatOnlyReservedIsSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.door("carol", bridge.Client)
	o := proxy.Offer{Key: newKey(), Limits: d.limits, Name: "a.pdf"}
	require.NoError(t, d.chat.Reserve(t.Context(), "s1", "carol", o.Key, o.Name, 1000))
	r, err := d.transfers.Ingest(t.Context(), d.who, o, stream(strings.NewReader("content"), 999))
	require.NoError(t, err)
	r, err = d.transfers.Await(t.Context(), d.who, r.Key)
	require.NoError(t, err)
	require.Equal(t, bridge.Announced, r.State)
	files, size := d.used()
	require.EqualValues(t, 1, files)
	require.EqualValues(t, len("content"), size)
}

// lostAnswers stores an upload's acceptance, and loses the answer: a repeated write finds that the
// record was changed.
type lostAnswers struct{ proxy.Records }

func (l lostAnswers) Update(ctx context.Context, r proxy.Record) (proxy.Record, error) {
	stored, err := l.Records.Update(ctx, r)
	if err == nil && stored.State == bridge.Accepted {
		return r, proxy.ErrRecordChanged
	}
	return stored, err
}

func TestIngest_AcceptedWithALostAnswer(t *testing.T) {
	t.Parallel()
	d := newWorld(t, func(c *proxy.Config) { c.Records = lostAnswers{c.Records} }).door("carol", bridge.Client)
	r, err := d.ingest("a.pdf", stream(strings.NewReader("content"), -1))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		r, err = d.Records.Get(t.Context(), "s1", r.Key)
		return err == nil && r.State == bridge.Announced
	}, wait, 5*time.Millisecond)
}
