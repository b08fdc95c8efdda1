package client

import (
	"bytes"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

const key = "00112233445566778899aabbccddeeff"

func content(n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(int64(n))).Read(b)
	return b
}

// ready plays the proxy's side of the data socket until it is ready.
func (w *world) ready() *socketDouble {
	w.Helper()
	d := w.last()
	require.Equal(w, "wss://files.example/base/attache/data?frames=2", d.url)
	d.open()
	require.Equal(w, "a token", d.hello().Token)
	d.push(&bridge.Ready{MaxFrame: bridge.MaxFrame})
	return d
}

// store takes one frame as the proxy does and returns its payload.
func (d *socketDouble) store(key string, offset int) []byte {
	d.w.Helper()
	require.NotEmpty(d.w, d.frames)
	f, payload, err := bridge.ParseFrame(d.frames[0])
	d.frames = d.frames[1:]
	require.NoError(d.w, err)
	require.NoError(d.w, f.Verify(payload))
	require.Equal(d.w, key, f.Key.String())
	require.Equal(d.w, int64(offset), f.Offset)
	return payload
}

func (s *socketDouble) ack(key string, stored int) {
	s.w.Helper()
	s.push(&bridge.Ack{Key: key, Stored: int64(stored)})
}

// transfer lets the file be read and stored until end.
func (d *socketDouble) transfer(f *fileDouble, key string, from, end int) {
	d.w.Helper()
	var stored []byte
	for from+len(stored) < end {
		for f.length > 0 {
			f.fill()
		}
		stored = append(stored, d.store(key, from+len(stored))...)
		d.w.pass(time.Millisecond)
		d.ack(key, from+len(stored))
	}
	require.True(d.w, bytes.Equal(f.content[from:from+len(stored)], stored), "the bytes that arrived")
}

// states returns the states of an upload's steps since the last call.
func (w *world) states() []string {
	var list []string
	for _, h := range w.words(WordUpload) {
		_, rest, _ := strings.Cut(h.text, `"state":"`)
		state, _, _ := strings.Cut(rest, `"`)
		if strings.Contains(h.text, `"resumed":true`) {
			state += ", resumed"
		}
		if strings.Contains(h.text, `"ended":true`) {
			state += ", over"
		}
		list = append(list, state)
	}
	return list
}

func announcement(key string, size int) bridge.Event {
	e := bridge.Announcement{Name: "a.bin", Size: int64(size), DocumentID: "doc", Key: key}.Notice(bridge.All)
	e.ID, e.At, e.From = 12, 1, bridge.Party{UserID: "ada", UserType: bridge.Agent}
	e.Data = e.Data.Set(bridge.Text(bridge.KeyFileID, "0012"))
	return e
}

func TestUpload(t *testing.T) {
	for name, size := range map[string]int{"one byte": 1, "one frame": 100 << 10, "many frames": 9 << 20, "to the byte": bridge.MaxFrame} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected()
			f := w.newFile(1, content(size))
			f.upload(key, "a.bin")
			offer := only[*bridge.Offer](s)
			require.Equal(t, key, offer.Key)
			require.Equal(t, int64(size), offer.Size)
			d := w.ready()
			require.Zero(t, f.length, "nothing is read before it is accepted")
			s.push(&bridge.Accept{Key: key})
			d.transfer(f, key, 0, size)
			require.Positive(t, f.released)
			for _, state := range []bridge.UploadState{bridge.Accepted, bridge.Scanning, bridge.Stored} {
				s.push(&bridge.Upload{Key: key, State: state})
			}
			event := announcement(key, size)
			s.push(&bridge.Upload{Key: key, State: bridge.Announced, Event: &event})
			s.push(&bridge.EventAdded{Event: event})
			progress := w.heard
			require.Equal(t, []string{"offered", "receiving", "accepted", "scanning", "stored", "announced"}, w.states())
			w.heard = progress
			last := ""
			for _, h := range w.words(WordProgress) {
				last = h.text
			}
			n := string(bridge.AppendProgress(nil, bridge.Step{Key: key, State: bridge.Announced, Sent: int64(size), Stored: int64(size), Total: int64(size)}))
			require.Equal(t, n, last)
		})
	}
}

func TestNoticeAnnouncesTheUpload(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	w.newFile(1, content(10)).upload(key, "a.bin")
	foreign := announcement(key, 10)
	foreign.ID, foreign.From.UserID = 3, "bo"
	s.push(&bridge.EventAdded{Event: foreign})
	require.Equal(t, []string{"offered"}, w.states(), "another party's notice with our key")

	w = newTestWorld(t)
	s = w.connected()
	f := w.newFile(1, content(10))
	f.upload(key, "a.bin")
	s.push(&bridge.EventAdded{Event: announcement(key, 10)})
	require.Equal(t, []string{"offered"}, w.states(), "perhaps of another file")
	s.push(complete(f))
	f.compared(true)
	require.Equal(t, []string{"announced"}, w.states())
}

