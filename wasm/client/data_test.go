package client

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func TestDataSocketRenewsExpiredToken(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	w.newFile(1, content(10)).upload(key, "a.bin")
	s.sent()
	d := w.last()
	d.open()
	asked := 0
	w.token = func(number int64) { asked++; w.give(number, "a new token", false, "") }
	d.push(failed(bridge.CodeTokenExpired))
	require.Equal(t, 1, asked)
	s = w.last()
	s.open()
	require.Equal(t, "a new token", s.hello().Token)
	w.heard = nil
	s.push(welcome())
	require.Equal(t, key, only[*bridge.Offer](s).Key)
	d = w.last()
	d.open()
	require.Equal(t, "a new token", d.hello().Token)
	d.push(failed(bridge.CodeTokenExpired))
	require.Empty(t, w.words(WordUpload, WordClosed, WordState), "it is tried again")
	w.pass(time.Second)
	require.NotSame(t, d, w.last())
}

func TestRefusedDataSocketFailsUploads(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	w.newFile(1, content(10)).upload(key, "a.bin")
	s.sent()
	w.last().open()
	w.heard = nil
	w.last().push(failed(bridge.CodeVersion))
	require.Equal(t, []string{"failed"}, w.states(), "once")
	require.Empty(t, w.words(WordClosed), "the chat continues")
	require.Equal(t, key, only[*bridge.Cancel](s).Key)
}

func TestIdleDataSocketIsClosed(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	f := w.newFile(1, content(10))
	f.upload(key, "a.bin")
	s.push(&bridge.Accept{Key: key})
	d := w.ready()
	d.transfer(f, key, 0, 10)
	s.push(&bridge.Upload{Key: key, State: bridge.Accepted})
	w.stall(s, 2*time.Minute)
	require.True(t, d.closed)
	require.False(t, s.closed)
	w.newFile(2, content(10)).upload(strings.Repeat("ab", 16), "b.bin")
	require.NotSame(t, d, w.last(), "and opened again")
}
