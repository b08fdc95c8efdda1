package proxy_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// firstRead says that its reader is being read.
type firstRead struct {
	io.Reader
	begun chan struct{}
}

func (r *firstRead) Read(p []byte) (int, error) {
	if r.begun != nil {
		close(r.begun)
		r.begun = nil
	}
	return r.Reader.Read(p)
}

// Copies of a file that come at the same time are one file, also if the first was announced before
// the others end, and if one came too many because the others had reserved all there is.
func TestIngest_CopiesAtTheSameTimeAreOneFile(t *testing.T) {
	t.Parallel()
	d := newWorld(t).door("carol", bridge.Client)
	type result struct {
		record proxy.Record
		err    error
	}
	send := func(r io.Reader) chan result {
		done := make(chan result, 1)
		go func() {
			r, err := d.ingest("a.pdf", stream(r, 1000))
			done <- result{r, err}
		}()
		return done
	}
	var ends []*io.PipeWriter
	var results []chan result
	for range 3 { // all that the limits allow
		r, w := io.Pipe()
		t.Cleanup(func() { w.Close() })
		begun := make(chan struct{})
		results, ends = append(results, send(&firstRead{r, begun})), append(ends, w)
		<-begun
	}
	begun := make(chan struct{})
	last := send(&firstRead{strings.NewReader("content"), begun})
	compared := make(chan struct{})
	different := send(&firstRead{strings.NewReader("CONTENT"), compared})
	<-begun
	<-compared // both were refused
	var key string
	for i, w := range ends {
		_, err := io.WriteString(w, "content")
		require.NoError(t, err)
		require.NoError(t, w.Close())
		got := <-results[i]
		require.NoError(t, got.err)
		if i == 0 {
			key = got.record.Key
		}
		require.Equal(t, key, got.record.Key)
		r, err := d.transfers.Await(t.Context(), d.who, key)
		require.NoError(t, err)
		require.Equal(t, bridge.Announced, r.State)
	}
	got := <-last
	require.NoError(t, got.err)
	require.Equal(t, key, got.record.Key)
	require.Equal(t, bridge.CodeFileCount, bridge.CodeOf((<-different).err), "another file is no copy")
	require.EqualValues(t, 1, d.announcements())
	files, size := d.used()
	require.Equal(t, [2]int64{1, 7}, [2]int64{files, size})
}
