package audit

import "os"

// OnFlush has every flush of the file go through f.
func (l *Log) OnFlush(f func(*os.File) error) { l.flush = f }

// Waiting is how many entries wait for the one flush.
func (l *Log) Waiting() int {
	l.joining.Lock()
	defer l.joining.Unlock()
	if l.next == nil {
		return 0
	}
	return len(l.next.entries)
}