func TestEmptyFile(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, nil)
	f.upload(key, "empty.txt")
	require.Len(t, w.sockets, 1, "no data socket for no bytes")
	s.push(&bridge.Accept{Key: key})
	s.push(&bridge.Upload{Key: key, State: bridge.Accepted})
	require.Equal(t, []string{"offered", "accepted"}, w.states())
	require.Zero(t, f.length)
}

func TestUploadWaitsForCredit(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, content(20<<20))
	f.upload(key, "a.bin")
	s.push(&bridge.Accept{Key: key})
	d := w.ready()
	sent := 0
	for f.length > 0 {
		f.fill()
		sent = len(d.frames)
		require.Less(t, sent, 100, "the page sends without an ack")
	}
	total := 0
	for range sent {
		total += len(d.store(key, total))
	}
	require.LessOrEqual(t, total, 8<<20)
	d.ack(key, total)
	require.Positive(t, f.length, "an ack lets it continue")
}

// back plays the proxy after the data socket, or both, have been opened again, until
// the upload is offered again: the page asks how much arrived once the new sockets
// are ready.
func (w *world) back(s *socketDouble, chat bool) (*socketDouble, *socketDouble) {
	w.Helper()
	if !chat {
		d := w.ready()
		require.Equal(w, key, only[*bridge.Offer](s).Key)
		return s, d
	}
	s = w.last()
	s.open()
	s.hello()
	s.push(welcome())
	require.Equal(w, key, only[*bridge.Offer](s).Key)
	return s, w.ready()
}

