package chat_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/chat"
)

// M4: each receiver that is stuck in a long transcript holds little of it in memory.
func TestM4BlockedReceiversHoldLittle(t *testing.T) {
	s := start(t, chat.Options{})
	join(t, s, "s1", bob)
	for range 64 {
		post(t, s, "s1", bob, bridge.Event{Type: bridge.Message, Text: strings.Repeat("x", 14<<10)})
	}
	before := heap()
	ctx, cancel := context.WithCancel(t.Context())
	const receivers = 60
	var begun, all sync.WaitGroup
	for range receivers {
		begun.Add(1)
		all.Go(func() {
			first := sync.OnceFunc(begun.Done)
			s.Events(ctx, "s1", bob.UserID, 0, func(bridge.Event) error {
				first()
				<-ctx.Done()
				return ctx.Err()
			})
		})
	}
	begun.Wait()
	held := heap() - before
	cancel()
	all.Wait()
	require.Less(t, held, int64(receivers*256<<10), "it was 512 KiB each, and more, when reads were as large as the room's own")
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
