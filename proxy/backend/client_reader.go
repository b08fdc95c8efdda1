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

// documentReader is an open document of the backend's store. One request brings the bytes
// as long as they are read in order. A request that breaks, or is silent for too long, is
// replaced by another for the rest.
type documentReader struct {
	client   *Client
	document proxy.Document
	ctx      context.Context
	tag      string // ETag of the first response, for a document without a digest
	offset   int64
	body     io.ReadCloser           // from offset on; nil: not requested
	stop     context.CancelCauseFunc // ends the request that body belongs to
}

func (r *documentReader) Document() proxy.Document { return r.document }

func (r *documentReader) Read(p []byte) (n int, err error) {
	if r.offset >= r.document.Size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if n, err = r.read(p); unavailable(err) {
		// RetryFor begins after the silence.
		err = r.client.retry(r.ctx, func(context.Context) (err error) {
			n, err = r.read(p)
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("read the document %s: %w", r.document.ID, err)
	}
	return n, nil
}

// read returns at least one byte or an error.
func (r *documentReader) read(p []byte) (int, error) {
	ctx, stop := r.ctx, r.stop
	if r.body == nil {
		ctx, stop = context.WithCancelCause(r.ctx)
	}
	silent := time.AfterFunc(r.client.cfg.IdleTimeout, func() { stop(errSilent) })
	defer silent.Stop()
	if r.body == nil {
		if err := r.fetch(ctx); err != nil {
			stop(nil)
			return 0, err
		}
		r.stop = stop
	}
	left := r.document.Size - r.offset
	n, err := io.ReadAtLeast(r.body, p[:min(int64(len(p)), left)], 1)
	r.offset += int64(n)
	if n > 0 {
		return n, nil
	}
	r.drop()
	return 0, bridge.WrapError(bridge.CodeStorageUnavailable, err)
}

var errChanged = errors.New("the backend's document has changed")

// fetch requests everything from offset on. ctx must outlive the body, which is read long
// after fetch has returned.
func (r *documentReader) fetch(ctx context.Context) error {
	req, err := r.client.request(ctx, http.MethodGet, pathOf(pathDocument, r.document.ID), nil)
	if err != nil {
		return bridge.AsError(err)
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", r.offset))
	res, err := r.client.send(req, bridge.CodeStorageUnavailable)
	if err != nil {
		return err
	}
	d, err := decodeDocument(res.Header.Get(headerDocument))
	switch {
	case err != nil:
	case d.SHA256 != r.document.SHA256 || d.Size != r.document.Size:
		err = errChanged
	case !d.HasDigest() && r.tag != "" && res.Header.Get("ETag") != r.tag:
		err = errChanged
	case res.StatusCode != http.StatusPartialContent && r.offset > 0:
		err = errors.New("the backend ignored the header Range")
	}
	if err != nil {
		res.Body.Close()
		return bridge.AsError(err)
	}
	r.body, r.tag = res.Body, res.Header.Get("ETag")
	return nil
}

func (r *documentReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.document.Size
	}
	if offset < 0 {
		return r.offset, errors.New("seek before the document's beginning")
	}
	if offset != r.offset {
		r.drop()
		r.offset = offset
	}
	return offset, nil
}

func (r *documentReader) drop() {
	if r.body != nil {
		r.stop(nil)
		r.body.Close()
		r.body = nil
	}
}

func (r *documentReader) Close() error {
	r.drop()
	return nil
}
