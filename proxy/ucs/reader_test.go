package ucs_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"attache/bridge"
	"attache/proxy/ucs"
)

// A document is indistinguishable from its bytes in memory, whatever is sought
// and read, however the pieces were cut and whatever lies between them.
func TestSeekAndRead(t *testing.T) {
	s := open(t, startEngine(t, t.TempDir()), ucs.Options{})
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
		want := bytes.NewReader(content)
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			if rapid.Bool().Draw(rt, "seek") {
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

func TestServeContentAnswersRanges(t *testing.T) {
	s := open(t, startEngine(t, t.TempDir()), ucs.Options{})
	content := random(200_000)
	id := put(t, s, content, 30_000)
	for name, test := range map[string]struct {
		ask    string
		from   int
		to     int
		status int
	}{
		"all":            {"", 0, 200_000, http.StatusOK},
		"the beginning":  {"bytes=0-9", 0, 10, http.StatusPartialContent},
		"over a border":  {"bytes=29990-30009", 29_990, 30_010, http.StatusPartialContent},
		"the middle on":  {"bytes=100000-", 100_000, 200_000, http.StatusPartialContent},
		"the last bytes": {"bytes=-5", 199_995, 200_000, http.StatusPartialContent},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := s.Open(t.Context(), id)
			require.NoError(t, err)
			defer c.Close()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			if test.ask != "" {
				r.Header.Set("Range", test.ask)
			}
			w := httptest.NewRecorder()
			http.ServeContent(w, r, "", time.Time{}, c)
			require.Equal(t, test.status, w.Code)
			require.True(t, bytes.Equal(content[test.from:test.to], w.Body.Bytes()))
		})
	}
}

// More chunks are asked for at once than a server lets wait for one connection,
// which is 64 MiB.
func TestManyReadersAtOnce(t *testing.T) {
	s := open(t, startEngine(t, t.TempDir()), ucs.Options{})
	content := random(2 * 960 << 10)
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
			for _, at := range []int64{0, int64(len(content)) - 1} {
				var one [1]byte
				_, err := c.Seek(at, io.SeekStart)
				if err == nil {
					_, err = c.Read(one[:])
				}
				if err != nil || one[0] != content[at] {
					t.Errorf("byte %d is %d, %v", at, one[0], err)
				}
			}
		})
	}
	all.Wait()
}

func TestADocumentRemovedUnderItsReader(t *testing.T) {
	s := open(t, startEngine(t, t.TempDir()), ucs.Options{})
	id := put(t, s, random(200_000), 30_000)
	c, err := s.Open(t.Context(), id)
	require.NoError(t, err)
	defer c.Close()
	_, err = io.ReadFull(c, make([]byte, 10))
	require.NoError(t, err)
	require.NoError(t, s.Remove(t.Context(), id))
	_, err = io.ReadAll(c)
	require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err), "%v", err)
}

func TestReadAfterClose(t *testing.T) {
	s := open(t, startEngine(t, t.TempDir()), ucs.Options{})
	c, err := s.Open(t.Context(), put(t, s, random(10), 10))
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err)
}
