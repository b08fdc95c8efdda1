package files_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"attache/proxy/engine"
	"attache/proxy/files"
	"attache/proxy/storetest"
)

// suite is this package's store as the suite of cases opens it.
var suite = storetest.Target{Open: openSuite}

func openSuite(ctx context.Context, dir string, o storetest.Options) (storetest.Process, error) {
	e, err := engine.Start(ctx, engine.Options{Dir: dir, MaxStore: o.MaxStore, Reserve: o.MaxStore / 4})
	if err != nil {
		return storetest.Process{}, err
	}
	own := filepath.Join(dir, "documents")
	s, err := files.Open(files.Options{Dir: own, Volume: e.Volume(), Now: o.Now, MaxOpen: maxOpen})
	if err != nil {
		e.Close()
		return storetest.Process{}, err
	}
	detach, err := e.Attach(engine.Content{Dir: own, Bytes: s.Bytes, Reopen: func(dir *os.Root) error {
		return s.Reopen(dir, e.Volume())
	}})
	end := sync.OnceFunc(func() {
		if detach != nil {
			detach()
		}
		s.Close()
		e.Close()
	})
	if err != nil {
		end()
	}
	return storetest.Process{Store: s, End: end, OpenFiles: openFiles(own)}, err
}

// openFiles counts the files that this process has open in a directory, where the kernel lists
// them. Readers of a case are among them.
func openFiles(dir string) func() (open, most int) {
	return func() (open, most int) {
		descriptors, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return 0, 0
		}
		for _, d := range descriptors {
			if path, err := os.Readlink(filepath.Join("/proc/self/fd", d.Name())); err == nil && strings.HasSuffix(path, ".part") && strings.HasPrefix(path, dir) {
				open++
			}
		}
		return open, maxOpen
	}
}

// maxOpen is fewer than the writers of a case.
const maxOpen = 40

func TestMain(m *testing.M) {
	storetest.Child(suite)
	goleak.VerifyTestMain(m)
}

func TestStoreSuite(t *testing.T) { storetest.Run(t, suite) }

func TestStoreSuite_FindsEveryFault(t *testing.T) { storetest.Faults(t, suite) }
