package upstream_test

import (
	"runtime"
	"sync"
	"testing"

	"attache/proxy/gms/upstream"
)

// dieAt ends the first goroutine that gets to that crash point, as a killed process would: the
// lease of its delivery runs out, and another loop continues.
func dieAt(t *testing.T, border string) <-chan struct{} {
	dead := make(chan struct{})
	var once sync.Once
	t.Cleanup(upstream.OnCrashPoint(func(name string) {
		if name == border {
			once.Do(func() {
				close(dead)
				runtime.Goexit()
			})
		}
	}))
	return dead
}
