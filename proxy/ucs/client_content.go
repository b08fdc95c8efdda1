package ucs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/spool"
)

// Open describes a document. Its bytes are read, all of them, with its first Read, because
// GetDocument has no ranges. From then on they are in the spool, and every other reader gets them
// there, also at another offset. No byte leaves before all of them were compared with the size,
// and with the digest if we added the document.
func (c *Client) Open(ctx context.Context, id string) (proxy.Content, error) {
	d, err := c.Describe(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("open the document %s: %w", id, err)
	}
	return &content{client: c, ctx: ctx, document: d}, nil
}

// Describe returns a document's description. It has a digest if we added its bytes.
func (c *Client) Describe(ctx context.Context, id string) (d proxy.Document, err error) {
	ucsID, entry, err := c.idOf(ctx, id)
	if err == nil && entry.DocumentID != "" && !entry.Whole {
		return d, bridge.NewError(bridge.CodeDocument, "")
	}
	if err == nil {
		err = c.retry(ctx, func(ctx context.Context) (err error) {
			d, err = c.describe(ctx, ucsID)
			return err
		})
	}
	if err != nil {
		return d, err
	}
	if entry.DocumentID == "" {
		return d, nil
	}
	d.Created, d.Session, d.UserID = entry.Created, entry.Session, entry.UserID
	c.mu.Lock()
	defer c.mu.Unlock()
	if sum, err := hex.DecodeString(entry.SHA256); err == nil && entry.Size == d.Size && !c.changed[ucsID+entry.SHA256] {
		copy(d.SHA256[:], sum)
	}
	return d, nil
}

// describe is GetDocument without content.
func (c *Client) describe(ctx context.Context, id string) (proxy.Document, error) {
	if checkID(id) != nil {
		return proxy.Document{}, bridge.NewError(bridge.CodeDocument, "")
	}
	m, err := c.send(ctx, call{verb: http.MethodGet, method: methodGet, members: []member{{memberDocument, id}, {memberInclude, false}}})
	if err != nil {
		return proxy.Document{}, err
	}
	d, err := documentOf(m, id)
	if err != nil {
		return d, bridge.WrapError(bridge.CodeStorageUnavailable, fmt.Errorf("UCS's reply to GetDocument: %w", err))
	}
	return d, nil
}

func documentOf(m message, id string) (proxy.Document, error) {
	d := proxy.Document{ID: id}
	for name, to := range map[string]*string{memberType: &d.MimeType, memberName: &d.Name, memberDescription: &d.Description} {
		t, err := m.text(name)
		if err != nil {
			return d, err
		}
		if t != nil {
			*to = *t
		}
	}
	size, err := m.size(memberSize)
	if err == nil && (size == nil || *size < 0) {
		err = &Error{Fault: MissingParameter, Parameter: memberSize}
	}
	if err != nil {
		return d, err
	}
	d.Size = *size
	return d.Typed(), nil
}

// content is an open document.
type content struct {
	client   *Client
	ctx      context.Context
	document proxy.Document
	offset   int64
	in       proxy.Content // nil before the first Read
}

func (r *content) Document() proxy.Document { return r.document }

func (r *content) Read(p []byte) (int, error) {
	if r.offset >= r.document.Size {
		return 0, io.EOF
	}
	if r.in == nil {
		in, err := r.client.fetch(r.ctx, r.document)
		if err != nil {
			return 0, fmt.Errorf("read the document %s: %w", r.document.ID, err)
		}
		r.in = in
		if _, err := in.Seek(r.offset, io.SeekStart); err != nil {
			return 0, err
		}
	}
	n, err := r.in.Read(p)
	r.offset += int64(n)
	return n, err
}

func (r *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.document.Size
	}
	if offset < 0 {
		return r.offset, errors.New("seek before the document's beginning")
	}
	r.offset = offset
	if r.in != nil {
		return r.in.Seek(offset, io.SeekStart)
	}
	return offset, nil
}

func (r *content) Close() error {
	if r.in == nil {
		return nil
	}
	return r.in.Close()
}

// fetch is one reading of a document into the spool. Any number of readers wait for it; it goes on
// without them.
type fetch struct {
	done chan struct{}
	err  error // before done is closed
}

// fetch returns the bytes of a document from the spool, and reads them into it first.
func (c *Client) fetch(ctx context.Context, d proxy.Document) (proxy.Content, error) {
	key := d.ID + "/" + strconv.FormatInt(d.Size, 10) + "/" + d.Digest()
	for {
		if in := c.cfg.Spool.Content(key); in != nil {
			return in, nil
		}
		one, err := c.fetching(key, d)
		if err != nil {
			return nil, err
		}
		select {
		case <-one.done:
		case <-ctx.Done():
			return nil, bridge.WrapError(bridge.CodeBusy, ctx.Err())
		}
		if one.err != nil {
			return nil, one.err
		}
	}
}

func (c *Client) fetching(key string, d proxy.Document) (*fetch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, bridge.NewError(bridge.CodeBusy, "")
	}
	one := c.fetches[key]
	if one == nil {
		one = &fetch{done: make(chan struct{})}
		c.fetches[key] = one
		c.tasks.Go(func() {
			one.err = c.retry(c.ctx, func(ctx context.Context) error { return c.take(ctx, key, d) })
			c.mu.Lock()
			defer c.mu.Unlock()
			delete(c.fetches, key)
			if bridge.CodeOf(one.err) == bridge.CodeDocumentChanged && d.HasDigest() {
				c.changed[d.ID+d.Digest()] = true // its next description has no digest
			}
			close(one.done)
		})
	}
	return one, nil
}

// take reads a document into the spool.
func (c *Client) take(ctx context.Context, key string, d proxy.Document) error {
	f, err := c.cfg.Spool.Create(d.Size)
	if err != nil {
		return err
	}
	got := false
	members := []member{{memberDocument, d.ID}}
	if !c.cfg.Dialect.OmitFlag {
		members = append(members, member{memberInclude, true})
	}
	_, err = c.send(ctx, call{verb: http.MethodGet, method: methodGet, members: members, receive: func(_ message, in io.Reader) error {
		got = true
		return compare(f, in, &d)
	}})
	if err == nil && !got {
		err = bridge.WrapError(bridge.CodeStorageUnavailable, errors.New("UCS's reply to GetDocument has no Content"))
	}
	if err != nil {
		f.Discard()
		return err
	}
	c.cfg.Spool.Keep(f, key, d)
	return nil
}

// compare copies a document into the spool and compares it with its description, which gets its
// digest.
func compare(f *spool.File, in io.Reader, d *proxy.Document) error {
	h := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(f, h), struct{ io.Reader }{io.LimitReader(in, d.Size+1)}, make([]byte, 64<<10))
	sum := [32]byte(h.Sum(nil))
	switch {
	case err != nil:
		return err
	case n != d.Size, d.HasDigest() && d.SHA256 != sum:
		return bridge.NewError(bridge.CodeDocumentChanged, "")
	}
	d.SHA256 = sum
	return nil
}
