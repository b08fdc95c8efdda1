package objects_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/engine"
	"attache/proxy/objects"
)

// uploadTo makes this test binary a proxy that uploads into the directory it names until it
// is killed. It prints the id, then the acknowledged bytes. It never finishes the upload,
// however late the kill comes.
const uploadTo = "ATTACHE_TEST_UPLOAD_TO"

func upload(dir string) {
	ctx := context.Background()
	e, err := engine.Start(ctx, engine.Options{Dir: dir})
	exitOn(err)
	s, err := objects.Open(ctx, e, objects.Options{})
	exitOn(err)
	id := s.NewID()
	fmt.Println(id)
	w, err := s.Begin(ctx, id)
	exitOn(err)
	for rest := random(64 << 20); len(rest) > 1<<20; rest = rest[64<<10:] {
		exitOn(w.Append(ctx, rest[:64<<10], func(stored int64, err error) {
			exitOn(err)
			fmt.Println(stored)
		}))
	}
	select {}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Every acknowledged byte is there after the proxy was killed, and the upload resumes after
// the last one.
func TestKilledProxyLosesNoAcknowledgedByte(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	proxy := exec.Command(os.Args[0])
	proxy.Env = append(os.Environ(), uploadTo+"="+dir)
	proxy.Stderr = os.Stderr
	out, err := proxy.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, proxy.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	id := lines.Text()
	var acknowledged int64
	for n := 0; lines.Scan(); n++ {
		stored, err := strconv.ParseInt(lines.Text(), 10, 64)
		require.NoError(t, err)
		acknowledged = stored
		if n == 20 {
			require.NoError(t, proxy.Process.Kill())
		}
	}
	require.Error(t, proxy.Wait())

	content := random(64 << 20)
	s := open(t, startEngine(t, dir), objects.Options{})
	w := begin(t, s, id)
	require.GreaterOrEqual(t, w.Offset(), acknowledged)
	require.Equal(t, sha256.Sum256(content[:w.Offset()]), w.Sum())
	content = content[:w.Offset()+100_000]
	write(t, w, content[w.Offset():], 50_000)
	_, err = s.Add(t.Context(), document(id, content))
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256(content), sha256.Sum256(read(t, s, id)))
}
