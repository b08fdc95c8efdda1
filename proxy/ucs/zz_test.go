package ucs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy/ucs"
)

func TestZPurge(t *testing.T) {
	e := startEngine(t, t.TempDir())
	s := open(t, e, ucs.Options{})
	content := random(256 << 20)
	a := put(t, s, content, 960<<10)
	b := put(t, s, content, 64<<10)
	stop := make(chan bool)
	done := make(chan bool)
	go func() {
		defer close(done)
		var worst time.Duration
		w := begin(t, s, s.NewID())
		for {
			select {
			case <-stop:
				fmt.Println("worst append", worst)
				return
			default:
			}
			start := time.Now()
			write(t, w, content[:1000], 1000)
			worst = max(worst, time.Since(start))
		}
	}()
	start := time.Now()
	require.NoError(t, s.Remove(t.Context(), a))
	fmt.Println("remove 256 MiB of 960 KiB", time.Since(start))
	start = time.Now()
	require.NoError(t, s.Remove(t.Context(), b))
	fmt.Println("remove 256 MiB of 64 KiB", time.Since(start))
	close(stop)
	<-done
}
