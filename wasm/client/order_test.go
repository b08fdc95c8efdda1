package client

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// together begins uploads that were chosen together, and returns them with their keys.
func (w *world) together(sizes ...int) (files []*fileDouble, keys []string) {
	w.Helper()
	for i, size := range sizes {
		f := w.newFile(int64(i+1), content(size))
		f.group = 1
		key := strings.Repeat("0"+string(rune('1'+i)), 16)
		f.upload(key, "a.bin")
		files, keys = append(files, f), append(keys, key)
	}
	return files, keys
}

// offers returns the keys offered since the last call, each with its predecessor's.
func (s *socketDouble) offers() (list [][2]string) {
	for _, m := range s.sent() {
		if offer, ok := m.(*bridge.Offer); ok {
			list = append(list, [2]string{offer.Key, offer.After})
		}
	}
	return list
}

func TestOfferNamesThePreviousUpload(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	files, keys := w.together(10, 10, 10)
	alone := w.newFile(9, content(10))
	alone.upload(strings.Repeat("ff", 16), "b.bin")
	require.Equal(t, [][2]string{{keys[0], ""}, {keys[1], keys[0]}}, s.offers())
	s.push(&bridge.Fail{Key: keys[1], Error: *bridge.NewError(bridge.CodeFileCount, "")})
	require.Equal(t, [][2]string{{keys[2], keys[0]}}, s.offers(), "a refused upload is skipped")
	w.cancel(files[0].call)
	require.Equal(t, [][2]string{{strings.Repeat("ff", 16), ""}}, s.offers())
}

// The last frame of a file is sent after the last frame of the file before it; no
// other frame waits.
func TestLastFrameWaitsForEarlierUpload(t *testing.T) {
	const big = 300 << 10
	for name, test := range map[string]struct {
		play func(w *world, s, d *socketDouble, first *fileDouble, key string)
		sent bool // the second one's frame went out at once
	}{
		"nothing":       {func(*world, *socketDouble, *socketDouble, *fileDouble, string) {}, false},
		"first is sent": {func(w *world, s, d *socketDouble, first *fileDouble, key string) { d.transfer(first, key, 0, big) }, true},
		"first is cancelled": {func(w *world, s, d *socketDouble, first *fileDouble, key string) {
			w.cancel(first.call)
		}, true},
		"first changed": {func(w *world, s, d *socketDouble, first *fileDouble, key string) {
			w.unread(first.call, true)
		}, true},
		"first is infected": {func(w *world, s, d *socketDouble, first *fileDouble, key string) {
			s.push(&bridge.Upload{Key: key, State: bridge.Failed, Error: bridge.NewError(bridge.CodeInfected, "")})
		}, true},
		"first waits out an outage": {func(w *world, s, d *socketDouble, first *fileDouble, key string) {
			d.push(&bridge.Fail{Key: key, Error: *bridge.NewError(bridge.CodeStorageUnavailable, "")})
		}, true},
		"first hangs, for a while": {func(w *world, s, d *socketDouble, _ *fileDouble, _ string) { w.stall(s, orderTime-time.Second) }, false},
		"first hangs":              {func(w *world, s, d *socketDouble, _ *fileDouble, _ string) { w.stall(s, orderTime+time.Second) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected()
			files, keys := w.together(big, 10)
			d := w.ready()
			s.push(&bridge.Accept{Key: keys[0]})
			s.push(&bridge.Accept{Key: keys[1]})
			require.Positive(t, files[0].length)
			require.Zero(t, files[1].length, "the second one's only frame waits")
			test.play(w, s, d, files[0], keys[0])
			require.Equal(t, test.sent, files[1].length > 0)
			if test.sent {
				d.frames = nil
				files[1].fill()
				d.store(keys[1], 0)
			}
		})
	}
}

// Only the last frame waits: the line is not idle meanwhile.
func TestEarlierFramesDoNotWait(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	files, keys := w.together(1<<20, 1<<20)
	d := w.ready()
	s.push(&bridge.Accept{Key: keys[0]})
	s.push(&bridge.Accept{Key: keys[1]})
	require.Positive(t, files[1].length)
	stored := 0
	for files[1].length > 0 {
		files[1].fill()
		stored += len(d.store(keys[1], stored))
		w.pass(time.Millisecond)
		d.ack(keys[1], stored)
	}
	require.Less(t, stored, 1<<20)
	d.transfer(files[0], keys[0], 0, 1<<20)
	d.transfer(files[1], keys[1], stored, 1<<20)
}

// An empty file has arrived as soon as it is offered, so its offer waits, and so do
// the offers after it.
func TestEmptyFileWaitsToBeOffered(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	files, keys := w.together(10, 0, 10)
	w.newFile(9, content(10)).upload(strings.Repeat("ff", 16), "b.bin")
	require.Equal(t, [][2]string{{keys[0], ""}, {strings.Repeat("ff", 16), ""}}, s.offers(), "others need not wait")
	s.push(&bridge.Accept{Key: keys[0]})
	d := w.ready()
	d.transfer(files[0], keys[0], 0, 10)
	require.Equal(t, [][2]string{{keys[1], keys[0]}}, s.offers())
	s.push(&bridge.Upload{Key: keys[1], State: bridge.Accepted})
	require.Equal(t, [][2]string{{keys[2], keys[1]}}, s.offers())
}

func TestOrderSurvivesACut(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	files, keys := w.together(300<<10, 10)
	d := w.ready()
	s.push(&bridge.Accept{Key: keys[0]})
	s.push(&bridge.Accept{Key: keys[1]})
	files[0].fill()
	s.sent()
	d.cut()
	w.stall(s, time.Second)
	d = w.ready()
	require.Equal(t, [][2]string{{keys[0], ""}, {keys[1], keys[0]}}, s.offers())
	s.push(&bridge.Accept{Key: keys[1]})
	require.Zero(t, files[1].length, "the second one is there first")
	s.push(&bridge.Accept{Key: keys[0]})
	if files[0].length > 0 {
		files[0].fill() // of before the cut, or already the next
	}
	d.transfer(files[0], keys[0], 0, 300<<10)
	d.transfer(files[1], keys[1], 0, 10)
}
