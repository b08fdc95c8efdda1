package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

const second = "ffeeddccbbaa99887766554433221100"

// knowing opens a session whose data socket is ready, of a proxy that says more in ready.
func (w *world) knowing(more bridge.Ready) (chat, data *socketDouble) {
	w.Helper()
	chat = w.connected()
	f := w.newFile(1, content(10))
	f.upload(key, "first.bin")
	only[*bridge.Offer](chat)
	data = w.last()
	data.open()
	data.hello()
	w.pass(time.Millisecond)
	more.MaxFrame = bridge.MaxFrame
	data.push(&more)
	chat.push(&bridge.Accept{Key: key})
	data.transfer(f, key, 0, 10)
	event := announcement(key, 10)
	chat.push(&bridge.Upload{Key: key, State: bridge.Announced, Event: &event})
	w.words()
	return chat, data
}

// file takes the file frame that is next.
func (d *socketDouble) file() (bridge.Frame, *bridge.Offer, []byte) {
	d.w.Helper()
	require.Len(d.w, d.frames, 1)
	f, payload, err := bridge.ParseFrame(d.frames[0])
	d.frames = nil
	require.NoError(d.w, err)
	require.NoError(d.w, f.Verify(payload))
	o, all, err := f.SplitOffer(payload)
	require.NoError(d.w, err)
	return f, o, all
}

func TestFileFrame(t *testing.T) {
	for name, unchecked := range map[string]bool{"with a checksum": false, "without a checksum": true} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			chat, data := w.knowing(bridge.Ready{Offers: true, Unchecked: unchecked})
			f := w.newFile(2, content(100<<10))
			f.upload(second, "a.bin")
			require.Empty(t, chat.sent(), "the offer is in the frame")
			f.fill()
			frame, offer, all := data.file()
			require.Equal(t, unchecked, frame.Unchecked)
			require.Equal(t, second, offer.Key)
			require.Equal(t, "a.bin", offer.Name)
			require.Equal(t, f.content, all)
			data.ack(second, len(all))
			chat.push(&bridge.Upload{Key: second, State: bridge.Accepted})
			event := announcement(second, len(all))
			event.ID = 13
			chat.push(&bridge.Upload{Key: second, State: bridge.Announced, Event: &event})
			require.Equal(t, []string{"offered", "accepted", "announced"}, w.states())
			require.Empty(t, chat.sent())
		})
	}
}

func TestFileFrame_OnlyIfProxyAndFrameTakeIt(t *testing.T) {
	for name, c := range map[string]struct {
		more bridge.Ready
		size int
	}{
		"a proxy of an earlier release": {bridge.Ready{}, 1000},
		"an empty file":                 {bridge.Ready{Offers: true}, 0},
		"a file of several frames":      {bridge.Ready{Offers: true}, 2 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			chat, data := w.knowing(c.more)
			w.newFile(2, content(c.size)).upload(second, "a.bin")
			require.Equal(t, second, only[*bridge.Offer](chat).Key)
			require.Empty(t, data.frames)
		})
	}
}

// A file frame that is lost is offered: the proxy may have it.
func TestFileFrame_LostBeforeItsAnswer(t *testing.T) {
	for name, stored := range map[string]int64{"the proxy has nothing": 0, "the proxy has it": 1000} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			chat, data := w.knowing(bridge.Ready{Offers: true})
			f := w.newFile(2, content(1000))
			f.upload(second, "a.bin")
			f.fill()
			data.file()
			data.cut()
			w.pass(2 * time.Second)
			data = w.last()
			data.open()
			data.hello()
			data.push(&bridge.Ready{MaxFrame: bridge.MaxFrame, Offers: true})
			require.Nil(t, only[*bridge.Offer](chat).Acked)
			chat.push(&bridge.Accept{Key: second, Offset: stored, Digest: "00"})
			if stored == 0 {
				data.transfer(f, second, 0, 1000)
			}
			require.Empty(t, data.frames)
			chat.push(&bridge.Upload{Key: second, State: bridge.Accepted})
			require.Contains(t, w.states(), "accepted")
		})
	}
}

func TestFileFrame_Refused(t *testing.T) {
	w := newTestWorld(t)
	_, data := w.knowing(bridge.Ready{Offers: true})
	f := w.newFile(2, content(1000))
	f.upload(second, "a.bin")
	f.fill()
	data.push(&bridge.Fail{Key: second, Error: *bridge.NewError(bridge.CodeFileCount, "")})
	require.Equal(t, []string{"offered", "failed"}, w.states())
}

// A file frame that was damaged is offered, over a new data socket.
func TestFileFrame_Damaged(t *testing.T) {
	w := newTestWorld(t)
	chat, data := w.knowing(bridge.Ready{Offers: true})
	f := w.newFile(2, content(1000))
	f.upload(second, "a.bin")
	f.fill()
	data.file()
	data.push(&bridge.Fail{Key: second, Error: *bridge.NewError(bridge.CodeFrameChecksum, "")})
	w.pass(2 * time.Second)
	require.NotSame(t, data, w.last())
	data = w.last()
	data.open()
	data.hello()
	data.push(&bridge.Ready{MaxFrame: bridge.MaxFrame, Offers: true})
	require.Equal(t, second, only[*bridge.Offer](chat).Key)
	require.Equal(t, []string{"offered"}, w.states())
}

// The cancellation goes by the chat socket, and may overtake the file on the data socket.
func TestFileFrame_CancelledOnItsWay(t *testing.T) {
	w := newTestWorld(t)
	chat, data := w.knowing(bridge.Ready{Offers: true})
	f := w.newFile(2, content(1000))
	f.upload(second, "a.bin")
	f.fill()
	w.cancel(2)
	require.Equal(t, second, only[*bridge.Cancel](chat).Key)
	chat.push(&bridge.Fail{Key: second, Error: *bridge.NewError(bridge.CodeUploadUnknown, "")})
	data.ack(second, 1000)
	require.Equal(t, second, only[*bridge.Cancel](chat).Key)
	data.ack(second, 1000)
	require.Empty(t, chat.sent(), "once is enough")
}

// Files that were chosen together are on the data socket in their order.
func TestFileFrame_WaitsForTheFileBefore(t *testing.T) {
	w := newTestWorld(t)
	chat, data := w.knowing(bridge.Ready{Offers: true})
	long, short := w.newFile(2, content(1<<20)), w.newFile(3, content(1000))
	long.group, short.group = 1, 1
	long.upload(key, "long.bin")
	short.upload(second, "short.bin")
	require.Equal(t, key, only[*bridge.Offer](chat).Key)
	require.Zero(t, short.length)
	chat.push(&bridge.Accept{Key: key})
	data.transfer(long, key, 0, 1<<20)
	short.fill()
	_, offer, _ := data.file()
	require.Equal(t, key, offer.After)
}

// One piece is read ahead of the credit, and not a second one.
func TestUpload_ReadsAhead(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, content(9<<20))
	f.upload(key, "a.bin")
	d := w.ready()
	s.push(&bridge.Accept{Key: key})
	for f.length > 0 {
		f.fill()
	}
	sent := 0
	for _, frame := range d.frames {
		sent += len(frame) - bridge.FrameHeader
	}
	require.Greater(t, f.offset, 0)
	require.Equal(t, sent, f.offset, "the piece after those that were sent is read")
	before := len(d.frames)
	d.ack(key, len(d.frames[0])-bridge.FrameHeader)
	require.Greater(t, len(d.frames), before, "it is sent as soon as there is credit")
	require.Positive(t, f.length, "and the next one is read")
}
