package files_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/engine"
	"attache/proxy/files"
	"attache/proxy/proxytest"
	"attache/wasm/page"
)

const patience = time.Minute

// brokenDisk is a directory whose writes and syncs fail from some moment on.
type brokenDisk struct {
	files.Disk
	write, sync, syncDir atomic.Value // of error
}

func (d *brokenDisk) Create(name string) (files.File, error) {
	if err := failing(&d.write); err != nil {
		return nil, err
	}
	f, err := d.Disk.Create(name)
	return &brokenFile{f, d}, err
}

func (d *brokenDisk) Open(name string, writable bool) (files.File, error) {
	f, err := d.Disk.Open(name, writable)
	if err != nil || !writable {
		return f, err
	}
	return &brokenFile{f, d}, nil
}

func (d *brokenDisk) SyncDir(dir string) error {
	if err := failing(&d.syncDir); err != nil {
		return err
	}
	return d.Disk.SyncDir(dir)
}

type brokenFile struct {
	files.File
	disk *brokenDisk
}

func (f *brokenFile) WriteAt(p []byte, off int64) (int, error) {
	if err := failing(&f.disk.write); err != nil {
		n, _ := f.File.WriteAt(p[:len(p)/2], off) // a full disk takes some of it
		return n, err
	}
	return f.File.WriteAt(p, off)
}

func (f *brokenFile) Sync() error {
	if err := failing(&f.disk.sync); err != nil {
		return err
	}
	return f.File.Sync()
}

func failing(v *atomic.Value) error {
	err, _ := v.Load().(error)
	return err
}

// Only content's writes fail, in the middle of an upload, and in a way that the free space does
// not show: a quota, a bad sector. Offers are refused, the chat continues, and when the disk is
// right again the upload resumes at its last acknowledged byte.
func TestOutage_OfContentOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   error
		fails func(*brokenDisk) *atomic.Value
		code  bridge.Code
	}{
		"EIO on fdatasync":                 {syscall.EIO, func(d *brokenDisk) *atomic.Value { return &d.sync }, bridge.CodeStorageUnavailable},
		"ENOSPC on write":                  {syscall.ENOSPC, func(d *brokenDisk) *atomic.Value { return &d.write }, bridge.CodeStorageFull},
		"ENOSPC on fdatasync":              {syscall.ENOSPC, func(d *brokenDisk) *atomic.Value { return &d.sync }, bridge.CodeStorageFull},
		"EDQUOT on write":                  {syscall.EDQUOT, func(d *brokenDisk) *atomic.Value { return &d.write }, bridge.CodeStorageFull},
		"EROFS on write":                   {syscall.EROFS, func(d *brokenDisk) *atomic.Value { return &d.write }, bridge.CodeStorageUnavailable},
		"EIO on the sync of the directory": {syscall.EIO, func(d *brokenDisk) *atomic.Value { return &d.syncDir }, bridge.CodeStorageUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir()})
			require.NoError(t, err)
			t.Cleanup(e.Close)
			disk, mend := openBroken(t, e)
			store, err := files.Open(files.Options{Disk: disk, Volume: e.Volume()})
			require.NoError(t, err)
			t.Cleanup(store.Close)
			attachBroken(t, e, store, mend, c.err)
			w := proxytest.StartOn(t, e, func(o *assembly.Options) {
				o.Stores = func(string) (assembly.Store, error) { return store, nil }
			})
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			p := agentsPage(t, w)
			content := make([]byte, 3<<20)
			rand.Read(content)

			outage := e.WritesFailed()
			var once sync.Once
			fails := func() { once.Do(func() { c.fails(disk).Store(c.err) }) }
			if c.fails(disk) == &disk.syncDir {
				fails() // the first sync of an upload includes it
			}
			sent := make(chan error, 1)
			u := &page.Upload{Key: fmt.Sprintf("%032x", 1), Name: "a.bin", Content: content, Sent: func(n int64) {
				if n > 1<<20 {
					fails()
				}
			}}
			u.Broken = func(b page.Breach) { t.Error(b) }
			go func() { sent <- errors.Join(p.Send(ctx, u), codeError(u)) }()
			select {
			case <-outage:
			case <-ctx.Done():
				t.Fatal("the failed write began no outage")
			}
			require.ErrorIs(t, e.Ready(ctx), c.err)
			require.Equal(t, c.code, bridge.CodeOf(store.AdmitUpload()))
			_, err = store.Begin(ctx, proxy.Document{ID: store.NewID(), Size: 1}, 0)
			require.Equal(t, c.code, bridge.CodeOf(err))
			for n, kind := range []bridge.UserType{bridge.Agent, bridge.Client} {
				who := bridge.Party{UserID: fmt.Sprint("talker-", n), UserType: kind}
				_, err := w.Chat.Join(ctx, "s1", proxy.Joining{Party: who})
				require.NoError(t, err, "the chat continues")
				_, err = w.Chat.Post(ctx, "s1", who.UserID, bridge.Event{Type: bridge.Message, Text: "hello", Key: fmt.Sprintf("%032x", 10+n)})
				require.NoError(t, err, "the chat continues")
			}

			close(mend)
			require.NoError(t, <-sent)
			require.NoError(t, e.Ready(ctx))
			require.NoError(t, store.AdmitUpload())
			var f bridge.File
			require.Eventually(t, func() bool {
				for _, s := range p.Sights() {
					if got, err := bridge.DecodeFile(s.Event); err == nil {
						f = got
						return true
					}
				}
				return false
			}, patience, 10*time.Millisecond)
			got, err := p.Download(ctx, f.ID, f.Key)
			require.NoError(t, err)
			require.Equal(t, sha256.Sum256(content), got.SHA256)
		})
	}
}

