package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxTail is longer than any line, and than any incomplete end of a file, however often its repair
// was interrupted, too.
const maxTail = 256 << 10

// repair finds the file's last line and ends it if it is incomplete. It never truncates, because the
// file may be append-only.
func (l *Log) repair() error {
	end, err := tail(l.file)
	if err != nil {
		return fmt.Errorf("read the audit log's end: %w", err)
	}
	good, rest, err := lastGood(end)
	if err != nil {
		return err
	}
	switch {
	case len(rest) == 0:
		l.last, l.ready = good, true
		return nil
	case complete(good, rest):
		// Only the line feed is missing.
		if _, err := l.file.WriteString("\n"); err != nil {
			return fmt.Errorf("end the audit log's last line: %w", err)
		}
		l.last, l.ready = hash(rest), true
		return nil
	}
	l.cfg.Log.Warn("the audit log's last line was incomplete", "bytes", len(rest))
	if rest[len(rest)-1] != '\n' {
		if _, err := l.file.WriteString("\n"); err != nil {
			return fmt.Errorf("end the audit log's last line: %w", err)
		}
	}
	rest = bytes.TrimSuffix(rest, []byte("\n"))
	torn := rest[bytes.LastIndexByte(rest, '\n')+1:]
	return l.append(hash(torn), line{Action: actionTorn, After: good})
}

// tail returns the last maxTail bytes of a file.
func tail(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(0, info.Size()-maxTail)
	end := make([]byte, info.Size()-from)
	n, err := f.ReadAt(end, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return end[:n], nil
}

// lastGood returns the hash of the last complete line, and the bytes after it.
func lastGood(end []byte) (hashed string, rest []byte, err error) {
	for stop := len(end); ; {
		newline := bytes.LastIndexByte(end[:stop], '\n')
		if newline < 0 {
			break
		}
		begin := bytes.LastIndexByte(end[:newline], '\n') + 1
		if _, ok := parse(end[begin:newline]); ok {
			return hash(end[begin:newline]), end[newline+1:], nil
		}
		stop = newline
	}
	if len(end) == maxTail || !begun(end) {
		return "", nil, errors.New("the file is not an audit log, because its last line is not one: name another file")
	}
	return "", end, nil
}

// begun reports whether end may be the beginning of a log's first line.
func begun(end []byte) bool {
	first, _, _ := bytes.Cut(end, []byte("\n"))
	opening := line{}.text()[:len(`{"prev":"`)]
	n := min(len(first), len(opening))
	return bytes.Equal(first[:n], opening[:n])
}

// complete reports whether rest is a line that lacks only its line feed.
func complete(good string, rest []byte) bool {
	l, ok := parse(rest)
	return ok && l.Prev == good && rest[len(rest)-1] != '\n'
}
