package objects_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/objects"
)

func benchmarkWriter(b *testing.B, size, piece int) {
	s := open(b, startEngine(b, b.TempDir()), objects.Options{})
	content := random(piece)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		stream(b, s, size, content)
	}
}

func BenchmarkWriter1MiB(b *testing.B)          { benchmarkWriter(b, 1<<20, 960<<10) }
func BenchmarkWriter256MiB(b *testing.B)        { benchmarkWriter(b, 256<<20, 960<<10) }
func BenchmarkWriter256MiBof64KiB(b *testing.B) { benchmarkWriter(b, 256<<20, 64<<10) }

// A document as agents send them: begin, one piece, wait, add.
func BenchmarkDocument100KiB(b *testing.B) {
	s := open(b, startEngine(b, b.TempDir()), objects.Options{})
	content := random(100 << 10)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		_, err := s.Add(b.Context(), stream(b, s, len(content), content))
		require.NoError(b, err)
	}
}

func BenchmarkRead256MiB(b *testing.B) {
	s := open(b, startEngine(b, b.TempDir()), objects.Options{})
	id, err := s.Add(b.Context(), stream(b, s, 256<<20, random(960<<10)))
	require.NoError(b, err)
	report := watermark(b)
	b.SetBytes(256 << 20)
	b.ReportAllocs()
	for b.Loop() {
		readAll(b, s, id)
	}
	report()
}