func TestUploadResumesAfterACut(t *testing.T) {
	for name, test := range map[string]struct {
		cut    func(w *world, s, d *socketDouble)
		chat   bool // the chat socket is opened again, too
		offset int
	}{
		"chat":           {func(w *world, s, d *socketDouble) { s.cut() }, true, 300 << 10},
		"data":           {func(w *world, s, d *socketDouble) { d.cut() }, false, 300 << 10},
		"data, no loss":  {func(w *world, s, d *socketDouble) { d.cut() }, false, 5 << 20},
		"from the start": {func(w *world, s, d *socketDouble) { s.cut() }, true, 0},
		"data stalls":    {func(w *world, s, d *socketDouble) { w.stall(s, time.Minute) }, false, 300 << 10},
		"damaged frame": {func(w *world, s, d *socketDouble) {
			d.push(&bridge.Fail{Key: key, Error: *bridge.NewError(bridge.CodeFrameChecksum, "")})
			d.push(&bridge.Fail{Key: key, Error: *bridge.NewError(bridge.CodeFrameOffset, "")})
		}, false, 300 << 10},
		"bye on data": {func(w *world, s, d *socketDouble) { d.push(&bridge.Bye{After: 100}) }, false, 300 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected()
			f := w.newFile(1, content(5<<20))
			f.upload(key, "a.bin")
			s.push(&bridge.Accept{Key: key})
			d := w.ready()
			f.fill()
			s.sent()
			test.cut(w, s, d)
			require.True(t, d.closed)
			w.stall(s, 600*time.Millisecond)
			s, d = w.back(s, test.chat)
			s.push(&bridge.Accept{Key: key, Offset: int64(test.offset)})
			if f.length > 0 {
				f.fill() // of before the cut, or already the next
			}
			d.transfer(f, key, test.offset, len(f.content))
			s.push(&bridge.Upload{Key: key, State: bridge.Accepted})
			states := []string{"offered", "receiving", "receiving, resumed", "accepted"}
			if test.offset == len(f.content) {
				states = slices.Delete(states, 2, 3) // nothing was left to send
			}
			require.Equal(t, states, w.states())
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	for name, test := range map[string]struct {
		before bool
		code   string
	}{
		"never readable": {false, "file-unreadable"},
		"changed":        {true, "file-changed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected()
			f, other := w.newFile(1, content(1000)), w.newFile(2, content(1000))
			f.upload(key, "a.bin")
			other.upload(strings.Repeat("ab", 16), "b.bin")
			s.push(&bridge.Accept{Key: key})
			s.push(&bridge.Accept{Key: strings.Repeat("ab", 16)})
			d := w.ready()
			s.sent()
			w.heard = nil
			w.unread(1, test.before)
			require.Equal(t, key, only[*bridge.Cancel](s).Key)
			steps := w.words(WordUpload)
			require.Len(t, steps, 1)
			require.Contains(t, steps[0].text, `"code":"`+test.code+`"`)
			d.transfer(other, strings.Repeat("ab", 16), 0, 1000)
		})
	}
}

func TestTwoUploadsAtATime(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	keys := make([]string, maxActive+3)
	for i := range keys {
		keys[i] = strings.Repeat("0"+string(rune('0'+i)), 16)
		w.newFile(int64(i+1), nil).upload(keys[i], "a.txt")
	}
	require.Len(t, w.states(), len(keys), "all are offered to the page")
	require.Len(t, s.sent(), maxActive)
	s.push(&bridge.Accept{Key: keys[1]})
	require.Equal(t, keys[maxActive], only[*bridge.Offer](s).Key, "in their order")
	w.cancel(maxActive + 2)
	require.Empty(t, s.sent(), "an upload that was never offered is cancelled without a message")
	w.cancel(1)
	require.Equal(t, []bridge.Wire{&bridge.Cancel{Key: keys[0]}, &bridge.Offer{Key: keys[maxActive+2], Name: "a.txt"}}, s.sent())
}

func TestConcurrentUploadsShareOneSocket(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	a, b := w.newFile(1, content(600<<10)), w.newFile(2, content(700<<10))
	a.upload(key, "a.bin")
	b.upload(strings.Repeat("cd", 16), "b.bin")
	d := w.ready()
	require.Len(t, w.sockets, 2)
	s.push(&bridge.Accept{Key: key})
	s.push(&bridge.Accept{Key: strings.Repeat("cd", 16)})
	a.fill()
	b.fill()
	d.store(key, 0)
	d.store(strings.Repeat("cd", 16), 0)
}

func TestInvalidOffersAreRefusedLocally(t *testing.T) {
	offer := bridge.Offer{Key: key, Name: "a", Size: 1}
	for name, test := range map[string]struct {
		change func(m *bridge.Welcome)
		offer  func(o *bridge.Offer)
		code   string
	}{
		"no key":         {nil, func(o *bridge.Offer) { o.Key = "" }, "message-invalid"},
		"a short key":    {nil, func(o *bridge.Offer) { o.Key = "00" }, "message-invalid"},
		"no name":        {nil, func(o *bridge.Offer) { o.Name = "" }, "name-invalid"},
		"a long name":    {nil, func(o *bridge.Offer) { o.Name = strings.Repeat("x", 257) }, "name-too-long"},
		"a size lie":     {nil, func(o *bridge.Offer) { o.Size = -1 }, "message-invalid"},
		"upload type":    {nil, func(o *bridge.Offer) { o.UploadType = "other" }, "message-invalid"},
		"visibility":     {nil, func(o *bridge.Offer) { o.Visibility = "VIP" }, "forbidden"},
		"another right":  {nil, func(o *bridge.Offer) { o.UploadType = "standard-response" }, "forbidden"},
		"description":    {nil, func(o *bridge.Offer) { o.Description = strings.Repeat("x", 3000) }, "message-invalid"},
		"vendor's key":   {nil, func(o *bridge.Offer) { o.Custom = bridge.Data{bridge.Text("file-id", "1")} }, "custom-key-refused"},
		"our key":        {nil, func(o *bridge.Offer) { o.Custom = bridge.Data{bridge.Text("attache-key", "1")} }, "custom-key-refused"},
		"a long value":   {nil, func(o *bridge.Offer) { o.Custom = bridge.Data{bridge.Text("k", strings.Repeat("x", 3000))} }, "message-too-large"},
		"file too large": {func(m *bridge.Welcome) { m.Limits.MaxFileSize = 10 }, func(o *bridge.Offer) { o.Size = 11 }, "file-too-large"},
		"uploads off":    {func(m *bridge.Welcome) { m.Limits.MaxFiles = 0 }, func(*bridge.Offer) {}, "uploads-off"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			var change []func(*bridge.Welcome)
			if test.change != nil {
				change = append(change, test.change)
			}
			s := w.connected(change...)
			o := offer
			test.offer(&o)
			w.do(func(s *Session) { s.Upload(1, 0, o, w.newFile(1, nil).pump()) })
			refused := w.words(WordFail, WordUpload)
			require.Len(t, refused, 1)
			require.Contains(t, refused[0].text, `"code":"`+test.code+`"`)
			require.Empty(t, s.sent())
		})
	}
}

func TestSameKeyTwiceIsRefused(t *testing.T) {
	w := newTestWorld(t)
	w.connected()
	w.newFile(1, nil).upload(key, "a")
	w.newFile(2, nil).upload(key, "a")
	refused := w.words(WordFail)
	require.Len(t, refused, 1)
	require.Equal(t, int64(2), refused[0].call)
	require.Contains(t, refused[0].text, "upload-conflict")
}

func TestProgressIsReportedTenTimesASecond(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, content(30<<20))
	f.upload(key, "a.bin")
	s.push(&bridge.Accept{Key: key})
	d := w.ready()
	w.heard = nil
	start := w.at
	d.transfer(f, key, 0, len(f.content)) // 1 ms for each frame
	tenths := int((w.at - start) / progressTime)
	require.LessOrEqual(t, len(w.words(WordProgress)), tenths+2)
}

func TestArrivedUploadIsOfferedAgain(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, content(10))
	f.upload(key, "a.bin")
	s.push(&bridge.Accept{Key: key})
	w.ready().transfer(f, key, 0, 10)
	s.sent()
	w.stall(s, 11*time.Second)
	require.Equal(t, key, only[*bridge.Offer](s).Key)
	s.push(&bridge.Upload{Key: key, State: bridge.Accepted})
	w.stall(s, time.Minute)
	require.Empty(t, s.sent())
}
