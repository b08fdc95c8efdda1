package ucs_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy"
	"attache/proxy/ucs"
)

// Documents whose chunks lie far apart, because many were uploaded at once and
// slowly, read after a restart.
func BenchmarkReadInterleaved8MiB(b *testing.B) {
	dir := b.TempDir()
	e := startEngine(b, dir)
	s := open(b, e, ucs.Options{})
	piece := random(960 << 10)
	content := make([]byte, 0, 9*len(piece))
	var ids []string
	var writers []proxy.Writer
	for range 100 {
		ids = append(ids, s.NewID())
		writers = append(writers, begin(b, s, ids[len(ids)-1]))
	}
	for range 9 {
		content = append(content, piece...)
		var all sync.WaitGroup
		for _, w := range writers {
			all.Add(1)
			require.NoError(b, w.Append(b.Context(), piece, func(int64, error) { all.Done() }))
		}
		all.Wait()
	}
	d := document("", content)
	for _, d.ID = range ids {
		_, err := s.Add(b.Context(), d)
		require.NoError(b, err)
	}
	e.Close()
	s = open(b, startEngine(b, dir), ucs.Options{})
	b.SetBytes(int64(len(content)))
	n := 0
	for b.Loop() {
		readAll(b, s, ids[n%len(ids)])
		n++
	}
}
