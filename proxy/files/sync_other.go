//go:build !linux

package files

import "os"

// syncData makes a file's bytes and length durable. On macOS, Sync flushes the drive's cache
// too (F_FULLFSYNC).
func syncData(f *os.File) error { return f.Sync() }
