package client

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPanicFailsTheCall(t *testing.T) {
	w := newTestWorld(t)
	w.connected()
	w.do(func(s *Session) { s.answer(5, func() error { panic("a bug") }) })
	refused := w.words(WordFail)
	require.Len(t, refused, 1)
	require.Equal(t, int64(5), refused[0].call)
	require.Contains(t, refused[0].text, `"code":"internal"`)
}

func TestPanicReconnectsTheSession(t *testing.T) {
	w := newTestWorld(t)
	w.connected()
	for n := range 4 {
		w.do(func(*Session) { panic("a bug") })
		states, over := 0, n == 3
		for _, h := range w.words(WordState, WordClosed) {
			require.Contains(t, h.text, `"code":"internal"`)
			if h.word == WordState {
				states++
			}
		}
		require.Equal(t, over, states == 0, "three times, and then it ends")
	}
	require.Empty(t, w.client.sessions)
}

func TestPanicFailsTheUpload(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, content(10))
	f.upload(key, "a.bin")
	w.heard = nil
	w.do(func(s *Session) { s.pumped(1, func(*upload) { panic("a bug") }) })
	require.Equal(t, []string{"failed"}, w.states())
	s.push(said(1, "bo", "the chat continues"))
	require.Len(t, w.words(WordEvent), 1)
}
