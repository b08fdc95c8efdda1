package audit

import (
	"attache/bridge"
	"attache/proxy"
)

// batch is the records that share one write and one flush.
type batch struct {
	records []proxy.AuditRecord
	done    chan struct{} // closed after err is set
	err     error
}

// Write returns when the record is durable.
func (l *Log) Write(r proxy.AuditRecord) error {
	b, first := l.join(r)
	if !first {
		<-b.done
		return b.err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closeBatch()
	defer close(b.done)
	if err := l.writeRecords(b.records); err != nil {
		l.cfg.Log.Error("the audit log cannot be written", "lines", len(b.records), "error", err)
		b.err = bridge.WrapError(bridge.CodeStorageUnavailable, err)
	}
	return b.err
}

// join adds the record to the batch that waits for the one being flushed. The first caller of a
// batch writes it.
func (l *Log) join(r proxy.AuditRecord) (b *batch, first bool) {
	l.joining.Lock()
	defer l.joining.Unlock()
	if first = l.next == nil; first {
		l.next = &batch{done: make(chan struct{})}
	}
	l.next.records = append(l.next.records, r)
	return l.next, first
}

// closeBatch ends joining.
func (l *Log) closeBatch() {
	l.joining.Lock()
	defer l.joining.Unlock()
	l.next = nil
}

func (l *Log) writeRecords(records []proxy.AuditRecord) error {
	if !l.ready {
		if err := l.repair(); err != nil {
			return err
		}
	}
	lines := make([]line, len(records))
	for i, r := range records {
		lines[i] = newLine(r)
		if l.cfg.Names {
			lines[i].Name = r.Name
		}
	}
	return l.append(l.last, lines...)
}
