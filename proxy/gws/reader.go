package gws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// reader is an open attachment. One request brings the bytes as long as they are read in order.
// One that breaks or stalls is replaced by another for what is left.
type reader struct {
	client   *Client
	at       place
	document proxy.Document
	unsized  bool // until look has returned
	ctx      context.Context
	offset   int64
	body     io.ReadCloser // from offset on; nil: not requested
	timer    *time.Timer
	stop     context.CancelCauseFunc
}

var _ proxy.Content = (*reader)(nil)

func (r *reader) Document() proxy.Document { return r.document }

// look requests the attachment of a document that we have no entry of, and keeps its body.
func (r *reader) look() error {
	r.unsized = true
	res, err := r.request()
	if err != nil {
		return err
	}
	if res.ContentLength < 0 {
		r.drop()
		return away(errors.New("GWS did not say how large the attachment is"))
	}
	r.document.Size, r.unsized = res.ContentLength, false
	if t, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil {
		r.document.MimeType = t
	}
	if _, p, err := mime.ParseMediaType(res.Header.Get("Content-Disposition")); err == nil {
		r.document.Name = p["filename"]
	}
	return nil
}

func (r *reader) Read(p []byte) (n int, err error) {
	if r.offset >= r.document.Size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	late, cancel := context.WithTimeout(r.ctx, r.client.cfg.RetryFor)
	defer cancel()
	for {
		if n, err = r.read(p); err == nil || !bridge.AsError(err).Retry {
			break
		}
		if wait(late) != nil {
			break
		}
	}
	if err != nil {
		return 0, fmt.Errorf("read the attachment %s: %w", r.at.document, err)
	}
	return n, nil
}

// wait pauses between two tries.
func wait(ctx context.Context) error {
	select {
	case <-time.After(200 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read returns at least one byte or an error.
func (r *reader) read(p []byte) (int, error) {
	if r.body == nil {
		if _, err := r.request(); err != nil {
			return 0, err
		}
	}
	r.timer.Reset(r.client.cfg.Timeout)
	defer r.timer.Stop()
	n, err := io.ReadAtLeast(r.body, p[:min(int64(len(p)), r.document.Size-r.offset)], 1)
	r.offset += int64(n)
	if n > 0 {
		return n, nil
	}
	r.drop()
	return 0, away(fmt.Errorf("GWS ended the attachment early: %w", err))
}

// request requests the bytes from offset on, and skips those before if GWS sends all.
func (r *reader) request() (*http.Response, error) {
	ctx, timer, stop := r.client.stalls(r.ctx)
	res, err := r.client.fetch(ctx, r.at, r.offset)
	if err != nil {
		timer.Stop()
		stop(nil)
		return nil, err
	}
	timer.Stop() // until the next Read
	r.body, r.timer, r.stop = res.Body, timer, stop
	partial := res.StatusCode == http.StatusPartialContent
	if err := r.sized(res, partial); err != nil {
		r.drop()
		return nil, err
	}
	if r.offset == 0 {
		return res, nil
	}
	if partial && !strings.HasPrefix(res.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", r.offset)) {
		r.drop()
		return nil, away(errors.New("GWS sent another range than it was asked for"))
	}
	if !partial {
		timer.Reset(r.client.cfg.Timeout + time.Duration(r.offset/(256<<10))*time.Second)
		if _, err := io.CopyN(io.Discard, res.Body, r.offset); err != nil {
			r.drop()
			return nil, away(fmt.Errorf("skip to the offset: %w", err))
		}
		timer.Stop()
	}
	return res, nil
}

// sized refuses an answer that has another length than the attachment, such as the login page of
// a gateway.
func (r *reader) sized(res *http.Response, partial bool) error {
	want := r.document.Size
	if partial {
		want -= r.offset
	}
	if r.unsized || res.ContentLength < 0 || res.ContentLength == want {
		return nil
	}
	return away(fmt.Errorf("GWS answered %d bytes of type %.100q, and the attachment has %d", res.ContentLength, res.Header.Get("Content-Type"), want))
}

func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.document.Size
	}
	if offset < 0 {
		return r.offset, errors.New("seek before the attachment's beginning")
	}
	if offset != r.offset {
		r.drop()
		r.offset = offset
	}
	return offset, nil
}

func (r *reader) drop() {
	if r.body != nil {
		r.timer.Stop()
		r.stop(nil)
		r.body.Close()
		r.body = nil
	}
}

// Close ends the request.
func (r *reader) Close() error {
	r.drop()
	return nil
}
