package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func TestCancel(t *testing.T) {
	for name, test := range map[string]struct {
		play func(w *world, s *socketDouble, f *fileDouble)
		sent bool
	}{
		"offered":   {func(w *world, s *socketDouble, f *fileDouble) {}, true},
		"reading":   {func(w *world, s *socketDouble, f *fileDouble) { s.push(&bridge.Accept{Key: key}); w.ready() }, true},
		"sending":   {func(w *world, s *socketDouble, f *fileDouble) { s.push(&bridge.Accept{Key: key}); w.ready(); f.fill() }, true},
		"delivered": {func(w *world, s *socketDouble, f *fileDouble) { w.deliver(s, f) }, true},
		"compared":  {func(w *world, s *socketDouble, f *fileDouble) { s.push(complete(f)) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected()
			f := w.newFile(1, content(1<<20))
			f.upload(key, "a.bin")
			test.play(w, s, f)
			s.sent()
			w.heard = nil
			w.cancel(1)
			require.Equal(t, key, only[*bridge.Cancel](s).Key)
			require.Equal(t, []string{"cancelled"}, w.states())
			require.Positive(t, f.released)
			s.push(&bridge.Upload{Key: key, State: bridge.Cancelled})
			f.filled(content(50))
			require.Empty(t, w.states())
		})
	}
}

func TestCancelWhileDisconnectedIsSentLater(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	w.newFile(1, content(1000)).upload(key, "a.bin")
	s.cut()
	w.cancel(1)
	w.pass(time.Second)
	s = w.last()
	s.open()
	s.hello()
	s.push(welcome())
	require.Equal(t, key, only[*bridge.Cancel](s).Key)
}
