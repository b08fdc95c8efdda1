package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// longest is more than any line has. What is torn at a file's end is shorter,
// too, however often its ending was torn in turn.
const longest = 256 << 10

// mend finds the file's last line, and ends one that was not finished. Nothing is
// ever cut off: the file may be one that can only be appended to.
func (l *Log) mend() error {
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
		// Only the end of the line is missing.
		if _, err := l.file.WriteString("\n"); err != nil {
			return fmt.Errorf("end the audit log's last line: %w", err)
		}
		l.last, l.ready = hash(rest), true
		return nil
	}
	l.Log.Warn("the audit log's last line was not finished", "bytes", len(rest))
	if rest[len(rest)-1] != '\n' {
		if _, err := l.file.WriteString("\n"); err != nil {
			return fmt.Errorf("end the audit log's last line: %w", err)
		}
	}
	rest = bytes.TrimSuffix(rest, []byte("\n"))
	torn := rest[bytes.LastIndexByte(rest, '\n')+1:]
	return l.append(hash(torn), line{Act: actTorn, After: good})
}

// tail reads the last part of a file.
func tail(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(0, info.Size()-longest)
	end := make([]byte, info.Size()-from)
	n, err := f.ReadAt(end, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return end[:n], nil
}

// lastGood returns the hash of the last whole line, and what comes after it.
func lastGood(end []byte) (hashed string, rest []byte, err error) {
	for stop := len(end); ; {
		newline := bytes.LastIndexByte(end[:stop], '\n')
		if newline < 0 {
			break
		}
		begin := bytes.LastIndexByte(end[:newline], '\n') + 1
		if _, ok := read(end[begin:newline]); ok {
			return hash(end[begin:newline]), end[newline+1:], nil
		}
		stop = newline
	}
	if len(end) == longest || !begun(end) {
		return "", nil, errors.New("the audit log ends with no line of an audit log: name another file")
	}
	return "", end, nil
}

// begun reports whether end may be what is left of a log's very first line.
func begun(end []byte) bool {
	first, _, _ := bytes.Cut(end, []byte("\n"))
	opening := line{}.text()[:len(`{"prev":"`)]
	n := min(len(first), len(opening))
	return bytes.Equal(first[:n], opening[:n])
}

// complete reports whether rest is a whole line that only lacks its end.
func complete(good string, rest []byte) bool {
	l, ok := read(rest)
	return ok && l.Prev == good && rest[len(rest)-1] != '\n'
}
