package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// content is an open document of the backend's store. Its bytes come over one
// request for as long as they are read in order; a request that breaks, or is
// silent for too long, is sent again from there.
type content struct {
	*documents
	document proxy.Document
	ctx      context.Context
	offset   int64
	body     io.ReadCloser           // from offset on; nil: not asked for
	stop     context.CancelCauseFunc // ends the request that body belongs to
}

// Document returns the attributes.
func (c *content) Document() proxy.Document { return c.document }

// Read reads on from where the last Read or Seek left off.
func (c *content) Read(p []byte) (n int, err error) {
	if c.offset >= c.document.Size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if n, err = c.read(p); unavailable(err) {
		// Patience begins where the silence ends.
		err = c.insist(c.ctx, func(context.Context) (err error) {
			n, err = c.read(p)
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("read the document %s: %w", c.document.ID, err)
	}
	return n, nil
}

// read returns at least one byte or an error.
func (c *content) read(p []byte) (int, error) {
	ctx, stop := c.ctx, c.stop
	if c.body == nil {
		ctx, stop = context.WithCancelCause(c.ctx)
	}
	silent := time.AfterFunc(c.Silence, func() { stop(errSilent) })
	defer silent.Stop()
	if c.body == nil {
		if err := c.fetch(ctx); err != nil {
			stop(nil)
			return 0, err
		}
		c.stop = stop
	}
	left := c.document.Size - c.offset
	n, err := io.ReadAtLeast(c.body, p[:min(int64(len(p)), left)], 1)
	c.offset += int64(n)
	if n > 0 {
		return n, nil
	}
	c.drop()
	return 0, bridge.WrapError(bridge.CodeStorageUnavailable, err)
}

var errChanged = errors.New("the backend's store answers another document than it did")

// fetch asks for everything from offset on. The context is the body's, too: the
// bytes are read long after this has returned.
func (c *content) fetch(ctx context.Context) error {
	req, err := c.request(ctx, http.MethodGet, at(pathDocument, c.document.ID), nil)
	if err != nil {
		return bridge.AsError(err)
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", c.offset))
	res, err := c.send(req, bridge.CodeStorageUnavailable)
	if err != nil {
		return err
	}
	d, err := decodeDocument(res.Header.Get(headerDocument))
	switch {
	case err != nil:
	case d.SHA256 != c.document.SHA256 || d.Size != c.document.Size:
		err = errChanged
	case res.StatusCode != http.StatusPartialContent && c.offset > 0:
		err = errors.New("the backend's store does not know Range")
	}
	if err != nil {
		res.Body.Close()
		return bridge.AsError(err)
	}
	c.body = res.Body
	return nil
}

// Seek says where the next Read begins.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.offset
	case io.SeekEnd:
		offset += c.document.Size
	}
	if offset < 0 {
		return c.offset, errors.New("seek before the document's beginning")
	}
	if offset != c.offset {
		c.drop()
		c.offset = offset
	}
	return offset, nil
}

func (c *content) drop() {
	if c.body != nil {
		c.stop(nil)
		c.body.Close()
		c.body = nil
	}
}

// Close ends the request.
func (c *content) Close() error {
	c.drop()
	return nil
}
