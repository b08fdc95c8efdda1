package gms

import (
	"io"
	"mime"
	"strings"
)

// fileForm is the form of an upload: parameters, the file, and maybe more parameters.
type fileForm struct {
	call *Call
	body parts
	file *part // nil: there is none

	// check judges the parameters when all were read. nil: they are as they should be.
	check func(*Call) error
}

// Read reads the file. It ends with io.EOF only if everything after it was read too and is as it
// should be: no other file, and the final boundary.
func (f *fileForm) Read(p []byte) (int, error) {
	n, err := f.file.file.Read(p)
	if n > 0 && err == io.EOF {
		return n, nil
	}
	if err != io.EOF {
		return n, err
	}
	another, err := f.call.read(f.body)
	if err == nil && another != nil {
		err = refused("the request has two files", "send each in a request of its own")
	}
	if err == nil && f.check != nil {
		err = f.check(f.call)
	}
	if err == nil {
		err = io.EOF
	}
	return 0, err
}

// name is the file's name. Browsers write a quotation mark as %22, and nothing else so.
func (f *fileForm) name() string { return strings.ReplaceAll(f.file.fileName, "%22", `"`) }

// mimeType is the file's type, if the client said one that can be.
func (f *fileForm) mimeType() string {
	kind, _, err := mime.ParseMediaType(f.file.contentType)
	if err != nil || len(kind) > 256 {
		return ""
	}
	return kind
}
