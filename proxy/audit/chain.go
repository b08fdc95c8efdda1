package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Chain is the state of a check. Its zero value is the beginning.
type Chain struct {
	Lines      int    // complete lines
	Torn       int    // incomplete lines that the next process has marked
	Last       string // hash of the last line
	Unfinished bool   // the last line is incomplete: its writer was killed, or is writing
}

// Broken is the error for the first line that was changed or removed.
type Broken struct {
	Line int // in its file, from 1
	Why  string
}

func (b *Broken) Error() string { return fmt.Sprintf("line %d: %s", b.Line, b.Why) }

// Check checks the next file of a chain: first the oldest, with a zero Chain, then
// each with the Chain that Check returned for the previous file. If the chain is
// broken, the error is a *Broken.
// Lines missing at the end of the last file show only if its last hash was copied to another
// system.
func Check(r io.Reader, c Chain) (Chain, error) {
	k := checker{Chain: c, good: c.Last}
	lines := bufio.NewReaderSize(r, maxTail)
	for {
		text, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return k.Chain, &Broken{k.line + 1, "this is not an audit log"}
		case errors.Is(err, io.EOF):
			return k.end(text)
		case err != nil:
			return k.Chain, fmt.Errorf("read the audit log: %w", err)
		}
		if err := k.next(bytes.TrimSuffix(text, []byte("\n"))); err != nil {
			return k.Chain, err
		}
	}
}

type checker struct {
	Chain
	line int
	good string // hash of the last line that can be parsed
	torn int    // lines since then
}

func (k *checker) next(text []byte) error {
	k.line++
	l, ok := parse(text)
	switch {
	case k.line == 1 && !ok && k.Last == "":
		k.torn, k.Last = 1, hash(text) // of a log whose process was killed in its first line
		return nil
	case k.line == 1 && l.Action != actionOpened:
		return k.broken("the beginning of the file is missing")
	case k.line == 1 && k.Last != "" && l.Prev != k.Last:
		return k.broken("it does not continue the file before it: lines are missing, or a file between the two")
	case k.line == 1:
	case !ok:
		k.torn++
		k.Last = hash(text)
		return nil
	case l.Prev != k.Last:
		return k.broken("the line before it was changed, or a line between the two was removed or inserted")
	case k.torn > 0 && (l.Action != actionTorn || l.After != k.good):
		return k.broken("the line before it was changed")
	}
	k.Torn += k.torn
	k.torn = 0
	k.Last = hash(text)
	k.good = k.Last
	k.Lines++
	return nil
}

// end handles the bytes after the last line's end.
func (k *checker) end(rest []byte) (Chain, error) {
	k.Unfinished = k.torn > 0 || len(rest) > 0
	if k.Unfinished {
		k.Last = k.good
	}
	return k.Chain, nil
}

func (k *checker) broken(why string) error { return &Broken{k.line, why} }
