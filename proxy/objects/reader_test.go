package objects_test

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"attache/proxy/engine"
	"attache/proxy/objects"
)

// A document reads like its bytes in memory, for any seeks and reads, any sizes of its
// pieces and any chunks of other objects between them.
func TestSeekAndRead(t *testing.T) {
	t.Parallel()
	s := open(t, startEngine(t, t.TempDir()), objects.Options{})
	rapid.Check(t, func(rt *rapid.T) {
		content := random(rapid.IntRange(0, 4000).Draw(rt, "size"))
		id, other := s.NewID(), s.NewID()
		w, noise := begin(t, s, id), begin(t, s, other)
		for rest := content; len(rest) > 0; {
			n := min(len(rest), rapid.IntRange(1, 700).Draw(rt, "piece"))
			write(t, w, rest[:n], n)
			rest = rest[n:]
			for range rapid.IntRange(0, 3).Draw(rt, "pieces of another") {
				write(t, noise, []byte("noise"), 5)
			}
		}
		_, err := s.Add(t.Context(), document(id, content))
		require.NoError(rt, err)
		got, err := s.Open(t.Context(), id)
		require.NoError(rt, err)
		defer got.Close()
		if rapid.Bool().Draw(rt, "search") {
			objects.ForgetIndex(got, rapid.IntRange(0, 60).Draw(rt, "chunks not indexed"))
		}
		want := bytes.NewReader(content)
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			switch rapid.IntRange(0, 4).Draw(rt, "step") {
			case 0:
				objects.DropChunks(got)
				continue
			case 1, 2:
				whence := rapid.SampledFrom([]int{io.SeekStart, io.SeekCurrent, io.SeekEnd}).Draw(rt, "whence")
				offset := rapid.Int64Range(-4500, 4500).Draw(rt, "offset")
				a, errA := got.Seek(offset, whence)
				b, errB := want.Seek(offset, whence)
				require.Equal(rt, errB == nil, errA == nil)
				require.Equal(rt, b, a)
				continue
			}
			n := rapid.IntRange(0, 1500).Draw(rt, "read")
			a, b := make([]byte, n), make([]byte, n)
			nA, errA := io.ReadFull(got, a)
			nB, errB := io.ReadFull(want, b)
			require.Equal(rt, errB, errA)
			require.Equal(rt, nB, nA)
			require.Equal(rt, b, a)
		}
	})
}

// More bytes are requested at once than the 64 MiB that a server buffers for one
// connection before it drops the connection.
func TestManyReadersAtOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	s := open(t, e, objects.Options{})
	content := random(960 << 10)
	id := put(t, s, content, 960<<10)
	var all sync.WaitGroup
	for range 150 {
		all.Go(func() {
			c, err := s.Open(t.Context(), id)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			var one [1]byte
			_, err = c.Read(one[:])
			if err != nil || one[0] != content[0] {
				t.Errorf("the first byte is %d, %v", one[0], err)
			}
		})
	}
	all.Wait()
	e.Close()
	require.Empty(t, log.String())
}

// The index is complete if one process wrote the content, even with a pause; otherwise it
// has the chunks that the last process knows.
func TestIndexOfResumedContent(t *testing.T) {
	t.Parallel()
	e := startEngine(t, t.TempDir())
	content := random(1000)
	for name, test := range map[string]struct {
		resume func(s *objects.Store) *objects.Store
		known  int
	}{
		"by the same process": {func(s *objects.Store) *objects.Store { return s }, 10},
		"by another process":  {func(*objects.Store) *objects.Store { return open(t, e, objects.Options{}) }, 6},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, e, objects.Options{})
			id := s.NewID()
			write(t, begin(t, s, id), content[:500], 100)
			s = test.resume(s)
			write(t, begin(t, s, id), content[500:], 100)
			for _, s := range []*objects.Store{s, open(t, e, objects.Options{})} {
				_, err := s.Add(t.Context(), document(id, content))
				require.NoError(t, err)
				c, err := s.Open(t.Context(), id)
				require.NoError(t, err)
				defer c.Close()
				require.Equal(t, test.known, objects.Indexed(c))
				got, err := io.ReadAll(c)
				require.NoError(t, err)
				require.Equal(t, content, got)
			}
		})
	}
}
