package storetest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"github.com/stretchr/testify/require"
)

// childDir is the environment variable that makes a test binary upload into the directory
// that it names, until it is killed.
const childDir = "ATTACHE_STORETEST_DIR"

// Child is called first in the TestMain of a package that runs the suite. In the process that
// a case starts and kills it uploads, and does not return. It prints the id, then the
// numbers of durable bytes. It never finishes the upload, however late the kill comes.
func Child(target Target) {
	dir := os.Getenv(childDir)
	if dir == "" {
		return
	}
	ctx := context.Background()
	s, err := target.Open(ctx, dir, Options{})
	exitOn(err)
	content := random(killedSize)
	id := s.NewID()
	fmt.Println(id)
	w, err := s.Begin(ctx, offer(id, content), 0)
	exitOn(err)
	for rest := content; len(rest) > 1<<20; rest = rest[64<<10:] {
		exitOn(w.Append(ctx, rest[:64<<10], func(stored int64, err error) {
			exitOn(err)
			fmt.Println(stored)
		}))
	}
	select {}
}

const killedSize = 4 << 20

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var killCases = []storeCase{
	{name: "a process that is killed loses no durable byte, and the upload continues", local: true, body: func(t *T) {
		for _, knows := range []bool{true, false} {
			id, acked := t.kill()
			content := random(killedSize)
			s := t.open(Options{})
			said := acked
			if !knows {
				said = -1
			}
			w := begin(t, s, id, content, said)
			require.GreaterOrEqual(t, w.Offset(), acked)
			wholeAt(t, w, content, w.Offset())
			content = content[:w.Offset()+100_000]
			write(t, w, content[w.Offset():], 50_000)
			add(t, s, id, content)
			same(t, content, read(t, s, id), "the content")
			s.End()
		}
	}},
}

// kill lets another process upload, kills it, and returns the upload's id and how many bytes
// it had reported.
func (t *T) kill() (id string, acked int64) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+t.dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan(), "the child began no upload: does TestMain call Child?")
	id = lines.Text()
	for n := 0; lines.Scan(); n++ {
		acked, err = strconv.ParseInt(lines.Text(), 10, 64)
		if n == 20 || err != nil {
			child.Process.Kill()
		}
		require.NoError(t, err)
	}
	require.Error(t, child.Wait())
	require.Positive(t, acked)
	return id, acked
}
