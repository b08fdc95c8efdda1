package audit_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// One flush blocks while many records are written; the next one succeeds or fails.
func TestWrite_SharesAFlush(t *testing.T) {
	const many = 50
	for name, flushed := range map[string]error{"good": nil, "bad": errors.New("input/output error")} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit")
			l := open(t, path)
			begun, held, flushes := make(chan struct{}), make(chan struct{}), 0
			release := sync.OnceFunc(func() { close(held) })
			defer release()
			l.OnFlush(func(f *os.File) error {
				if flushes++; flushes == 1 {
					close(begun)
					<-held
					return f.Sync()
				}
				return flushed
			})
			var mu sync.Mutex
			var answers []error
			var all sync.WaitGroup
			write := func(n int) {
				all.Go(func() {
					err := l.Write(record(n))
					mu.Lock()
					defer mu.Unlock()
					answers = append(answers, err)
				})
			}
			write(0)
			<-begun
			for n := range many {
				write(n + 1)
			}
			require.Eventually(t, func() bool { return l.Waiting() == many }, time.Minute, time.Millisecond)
			mu.Lock()
			early := len(answers)
			mu.Unlock()
			require.Zero(t, early, "none is durable")
			release()
			all.Wait()
			require.Equal(t, 2, flushes)
			failed := 0
			for _, err := range answers {
				if err != nil {
					require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(err))
					failed++
				}
			}
			require.Equal(t, map[bool]int{true: 0, false: many}[flushed == nil], failed)
			write(0)
			all.Wait()
			chain, err := check(contents(t, path))
			require.NoError(t, err)
			require.Equal(t, many+3, chain.Lines, "unflushed lines may exist")
		})
	}
}
