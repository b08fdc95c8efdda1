package files

import (
	"errors"
	"io"

	"attache/proxy"
)

// reader reads an open file, up to the size that the document had when it was opened. Only one
// goroutine may use it at a time.
type reader struct {
	*io.SectionReader
	file     File
	document proxy.Document
}

func newReader(f File, d proxy.Document) *reader {
	return &reader{io.NewSectionReader(f, 0, d.Size), f, d}
}

// Document describes the open document.
func (r *reader) Document() proxy.Document { return r.document }

func (r *reader) Close() error { return r.file.Close() }

// Read fails if the file has been cut, which would look like its end otherwise.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.SectionReader.Read(p)
	if at, _ := r.Seek(0, io.SeekCurrent); errors.Is(err, io.EOF) && at < r.Size() && len(p) > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	return n, storage(err)
}
