package client

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// Hosts call on any goroutine, and so do real timers; no two tasks run at the same time.
func TestTasksRunOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log []string
		q := taskQueue{log: func(text string) { log = append(log, text) }}
		var running, most, ran int
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				time.Sleep(rand.N(time.Millisecond))
				q.run(func() {
					running++
					most = max(most, running)
					q.run(func() { ran++ }, nil) // not inside this one
					running--
				}, nil)
			})
		}
		callers.Wait()
		synctest.Wait()
		q.run(func() { panic("a bug") }, func(*bridge.Error) { panic("another") })
		require.Equal(t, 1, most)
		require.Equal(t, 20, ran)
		require.Len(t, log, 2)
	})
}

// A proxy that is down for an hour, with real timers, and a host that wakes the
// session meanwhile from another goroutine.
func TestAnHourWithoutAProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex // what the host's functions share
		var dials, words int
		c := New(Host{
			Now: func() time.Duration { return time.Since(start) },
			After: func(d time.Duration, f func()) func() {
				timer := time.AfterFunc(d, f)
				return func() { timer.Stop() }
			},
			Date: func() int64 { return time.Now().UnixMilli() }, Random: rand.Float64, Log: func(string) {}, Idle: func() {},
		})
		c.Open(handle, Options{
			ID: "chat-1",
			Dial: func(_ string, l Listener) (*Socket, error) {
				mu.Lock()
				dials++
				mu.Unlock()
				go l(Event{Kind: Closed, Err: bridge.NewError(bridge.CodeOffline, "")})
				return &Socket{Close: func() {}}, nil
			},
			Report: func(w Word, call int64, _ []byte) {
				mu.Lock()
				words++
				mu.Unlock()
				if w == WordToken {
					go c.Do(handle, func(s *Session) { s.Token(call, "a token", true, "") })
				}
			},
		})
		for range 60 {
			time.Sleep(time.Minute)
			go c.Do(handle, func(s *Session) { s.Wake() })
		}
		synctest.Wait()
		c.Do(handle, func(s *Session) { s.Close() })
		mu.Lock()
		defer mu.Unlock()
		before := dials
		require.Greater(t, dials, 300, "every ten seconds at least")
		require.Less(t, dials, 1000)
		mu.Unlock()
		time.Sleep(time.Minute)
		mu.Lock()
		require.Equal(t, before, dials, "a session that has ended dials no more")
		require.Empty(t, c.sessions)
	})
}
