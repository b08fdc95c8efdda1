package audit

import (
	"attache/bridge"
	"attache/proxy"
)

// batch is entries that are written and flushed at once.
type batch struct {
	entries []proxy.AuditRecord
	done    chan struct{} // closed once err says what became of all of them
	err     error
}

// Write keeps an entry.
func (l *Log) Write(e proxy.AuditRecord) error {
	b, first := l.join(e)
	if !first {
		<-b.done
		return b.err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part()
	defer close(b.done)
	if err := l.write(b.entries); err != nil {
		l.Log.Error("the audit log cannot be written", "lines", len(b.entries), "error", err)
		b.err = bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return b.err
}

// join puts the entry into the batch that waits for the one being flushed; who is
// first in it writes it.
func (l *Log) join(e proxy.AuditRecord) (b *batch, first bool) {
	l.joining.Lock()
	defer l.joining.Unlock()
	if first = l.next == nil; first {
		l.next = &batch{done: make(chan struct{})}
	}
	l.next.entries = append(l.next.entries, e)
	return l.next, first
}

// part lets nobody join the batch any more.
func (l *Log) part() {
	l.joining.Lock()
	defer l.joining.Unlock()
	l.next = nil
}

func (l *Log) write(entries []proxy.AuditRecord) error {
	if !l.ready {
		if err := l.mend(); err != nil {
			return err
		}
	}
	lines := make([]line, len(entries))
	for i, e := range entries {
		lines[i] = newLine(e)
		if l.Names {
			lines[i].Name = e.Name
		}
	}
	return l.append(l.last, lines...)
}
