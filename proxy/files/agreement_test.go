package files_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"attache/proxy/files"
	"attache/proxy/files/modeldisk"
)

// The model disk behaves as a real directory does, as long as the power is on.
func TestModelDisk_AgreesWithARealDirectory(t *testing.T) {
	dirs := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		a := agreement{model: modeldisk.New(func(int) int { panic("a choice without a fault") })}
		path, err := os.MkdirTemp(dirs, "")
		require.NoError(t, err)
		real, err := files.OpenDirectory(path)
		require.NoError(t, err)
		defer real.Close()
		a.real = real
		defer a.closeAll(t)
		t.Repeat(map[string]func(*rapid.T){
			"create":   a.create,
			"open":     a.openFile,
			"mkdir":    a.mkdir,
			"rename":   a.rename,
			"remove":   a.remove,
			"write":    a.write,
			"read":     a.read,
			"truncate": a.truncate,
			"sync":     a.sync,
			"close":    a.close,
			"":         a.compare,
		})
	})
}

// agreement is a model disk and a real one on which the same happens.
type agreement struct {
	model *modeldisk.Disk
	real  files.Disk
	open  []pair
}

type pair struct{ model, real files.File }

var everyName = []string{"a", "b", "d", "e", "d/a", "d/b", "e/a", "e/b"}

func drawName(t *rapid.T, label string) string { return rapid.SampledFrom(everyName).Draw(t, label) }

func (a *agreement) create(t *rapid.T) {
	name := drawName(t, "name")
	m, err := a.model.Create(name)
	r, realErr := a.real.Create(name)
	a.opened(t, pair{m, r}, err, realErr)
}

func (a *agreement) openFile(t *rapid.T) {
	name, writable := drawName(t, "name"), rapid.Bool().Draw(t, "writable")
	m, err := a.model.Open(name, writable)
	r, realErr := a.real.Open(name, writable)
	a.opened(t, pair{m, r}, err, realErr)
}

func (a *agreement) opened(t *rapid.T, p pair, err, realErr error) {
	same(t, err, realErr)
	if err == nil {
		a.open = append(a.open, p)
	}
}

func (a *agreement) mkdir(t *rapid.T) {
	name := rapid.SampledFrom([]string{"a", "d", "e"}).Draw(t, "name")
	same(t, a.model.Mkdir(name), a.real.Mkdir(name))
}

func (a *agreement) rename(t *rapid.T) {
	from, to := drawName(t, "from"), drawName(t, "to")
	same(t, a.model.Rename(from, to), a.real.Rename(from, to))
}

func (a *agreement) remove(t *rapid.T) {
	name := drawName(t, "name")
	same(t, a.model.Remove(name), a.real.Remove(name))
}

// drawOpen draws an open file, or a closed one.
func (a *agreement) drawOpen(t *rapid.T) pair {
	if len(a.open) == 0 {
		t.Skip("no file is open")
	}
	return a.open[rapid.IntRange(0, len(a.open)-1).Draw(t, "file")]
}

func (a *agreement) write(t *rapid.T) {
	p := a.drawOpen(t)
	b := rapid.SliceOfN(rapid.Byte(), 1, 1500).Draw(t, "bytes")
	off := rapid.Int64Range(0, 2000).Draw(t, "offset")
	n, err := p.model.WriteAt(b, off)
	realN, realErr := p.real.WriteAt(b, off)
	same(t, err, realErr)
	require.Equal(t, realN, n)
}

func (a *agreement) read(t *rapid.T) {
	p := a.drawOpen(t)
	got := make([]byte, rapid.IntRange(1, 3000).Draw(t, "length"))
	want := make([]byte, len(got))
	off := rapid.Int64Range(0, 4000).Draw(t, "offset")
	n, err := p.model.ReadAt(got, off)
	realN, realErr := p.real.ReadAt(want, off)
	same(t, err, realErr)
	require.Equal(t, realN, n)
	require.Equal(t, want, got)
}

func (a *agreement) truncate(t *rapid.T) {
	p := a.drawOpen(t)
	size := rapid.Int64Range(0, 3000).Draw(t, "size")
	same(t, p.model.Truncate(size), p.real.Truncate(size))
}

func (a *agreement) sync(t *rapid.T) {
	dir := rapid.SampledFrom([]string{".", "d", "e"}).Draw(t, "directory")
	if _, err := a.model.Size(dir); err != nil { // a file is not synced as a directory
		same(t, a.model.SyncDir(dir), a.real.SyncDir(dir))
	}
	p := a.drawOpen(t)
	same(t, p.model.Sync(), p.real.Sync())
}

func (a *agreement) close(t *rapid.T) {
	p := a.drawOpen(t)
	same(t, p.model.Close(), p.real.Close())
}

func (a *agreement) closeAll(t *rapid.T) {
	for _, p := range a.open {
		same(t, p.model.Close(), p.real.Close())
	}
	require.Zero(t, a.model.OpenFiles())
}

// compare compares all names, lengths and bytes.
func (a *agreement) compare(t *rapid.T) {
	for _, dir := range []string{".", "a", "d", "e"} {
		names, err := a.model.List(dir)
		realNames, realErr := a.real.List(dir)
		same(t, err, realErr)
		if err == nil {
			require.True(t, slices.Equal(realNames, names), "%v, not %v", names, realNames)
		}
	}
	for _, name := range everyName {
		size, err := a.model.Size(name)
		realSize, realErr := a.real.Size(name)
		same(t, err, realErr)
		require.Equal(t, realSize, size, name)
		if err == nil {
			require.Equal(t, content(t, a.real, name), content(t, a.model, name), name)
		}
	}
}

func content(t *rapid.T, d files.Disk, name string) []byte {
	f, err := d.Open(name, false)
	require.NoError(t, err)
	size, err := f.Size()
	require.NoError(t, err)
	b := make([]byte, size)
	_, err = f.ReadAt(b, 0)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return b
}

// same fails unless both errors are nil, or mean the same to the store.
func same(t *rapid.T, model, real error) {
	t.Helper()
	require.Equal(t, real == nil, model == nil, "model: %v, real: %v", model, real)
	for _, known := range []error{fs.ErrNotExist, fs.ErrExist, fs.ErrClosed, io.EOF} {
		require.Equal(t, errors.Is(real, known), errors.Is(model, known), "model: %v, real: %v", model, real)
	}
}
