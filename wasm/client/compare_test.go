package client

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// complete is the proxy's answer to an offer of a file whose bytes it has all.
func complete(f *fileDouble) *bridge.Accept {
	sum := sha256.Sum256(f.content)
	return &bridge.Accept{Key: key, Offset: int64(len(f.content)), Digest: hex.EncodeToString(sum[:])}
}

// deliver lets a file arrive.
func (w *world) deliver(s *socketDouble, f *fileDouble) {
	w.Helper()
	s.push(&bridge.Accept{Key: key})
	w.ready().transfer(f, key, 0, len(f.content))
}

// B43: after a reload the person chooses a file of the same name, size and date.
// The proxy has all of the first file; the page finds out whether that is this one
// before it reports so.
func TestB43CompleteUploadOfAnotherPageIsCompared(t *testing.T) {
	event := announcement(key, 1000)
	accepted := &bridge.Upload{Key: key, State: bridge.Accepted}
	announced := &bridge.Upload{Key: key, State: bridge.Announced, Event: &event}
	for name, test := range map[string]struct {
		play func(s *socketDouble, f *fileDouble)
		same []string
	}{
		"digest, then news":      {func(s *socketDouble, f *fileDouble) { s.push(complete(f)); s.push(accepted) }, []string{"accepted"}},
		"news, then digest":      {func(s *socketDouble, f *fileDouble) { s.push(accepted); s.push(complete(f)) }, []string{"accepted"}},
		"announced, then digest": {func(s *socketDouble, f *fileDouble) { s.push(accepted); s.push(announced); s.push(complete(f)) }, []string{"announced"}},
		"in the transcript":      {func(s *socketDouble, f *fileDouble) { s.push(complete(f)); s.push(&bridge.EventAdded{Event: event}) }, []string{"announced"}},
		"cut in between": {func(s *socketDouble, f *fileDouble) {
			s.push(complete(f))
			s.cut()
			s.w.pass(time.Second)
			s = s.w.last()
			s.open()
			s.hello()
			s.push(welcome())
			require.Equal(s.w, key, only[*bridge.Offer](s).Key)
			s.push(complete(f))
			s.push(accepted)
		}, []string{"accepted"}},
	} {
		for outcome, same := range map[string]bool{"the same": true, "another": false} {
			t.Run(name+", "+outcome, func(t *testing.T) {
				w := newTestWorld(t)
				s := w.connected()
				f := w.newFile(1, content(1000))
				f.upload(key, "a.bin")
				s.sent()
				test.play(s, f)
				require.Equal(t, complete(f).Digest, f.digest)
				require.Equal(t, []string{"offered"}, w.states(), "nothing is reported before")
				f.compared(same)
				w.last().sent()
				if same {
					require.Equal(t, test.same, w.states())
					return
				}
				failed := w.words(WordUpload)
				require.Len(t, failed, 1)
				require.Contains(t, failed[0].text, `"code":"file-changed"`)
				for _, s := range w.sockets {
					require.Empty(t, s.frames)
					for _, m := range s.sent() {
						_, cancel := m.(*bridge.Cancel)
						require.False(t, cancel, "the first file is delivered")
					}
				}
			})
		}
	}
}

func TestB43CompleteUploadWithoutDigestFails(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	w.newFile(1, content(1000)).upload(key, "a.bin")
	s.push(&bridge.Upload{Key: key, State: bridge.Accepted})
	require.Equal(t, []string{"offered"}, w.states())
	w.stall(s, 11*time.Second)
	require.Equal(t, []string{"failed"}, w.states(), "a proxy that sends no digest")
}

func TestB43UploadOfThisPageIsNotCompared(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, content(1000))
	f.upload(key, "a.bin")
	w.deliver(s, f)
	s.push(complete(f))
	s.push(&bridge.Upload{Key: key, State: bridge.Accepted})
	require.Zero(t, f.compare)
	require.Equal(t, []string{"offered", "receiving", "accepted"}, w.states())
}

// The file of a complete upload has been deleted: the answer to the offer of its key is final,
// whether the page has compared its file by then or sent the bytes itself.
func TestCompleteUploadOfADeletedFileFails(t *testing.T) {
	for name, play := range map[string]func(w *world, s *socketDouble, f *fileDouble){
		"comparing": func(w *world, s *socketDouble, f *fileDouble) { s.push(complete(f)) },
		"compared":  func(w *world, s *socketDouble, f *fileDouble) { s.push(complete(f)); f.compared(true) },
		"sent":      func(w *world, s *socketDouble, f *fileDouble) { w.deliver(s, f); s.push(complete(f)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected()
			f := w.newFile(1, content(1000))
			f.upload(key, "a.bin")
			play(w, s, f)
			w.heard = nil
			s.push(&bridge.Upload{Key: key, State: bridge.Failed, Error: bridge.NewError(bridge.CodeFileUnknown, "")})
			require.Equal(t, []string{"failed, over"}, w.states())
			require.Positive(t, f.released)
			w.pass(time.Minute)
			require.Empty(t, w.states())
		})
	}
}
