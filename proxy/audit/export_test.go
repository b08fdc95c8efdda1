package audit

import "os"

// OnFlush replaces the flush of the file by f.
func (l *Log) OnFlush(f func(*os.File) error) { l.flush = f }

// Waiting returns how many records wait for the flush in progress.
func (l *Log) Waiting() int {
	l.joining.Lock()
	defer l.joining.Unlock()
	if l.next == nil {
		return 0
	}
	return len(l.next.records)
}
