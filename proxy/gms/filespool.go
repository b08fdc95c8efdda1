package gms

import (
	"errors"
	"io"
	"os"
	"sync"

	"attache/bridge"
)

// spool is a file that came before the identity of its party. It has no name on the disk, so
// that nothing is left of it, however the process ends.
type spool struct {
	*os.File
	size int64
	free func()
}

// Close deletes the spool and gives its share of the budget back.
func (s *spool) Close() error {
	defer s.free()
	return s.File.Close()
}

// spoolBudget bounds the spooled bytes of each address.
type spoolBudget struct {
	mu   sync.Mutex
	used map[string]int64
}

// take takes n bytes of an address's budget, and reports whether it had them.
func (b *spoolBudget) take(address string, n, most int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used[address]+n > most {
		return false
	}
	if b.used == nil {
		b.used = map[string]int64{}
	}
	b.used[address] += n
	return true
}

func (b *spoolBudget) give(address string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used[address] -= n; b.used[address] <= 0 {
		delete(b.used, address)
	}
}

// spoolPiece is how much of the budget is taken at a time: an address that only says that it has
// a large file takes next to nothing.
const spoolPiece = 256 << 10

// spoolFile reads the file, and the parameters after it.
func (u *fileUpload) spoolFile() error {
	o := u.server.cfg.Files
	f, err := os.CreateTemp(o.SpoolDir, "attache-upload-*")
	if err != nil {
		return bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	removed := os.Remove(f.Name())
	budget, address, taken := &u.server.spools, u.form.call.Address, int64(0)
	u.spool = &spool{File: f, free: sync.OnceFunc(func() { budget.give(address, taken) })}
	if removed != nil {
		return bridge.WrapError(bridge.CodeStorageUnavailable, removed)
	}
	for {
		if u.spool.size >= o.SpoolSize {
			return spoolError(bridge.CodeFileSize, "a file that comes before userId and secureKey may have less than "+bridge.Bytes(o.SpoolSize))
		}
		if !budget.take(address, spoolPiece, o.SpoolAddress) {
			return spoolError(bridge.CodeBusy, "too many files from this address come before userId and secureKey")
		}
		taken += spoolPiece
		n, err := io.CopyN(f, &u.form, spoolPiece)
		u.spool.size += n
		if errors.Is(err, io.EOF) {
			_, err = f.Seek(0, io.SeekStart)
			return err
		}
		if err != nil {
			return err
		}
	}
}

func spoolError(code bridge.Code, message string) error {
	err := bridge.NewError(code, message)
	err.Hint = "send them before the file"
	return err
}
