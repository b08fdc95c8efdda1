package gms

import (
	"cmp"
	"io"
	"mime/multipart"
	"strings"
)

// multipartBody reads a multipart body part by part, so that a file is never in memory.
type multipartBody struct {
	reader *multipart.Reader
	budget *budget
	count  int
}

func newMultipart(body io.Reader, boundary string, b *budget) parts {
	whole := io.MultiReader(body, strings.NewReader("\r\n"), cut{})
	return &multipartBody{reader: multipart.NewReader(whole, boundary), budget: b}
}

// cut is after the end of a body, where the reader only gets without a final boundary. The line
// end before it ends a final boundary that has none; without these, a body that ends in the
// header of a part would seem complete.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// fileField is the name of the part that is the file, also if it has no file name.
const fileField = "file"

func (m *multipartBody) next() (*part, error) {
	p, err := m.reader.NextPart()
	switch {
	case err == io.EOF:
		return nil, io.EOF
	case err != nil:
		return nil, unreadable(err)
	}
	m.budget.hold()
	if m.count++; m.count > maxParts {
		return nil, tooMany()
	}
	name := p.FormName()
	if p.FileName() != "" || name == fileField {
		m.budget.free = true
		return &part{
			name: cmp.Or(name, fileField), fileName: p.FileName(), contentType: p.Header.Get("Content-Type"),
			file: fileReader{p, m.budget},
		}, nil
	}
	value, err := io.ReadAll(p)
	if err != nil {
		return nil, unreadable(err)
	}
	return &part{name: name, value: string(value)}, nil
}

// fileReader reads a file and says what was wrong with the body.
type fileReader struct {
	*multipart.Part
	budget *budget
}

func (f fileReader) Read(p []byte) (int, error) {
	n, err := f.Part.Read(p)
	if err == io.EOF {
		f.budget.hold()
	}
	if err != nil && err != io.EOF {
		err = unreadable(err)
	}
	return n, err
}
