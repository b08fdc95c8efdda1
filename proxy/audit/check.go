package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Chain is what was found of a chain so far. Its zero value is the beginning.
type Chain struct {
	Lines      int    // that are whole
	Torn       int    // that were not finished, and marked by who came next
	Last       string // hash of the last line
	Unfinished bool   // the last line has no end: its writer was stopped, or is writing
}

// Broken is the first line that is not as it was written, or that is missing.
type Broken struct {
	Line int // in its file, from 1
	Why  string
}

// Error says what is wrong with which line.
func (b *Broken) Error() string { return fmt.Sprintf("line %d: %s", b.Line, b.Why) }

// Check reads a file on from where the chain stands: the oldest file first, each
// with what Check returned of the one before. The error is a *Broken where the
// chain is. That lines are missing at the end of the last file only shows where
// its last hash is known from elsewhere.
func Check(r io.Reader, c Chain) (Chain, error) {
	k := checker{Chain: c, good: c.Last}
	lines := bufio.NewReaderSize(r, longest)
	for {
		text, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return k.Chain, &Broken{k.line + 1, "this is no audit log"}
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
	good string // hash of the last line that can be read
	torn int    // lines since then
}

func (k *checker) next(text []byte) error {
	k.line++
	l, ok := read(text)
	switch {
	case k.line == 1 && !ok && k.Last == "":
		k.torn, k.Last = 1, hash(text) // of a log that was killed at its birth
		return nil
	case k.line == 1 && l.Act != actOpened:
		return k.broken("the beginning of the file is missing")
	case k.line == 1 && k.Last != "" && l.Prev != k.Last:
		return k.broken("the file before it ends otherwise: lines are missing, or another file was between them")
	case k.line == 1:
	case !ok:
		k.torn++
		k.Last = hash(text)
		return nil
	case l.Prev != k.Last:
		return k.broken("the line before it was changed, or one was removed or put in between")
	case k.torn > 0 && (l.Act != actTorn || l.After != k.good):
		return k.broken("the line before it was changed")
	}
	k.Torn += k.torn
	k.torn = 0
	k.Last = hash(text)
	k.good = k.Last
	k.Lines++
	return nil
}

// end looks at what comes after the last line's end.
func (k *checker) end(rest []byte) (Chain, error) {
	k.Unfinished = k.torn > 0 || len(rest) > 0
	if k.Unfinished {
		k.Last = k.good
	}
	return k.Chain, nil
}

func (k *checker) broken(why string) error { return &Broken{k.line, why} }
