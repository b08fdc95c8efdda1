package spool_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/spool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, most int64) (*spool.Spool, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "spool")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "of an earlier process"), 0o700))
	s, err := spool.Open(spool.Options{Dir: dir, MaxBytes: most, Reserve: 1})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s, dir
}

func put(t *testing.T, s *spool.Spool, key, text string) {
	t.Helper()
	f, err := s.Create(int64(len(text)))
	require.NoError(t, err)
	_, err = io.WriteString(f, text)
	require.NoError(t, err)
	s.Keep(f, key, proxy.Document{ID: key})
}

func TestSpool_IsBoundedAndDropsTheOldestThatNobodyReads(t *testing.T) {
	t.Parallel()
	s, dir := open(t, 10)
	put(t, s, "a", "aaaa")
	put(t, s, "b", "bbbb")
	reading := s.Content("a")
	require.Equal(t, "a", reading.Document().ID)
	put(t, s, "c", "cccc")
	require.Nil(t, s.Content("b"), "it made room")
	other := s.Content("c")
	_, err := s.Create(3)
	require.Equal(t, bridge.CodeBusy, bridge.CodeOf(err), "both are being read")
	found, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, found, "files have no names")

	s.Drop("a")
	text, err := io.ReadAll(reading)
	require.NoError(t, err)
	require.Equal(t, "aaaa", string(text), "what is open stays readable")
	require.Nil(t, s.Content("a"))
	require.NoError(t, reading.Close())
	require.NoError(t, reading.Close(), "again")
	used, files := s.Used()
	require.EqualValues(t, 4, used)
	require.Equal(t, 1, files)

	s.Sweep(time.Now().Add(time.Hour))
	require.NoError(t, other.Close())
	_, files = s.Used()
	require.Equal(t, 1, files, "it was being read")
	f, err := s.Create(6)
	require.NoError(t, err)
	f.Discard()
	put(t, s, "d", "dd")
	put(t, s, "d", "xx")
	d := s.Content("d")
	text, err = io.ReadAll(d)
	require.NoError(t, err)
	require.Equal(t, "dd", string(text), "the first one counts")
	require.NoError(t, d.Close())
}

func TestSpool_LeavesSpaceOnTheVolume(t *testing.T) {
	t.Parallel()
	s, err := spool.Open(spool.Options{Dir: t.TempDir(), Reserve: 1 << 62})
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Create(1)
	require.Equal(t, bridge.CodeStorageFull, bridge.CodeOf(err))
}
