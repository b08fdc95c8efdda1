//go:build !js

package page

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/bridge"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// R5: the bytes sent again after a cut are compared with the window of that moment.
func TestR5ResumeIsComparedWithTheWindow(t *testing.T) {
	const size = 4 << 20
	for _, c := range []struct {
		name                string
		high, acked, window int64
		offset              int64
		want                []Breach
	}{
		{"nothing again", 1 << 20, 1 << 20, 128 << 10, 1 << 20, nil},
		{"the whole window", 1 << 20, 1<<20 - 128<<10, 128 << 10, 1<<20 - 128<<10, nil},
		{"a byte more", 1 << 20, 0, 128 << 10, 1<<20 - 128<<10 - 1, []Breach{Beyond}},
		{"less than the largest window there is", 2 << 20, 0, 1 << 20, 0, []Breach{Beyond}},
		{"what was acked", 1 << 20, 1 << 20, 128 << 10, 1<<20 - 1, []Breach{Regressed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var broken []Breach
			u := &Upload{Content: make([]byte, size), Broken: func(b Breach) { broken = append(broken, b) }}
			u.high, u.acked, u.window = c.high, c.acked, c.window
			u.NoteAccept(&bridge.Accept{Offset: c.offset})
			require.Equal(t, c.want, broken)
			require.Equal(t, []Again{{c.high - c.offset, c.window}}, u.Again)
		})
	}
}

// The window of the last frame counts, and not the largest window before it.
func TestR5WindowShrinksWithTheLink(t *testing.T) {
	const frame = 64 << 10
	u := &Upload{Content: make([]byte, 64<<20)}
	s := bridge.NewSender(64<<20, 0, bridge.MaxFrame, nil)
	var now time.Duration
	pass := func(took time.Duration) {
		_, n := s.Next()
		n = min(n, frame)
		u.NoteFrame(s.Sent()+n, n, s.Window())
		s.Advance(n, now)
		now += took
		require.NoError(t, s.Ack(s.Sent(), 0, now))
	}
	for range 20 {
		pass(time.Millisecond)
	}
	fast := u.window
	for range 60 {
		pass(300 * time.Millisecond)
	}
	require.Less(t, u.window, fast)
	require.GreaterOrEqual(t, u.window, int64(bridge.MinWindow))
}
