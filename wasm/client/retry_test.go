package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// stall lets time pass while the chat's socket answers.
func (w *world) stall(s *socketDouble, d time.Duration) {
	for ; d > 0; d -= 100 * time.Millisecond {
		w.pass(100 * time.Millisecond)
		rest := s.texts[:0]
		for _, m := range s.texts {
			if _, ping := m.(*bridge.Ping); ping {
				s.push(&bridge.Done{})
				continue
			}
			rest = append(rest, m)
		}
		s.texts = rest
	}
}

func TestDamagedFramesFailAfterSomeTries(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	w.newFile(1, content(1<<20)).upload(key, "a.bin")
	for tries := 1; ; tries++ {
		require.LessOrEqual(t, tries, maxTries+1)
		d := w.ready()
		s.sent()
		s.push(&bridge.Accept{Key: key})
		d.push(&bridge.Fail{Key: key, Error: *bridge.NewError(bridge.CodeFrameChecksum, "")})
		if states := w.states(); len(states) > 0 && states[len(states)-1] == "failed" {
			return
		}
		w.stall(s, 10*time.Second)
	}
}

func TestRefusedOffers(t *testing.T) {
	for name, test := range map[string]struct {
		code  bridge.Code
		begun bool
		fails bool
	}{
		"too large":        {bridge.CodeFileSize, false, true},
		"no agent":         {bridge.CodeNeedAgent, false, true},
		"store full":       {bridge.CodeStorageFull, false, true},
		"store away":       {bridge.CodeStorageUnavailable, false, false},
		"no answer":        {bridge.CodeTimeout, false, false},
		"store away later": {bridge.CodeStorageUnavailable, true, false},
		"infected":         {bridge.CodeInfected, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected()
			w.newFile(1, content(1000)).upload(key, "a.bin")
			if test.begun {
				s.push(&bridge.Accept{Key: key})
			}
			w.heard = nil
			s.sent()
			s.push(&bridge.Fail{Key: key, Error: *bridge.NewError(test.code, "")})
			w.pass(500 * time.Millisecond)
			if !test.fails {
				only[*bridge.Offer](s)
				return
			}
			require.Equal(t, []string{"failed"}, w.states())
			require.Empty(t, s.sent())
		})
	}
}

func TestAnOutageIsWaitedOut(t *testing.T) {
	for name, test := range map[string]struct {
		code     bridge.Code
		begun    bool
		patience time.Duration
	}{
		"before the first byte":       {bridge.CodeStorageUnavailable, false, firstPatience},
		"in the middle":               {bridge.CodeStorageUnavailable, true, patience},
		"no disk space in the middle": {bridge.CodeStorageFull, true, patience},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestWorld(t)
			s := w.connected()
			w.newFile(1, content(1000)).upload(key, "a.bin")
			if test.begun {
				s.push(&bridge.Accept{Key: key})
			}
			w.heard = nil
			offers := 0
			away := func(d time.Duration) {
				for end := w.at + d; w.at < end; {
					for _, m := range s.sent() {
						if _, offer := m.(*bridge.Offer); offer {
							offers++
							s.push(&bridge.Fail{Key: key, Error: *bridge.NewError(test.code, "")})
							continue
						}
						s.push(&bridge.Done{})
					}
					w.pass(100 * time.Millisecond)
				}
			}
			away(test.patience - time.Second)
			require.Empty(t, w.states())
			require.Greater(t, offers, 5)
			away(2 * longestWait)
			require.Equal(t, []string{"failed"}, w.states())
		})
	}
}

// The used part of the limits may be this very file's own reservation, from when it
// began.
func TestUsedUpLimitDoesNotRefuseAResume(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected(func(m *bridge.Welcome) {
		m.Limits = bridge.VendorLimits()
		m.Limits.NeedAgent = true
		m.Limits.UsedFiles, m.Limits.UsedTotalSize = m.Limits.MaxFiles, m.Limits.MaxTotalSize
	})
	w.newFile(1, content(1000)).upload(key, "a.bin")
	require.Equal(t, key, only[*bridge.Offer](s).Key)
}

func TestFailedStateEndsTheUpload(t *testing.T) {
	w := newTestWorld(t)
	s := w.connected()
	w.newFile(1, content(1000)).upload(key, "a.bin")
	s.push(&bridge.Upload{Key: key, State: bridge.Failed, Error: bridge.NewError(bridge.CodeInfected, "")})
	steps := w.words(WordUpload)
	require.Contains(t, steps[1].text, `"code":"infected"`)
	s.push(&bridge.Upload{Key: key, State: bridge.Accepted})
	require.Empty(t, w.words(WordUpload), "an upload that has ended stays so")
}
