package limits

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"
	"time"

	"attache/proxy/engine"
)

// FileOptions are the options of [ReadFile] and [WatchFile].
type FileOptions struct {
	Path   string
	Flags  Settings // what an option has that is not in the file
	Bounds Bounds
	// Every is how often the file is read. 0 is a second.
	Every time.Duration
	// Log receives mistakes in the file; nil drops them.
	Log *slog.Logger
}

// ReadFile returns the flags with the options of the file over them: a JSON object of some
// or all options. An error names every mistake.
func ReadFile(o FileOptions) (Settings, error) {
	in, err := readRegular(o.Path)
	if err != nil {
		return o.Flags, err
	}
	return o.parse(in)
}

// readRegular reads a file that may have become something else since it was named. Opening a
// pipe that nobody writes to would block for ever, and a device may have no end.
func readRegular(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return io.ReadAll(f)
}

// byteOrderMark is what some editors write before UTF-8.
var byteOrderMark = []byte("\ufeff")

func (o FileOptions) parse(in []byte) (Settings, error) {
	s := o.Flags
	_, mistakes := s.decode(bytes.TrimPrefix(in, byteOrderMark))
	if mistakes = append(mistakes, s.Check(o.Bounds)...); len(mistakes) > 0 {
		return o.Flags, fmt.Errorf("%s: %w", o.Path, mistakes)
	}
	return s, nil
}

// WatchFile applies the file to the store whenever it changes, until ctx ends. A file that
// cannot be read or has mistakes changes nothing, and is logged once. The content is compared,
// and not the date: an editor may replace the file, and so may the system that mounts it.
func (s *Store) WatchFile(ctx context.Context, o FileOptions) {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	var applied []byte
	var problem fileProblem
	for engine.Pause(ctx, cmp.Or(o.Every, time.Second)) == nil {
		in, err := readRegular(o.Path)
		if err == nil && !bytes.Equal(in, applied) {
			err = s.applyFile(ctx, o, in)
		}
		if err == nil {
			applied = in
		}
		if problem.again(err) && ctx.Err() == nil {
			o.Log.Error("the file of limits is not applied, the earlier limits stay in force", "error", err)
		}
	}
}

func (s *Store) applyFile(ctx context.Context, o FileOptions, in []byte) error {
	settings, err := o.parse(in)
	if err != nil {
		return err
	}
	return s.Rebase(ctx, settings, "the file "+o.Path)
}

// fileProblem is what was wrong with the file when it was last read.
type fileProblem struct {
	text  string
	times int
}

// again reports that a problem is there for the second time in a row: somebody may have been
// writing the file at the first.
func (p *fileProblem) again(err error) bool {
	if err == nil {
		*p = fileProblem{}
		return false
	}
	if p.text != err.Error() {
		*p = fileProblem{text: err.Error()}
	}
	p.times++
	return p.times == 2
}
