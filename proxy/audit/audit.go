// Package audit writes the audit log: which party did what, in a file that shows
// whether it was changed.
//
// The file is append-only. Each record is a line of JSON and durable before [Log.Write] returns.
// Records that arrive during a flush share the next one, so many writers do not queue. A line
// carries the SHA-256 of the line before it, so a line that was removed, changed or inserted breaks
// the chain ([Check]). No key is involved: anyone who may write the file could build another chain,
// so copy its last hash to another system now and then. A copied hash stays in the file as long as
// the lines before it are unchanged.
//
//	log, err := audit.Open("/var/log/attache/audit", audit.Options{})
//	proxy.New(proxy.Config{Audit: log, …})
//	deliver.Start(ctx, deliver.Options{Audit: log, …})
//
// It promises:
//
//   - A refused offer, a ticket and a download have their line before they happen. If the line of a
//     ticket or a download cannot be written, it does not happen. A ticket's use has one line at
//     each proxy, however often and in however many parts it is used.
//   - An upload's end has its line at least once, after the end is final. Its message stays in the
//     delivery's queue until the line is durable, so if a proxy dies in between, the next one writes
//     the line. A proxy that dies between the line and the queue's acknowledgement causes a second
//     line with the same session, key and end.
//   - A verdict other than clean has its line before the upload fails, and
//     again if that step is repeated.
//
// Any proxy of a cluster may deliver an upload that another has accepted, and each has its own file:
// the lines of one upload may be in several, and either all proxies should have a file or none.
//
// A process that dies while writing a line leaves a part of it. The next process that opens the file
// ends that line and adds one that says so. To rotate the file, rename it and reopen the log: the
// new file begins with the last hash of the old one, and [Check] follows from one to the other.
package audit

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"attache/proxy"
)

// Options are the options of [Open].
type Options struct {
	// Names adds the files' names, which may be personal data.
	Names bool
	// Log gets problems with the file; nil discards them.
	Log *slog.Logger
}

// Log is an open audit file. No other Log, in any process, has it open at the same time.
type Log struct {
	cfg  Options
	path string

	joining sync.Mutex
	next    *batch // for records that arrive now; nil: they begin a new one

	mu    sync.Mutex
	file  *os.File
	flush func(*os.File) error
	last  string // hash of the last line
	ready bool   // the file ends with a complete line, and last is its hash
}

var _ proxy.Audit = (*Log)(nil)

// Open continues the file at path, or creates it, readable only by its owner. It fails if another
// process has it open, or if it is not a regular file.
func Open(path string, o Options) (*Log, error) {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	l := &Log{cfg: o, path: path, flush: (*os.File).Sync}
	file, err := open(path)
	if err != nil {
		return nil, err
	}
	if err := l.begin(file, ""); err != nil {
		release(file)
		return nil, err
	}
	return l, nil
}

// begin continues file. If it is empty, its first line carries the hash before.
func (l *Log) begin(file *os.File, before string) error {
	next := &Log{cfg: l.cfg, path: l.path, file: file, flush: l.flush}
	if err := next.repair(); err != nil {
		return err
	}
	if next.last == "" {
		if err := next.append(before, line{Action: actionOpened}); err != nil {
			return err
		}
	}
	l.file, l.last, l.ready = file, next.last, true
	return nil
}

// append writes lines with one write, each with the hash of the one before, the first with prev.
// After an error the file's end is unknown until repair has read it.
func (l *Log) append(prev string, lines ...line) error {
	var text []byte
	for _, made := range lines {
		made.Prev = prev
		one := made.text()
		prev = hash(one)
		text = append(append(text, one...), '\n')
	}
	l.ready = false
	if _, err := l.file.Write(text); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	if err := l.flush(l.file); err != nil {
		return fmt.Errorf("flush the audit log: %w", err)
	}
	l.last, l.ready = prev, true
	return nil
}

// Reopen continues with the file that is at the path now: with a new one, if the old one was
// renamed. If Reopen fails, the log continues with the old file.
func (l *Log) Reopen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if same(l.file, l.path) {
		return nil
	}
	if !l.ready {
		if err := l.repair(); err != nil {
			return err
		}
	}
	old := l.file
	file, err := open(l.path)
	if err != nil {
		return err
	}
	if err := l.begin(file, l.last); err != nil {
		release(file)
		return err
	}
	return release(old)
}

func same(file *os.File, path string) bool {
	a, errA := file.Stat()
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return release(l.file)
}

var _ io.Closer = (*Log)(nil)
