package upstream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
)

// fetch makes sure that a document's bytes are here and paid for by that attempt. GMS charges
// each download, and knows no Range: so the bytes are kept for retries, and another attempt
// downloads them again. Without an attempt the bytes are read to be scanned, and the next
// attempt has paid for them.
func (c *Client) fetch(ctx context.Context, id, attempt string) (document, error) {
	unlock, err := c.fetching.lock(ctx, id)
	if err != nil {
		return document{}, bridge.WrapError(bridge.CodeTimeout, err)
	}
	defer unlock()
	d, err := c.changeDocument(ctx, id, func(d *document) bool {
		if d.Content == "" || !d.Free || attempt == "" {
			return false
		}
		d.Free, d.Paid = false, append(d.Paid, attempt)
		return true
	})
	if err != nil {
		return d, err
	}
	if d.Deleted {
		return d, bridge.NewError(bridge.CodeFileUnknown, "")
	}
	if d.Content != "" && (attempt == "" || slices.Contains(d.Paid, attempt)) && c.has(ctx, d.Content) {
		return d, nil
	}
	ch, _, err := c.load(ctx, d.Session)
	if err != nil {
		return d, err
	}
	if ch.State != open {
		return d, bridge.NewError(bridge.CodeSessionEnded, "")
	}
	content, sum, err := c.copy(ctx, ch, d)
	if err != nil {
		return d, err
	}
	crashPoint("fetched")
	old := ""
	d, err = c.changeDocument(ctx, id, func(d *document) bool {
		old = d.Content
		d.Content, d.SHA256, d.Fetched, d.Free = content, sum, time.Now(), attempt == ""
		if attempt != "" {
			d.Paid = append(d.Paid, attempt)
		}
		d.Paid = d.Paid[max(0, len(d.Paid)-maxPaid):]
		return true
	})
	if err == nil && old != "" {
		err = c.contents.Remove(ctx, old)
	}
	return d, err
}

func (c *Client) has(ctx context.Context, content string) bool {
	open, err := c.contents.Open(ctx, content)
	if err != nil {
		return false
	}
	open.Close()
	return true
}

// copy downloads a file into the store, and returns its id there.
func (c *Client) copy(ctx context.Context, ch chat, d document) (id string, sum [32]byte, err error) {
	if err := c.contents.AdmitUpload(); err != nil {
		return "", sum, err
	}
	body, err := c.download(ctx, ch, d)
	if err != nil {
		if f := asFailure(err); f != nil && f.Over {
			err = errors.Join(err, c.overDecided(ctx, d.Session, ch, f))
		}
		return "", sum, err
	}
	defer body.Close()
	staged := proxy.Document{
		ID: c.contents.NewID(), Name: d.Name, Size: d.Size, Created: time.Now(), Session: d.Session, UserID: d.UserID,
	}.Typed()
	if sum, err = c.fill(ctx, staged, body); err == nil {
		staged.SHA256 = sum
		id, err = c.contents.Add(ctx, staged)
	}
	if settler, ok := c.contents.(proxy.Settler); ok && err == nil {
		err = settler.Settle(ctx, id)
	}
	if err != nil {
		c.contents.Discard(context.WithoutCancel(ctx), staged.ID)
	}
	return id, sum, orUnavailable(err)
}

// fill stages the body, which must be as long as the file was announced.
func (c *Client) fill(ctx context.Context, d proxy.Document, body io.Reader) ([32]byte, error) {
	var none [32]byte
	w, err := c.contents.Begin(ctx, d, 0)
	if err != nil {
		return none, err
	}
	defer w.Close()
	durable := make(chan error, 1)
	piece := make([]byte, min(int64(w.MaxChunk()), max(d.Size, 1)))
	total, sum := int64(0), sha256.New()
	for total < d.Size {
		n, err := io.ReadFull(body, piece[:min(int64(len(piece)), d.Size-total)])
		if err != nil {
			return none, shorter(piece[:n], total, err)
		}
		sum.Write(piece[:n])
		// One piece at a time is under way: the source is slower than the disk.
		if err := w.Append(ctx, piece[:n], func(_ int64, err error) { durable <- err }); err != nil {
			return none, err
		}
		select {
		case err := <-durable:
			if err != nil {
				return none, err
			}
		case <-ctx.Done():
			return none, bridge.WrapError(bridge.CodeTimeout, ctx.Err())
		}
		total += int64(n)
	}
	if n, _ := io.ReadFull(body, piece[:1]); n != 0 {
		return none, bridge.NewError(bridge.CodeDownloadMismatch, "GMS sent more bytes than the file was announced with")
	}
	return [32]byte(sum.Sum(nil)), nil
}

// shorter is the error of a body that ended early.
func shorter(begun []byte, before int64, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		if bytes.HasPrefix(bytes.TrimSpace(bytes.ToLower(begun)), []byte("<")) && before == 0 {
			return bridge.NewError(bridge.CodeDownloadMismatch, "something between here and GMS sent a page in place of the file")
		}
		return bridge.NewError(bridge.CodeDownloadMismatch, "GMS sent fewer bytes than the file was announced with")
	}
	return bridge.WrapError(bridge.CodeStorageUnavailable, fmt.Errorf("read a file from GMS: %w", err))
}

// sweepEvery is how often downloaded bytes are looked through for old ones.
const sweepEvery = time.Minute

// sweep drops what was downloaded and is kept no longer.
func (c *Client) sweep() {
	for engine.Pause(c.ctx, sweepEvery) == nil {
		if err := c.sweepOnce(c.ctx); err != nil && c.ctx.Err() == nil {
			c.cfg.Log.Warn("downloaded files of GMS could not be removed, and are later", "error", err)
		}
	}
}

func (c *Client) sweepOnce(ctx context.Context) error {
	subjects, err := c.subjects(ctx, documentPrefix+"*")
	for _, subject := range subjects {
		if err == nil {
			err = c.drop(ctx, strings.TrimPrefix(subject, documentPrefix), time.Now().Add(-c.cfg.KeepContent))
		}
	}
	return err
}

// drop removes what was downloaded of a document before that time.
func (c *Client) drop(ctx context.Context, id string, before time.Time) error {
	content := ""
	_, err := c.changeDocument(ctx, id, func(d *document) bool {
		content = d.Content
		if content == "" || d.Fetched.After(before) {
			content = ""
			return false
		}
		d.Content, d.Free = "", false
		return true
	})
	if err != nil || content == "" {
		return err
	}
	return c.contents.Remove(ctx, content)
}
