package upstream

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"attache/proxy/gms"
)

// download asks for a file's content, which charges an attempt. The caller closes the body.
func (c *Client) download(ctx context.Context, ch chat, d document) (io.ReadCloser, error) {
	for {
		body, err := c.downloadOnce(ctx, ch, d)
		renewed, ok := c.renewed(ctx, d.Session, ch, err)
		if !ok {
			return body, err
		}
		ch = renewed
	}
}

func (c *Client) downloadOnce(ctx context.Context, ch chat, d document) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	late := time.AfterFunc(c.cfg.IdleTime, func() { cancel(errStalled) })
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.path(ch, "file", d.FileID, "download"), strings.NewReader(ch.identity(nil).Encode()))
	if err == nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Accept-Encoding", "identity")
	}
	var res *http.Response
	if err == nil {
		res, err = c.send(req)
	}
	if err != nil {
		late.Stop()
		cancel(nil)
		return nil, err
	}
	begun := bufio.NewReaderSize(res.Body, maxRefusal)
	body := &downloading{watched{begun, late, c.cfg.IdleTime}, func() { late.Stop(); cancel(nil); res.Body.Close() }}
	// Some send the reason of a refusal with status 200, as if it was the file.
	start, _ := begun.Peek(maxRefusal)
	if len(start) < maxRefusal && (res.StatusCode != http.StatusOK || int64(len(start)) != d.Size) {
		if r, ok := decode(start); ok && r.StatusCode != gms.StatusOK {
			body.Close()
			return nil, c.cfg.Unknowns.refused(r)
		}
	}
	if res.StatusCode != http.StatusOK {
		body.Close()
		return nil, answered(res.StatusCode, false)
	}
	return body, nil
}

// maxRefusal bounds the envelope of a refused download, in bytes.
const maxRefusal = 16 << 10

type downloading struct {
	watched
	close func()
}

func (d *downloading) Close() error { d.close(); return nil }
