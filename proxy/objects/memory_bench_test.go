package objects_test

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy"
	"attache/proxy/objects"
)

// watermark reports the growth of the peak resident memory, as MiB-peak. It does so on
// Linux only.
func watermark(b *testing.B) (report func()) {
	debug.FreeOSMemory()
	if os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) != nil {
		return func() {}
	}
	before := status("VmRSS:")
	return func() {
		b.ReportMetric(float64(status("VmHWM:")-before)/1024, "MiB-peak")
		b.ReportMetric(float64(status("VmRSS:")-before)/1024, "MiB-after")
	}
}

// status reads a number of KiB from the kernel's statistics of this process.
func status(name string) int64 {
	all, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(all)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}

func BenchmarkMemory1GiB(b *testing.B) {
	s := open(b, startEngine(b, b.TempDir()), objects.Options{})
	piece := random(960 << 10)
	report := watermark(b)
	b.SetBytes(1 << 30)
	for b.Loop() {
		stream(b, s, 1<<30, piece)
	}
	report()
}

func BenchmarkMemory100WritersOf8MiB(b *testing.B) {
	s := open(b, startEngine(b, b.TempDir()), objects.Options{})
	piece := random(960 << 10)
	report := watermark(b)
	b.SetBytes(100 * 8 << 20)
	for b.Loop() {
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { stream(b, s, 8<<20, piece) })
		}
		all.Wait()
	}
	report()
}

func BenchmarkMemory100KiBDocuments(b *testing.B) {
	s := open(b, startEngine(b, b.TempDir()), objects.Options{})
	content := random(100 << 10)
	report := watermark(b)
	b.SetBytes(100 << 10)
	for b.Loop() {
		_, err := s.Add(b.Context(), stream(b, s, 100<<10, content))
		require.NoError(b, err)
	}
	report()
}

// stream writes size bytes, made of piece, as fast as the store takes them, and returns
// their document.
func stream(b *testing.B, s *objects.Store, size int, piece []byte) proxy.Document {
	d := proxy.Document{ID: s.NewID(), Name: "a.bin", Size: int64(size)}
	w, err := s.Begin(b.Context(), d, 0)
	require.NoError(b, err)
	var all sync.WaitGroup
	for left := size; left > 0; left -= len(piece) {
		all.Add(1)
		require.NoError(b, w.Append(b.Context(), piece[:min(left, len(piece))], func(int64, error) { all.Done() }))
	}
	all.Wait()
	require.EqualValues(b, size, w.Stored())
	d.SHA256 = w.Sum()
	return d
}