func codeError(u *page.Upload) error {
	if u.Code == "" {
		return nil
	}
	return fmt.Errorf("the upload ended with %s", u.Code)
}

// openBroken opens the documents' directory. The disk is right again once mend is closed.
func openBroken(t *testing.T, e *engine.Engine) (d *brokenDisk, mend chan struct{}) {
	t.Helper()
	own := filepath.Join(e.Dir(), "documents")
	require.NoError(t, os.Mkdir(own, 0o700))
	real, err := files.OpenDirectory(own)
	require.NoError(t, err)
	return &brokenDisk{Disk: real}, make(chan struct{})
}

// attachBroken attaches the store; until the disk is right again, it fails to be opened again.
func attachBroken(t *testing.T, e *engine.Engine, s *files.Store, mended <-chan struct{}, broken error) {
	t.Helper()
	detach, err := e.Attach(engine.Content{Dir: filepath.Join(e.Dir(), "documents"), Bytes: s.Bytes, Reopen: func(dir *os.Root) error {
		select {
		case <-mended:
			return s.Reopen(dir, e.Volume())
		default:
			return broken
		}
	}})
	require.NoError(t, err)
	t.Cleanup(detach)
}

func agentsPage(t *testing.T, w *proxytest.World) *page.Page {
	t.Helper()
	p := page.Open(page.Options{
		Address: func() string { return w.Server.URL }, Token: w.Token("s1", "kim", bridge.Agent, bridge.AllRights...), Origin: proxytest.Origin,
		Heard: func(string, *bridge.Upload) {}, Saw: func(bridge.Event) {},
	})
	t.Cleanup(p.Close)
	return p
}

// A sync that has begun before the directory was opened again does not make anything durable in
// the new one, and its failure is not one of the new one.
func TestOutage_SyncOfAnEarlierOpeningFails(t *testing.T) {
	t.Parallel()
	former, present := t.TempDir(), t.TempDir()
	disk, err := files.OpenDirectory(former)
	require.NoError(t, err)
	slow := &slowDisk{Disk: disk, syncs: make(chan struct{}), release: make(chan struct{})}
	var failures, later atomic.Int64
	s, err := files.Open(files.Options{Disk: slow, Volume: counting{&failures}})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	content := bytes.Repeat([]byte("a"), 3000)
	d := proxy.Document{ID: s.NewID(), Size: int64(len(content))}
	w, err := s.Begin(t.Context(), d, 0)
	require.NoError(t, err)
	write(t, w, content[:500], 500) // with all that the first sync does
	slow.armed.Store(true)
	outcome := make(chan error, 1)
	require.NoError(t, w.Append(t.Context(), content[500:1000], func(_ int64, err error) { outcome <- err }))
	<-slow.syncs

	root, err := os.OpenRoot(present)
	require.NoError(t, err)
	require.NoError(t, s.Reopen(root, counting{&later}))
	require.NoError(t, root.Close())
	close(slow.release)
	require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(<-outcome), "the bytes are not in the directory of now")
	require.EqualValues(t, 1, failures.Load())

	require.Error(t, w.Append(t.Context(), content[:1000], nil))
	require.Eventually(t, func() bool {
		w, err = s.Begin(t.Context(), d, -1) // the first one finds that the file is gone
		return err == nil
	}, patience, time.Millisecond)
	write(t, w, content, 500)
	require.Equal(t, sha256.Sum256(content), w.Sum())
	stored, err := filepath.Glob(filepath.Join(present, "*", d.ID+".part"))
	require.NoError(t, err)
	require.Len(t, stored, 1)
	require.Zero(t, later.Load(), "the new opening has no failure")
}

// slowDisk holds the syncs of staged content until it is released.
type slowDisk struct {
	files.Disk
	armed          atomic.Bool
	syncs, release chan struct{}
}

func (d *slowDisk) Open(name string, writable bool) (files.File, error) {
	f, err := d.Disk.Open(name, writable)
	if err != nil || filepath.Ext(name) != ".part" {
		return f, err
	}
	return &slowFile{f, d}, nil
}

type slowFile struct {
	files.File
	disk *slowDisk
}

func (f *slowFile) Sync() error {
	if f.disk.armed.Load() {
		f.disk.syncs <- struct{}{}
		<-f.disk.release
	}
	return f.File.Sync()
}

type counting struct{ failures *atomic.Int64 }

func (counting) AdmitUpload() error  { return nil }
func (counting) AdmitWrite() error   { return nil }
func (c counting) WriteFailed(error) { c.failures.Add(1) }
