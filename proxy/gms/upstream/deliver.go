package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/gms"
)

// Deliver uploads a file: GMS asks Chat Server for permission, stores it and announces it.
func (c *Client) Deliver(ctx context.Context, session, userID string, notice bridge.Event, d proxy.Document, content io.Reader) (bridge.Event, error) {
	if _, err := c.member(ctx, session, userID); err != nil {
		return notice, err
	}
	in := intentOf(notice)
	in.Name, in.Size = d.Name, d.Size
	// Where GMS does not return our key, two files of one name and size could not be told apart.
	unlock, err := c.doing.lock(ctx, session+"/"+in.Name+"/"+digits(in.Size))
	if err != nil {
		return notice, bridge.WrapError(bridge.CodeTimeout, err)
	}
	defer unlock()
	if err := c.checkTwins(ctx, session, in); err != nil {
		return notice, err
	}
	e, err := c.once(ctx, session, in, func(ctx context.Context, ch chat) (gms.Reply, error) {
		return c.upload(ctx, session, ch, notice, d, content)
	})
	return e, withoutFailure(err)
}

// checkTwins makes an upload wait for the outcome of another one that looks the same.
func (c *Client) checkTwins(ctx context.Context, session string, in intent) error {
	all, err := c.intents(ctx, session)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.isFile() && other.Key != in.Key && other.FileID == "" && other.Name == in.Name && other.Size == in.Size {
			if _, _, err := c.outcome(ctx, session, other.Key); err != nil {
				return withoutFailure(err)
			}
		}
	}
	return nil
}

// upload sends the file once. GMS reads it as it comes; the identity is before it.
func (c *Client) upload(ctx context.Context, session string, ch chat, notice bridge.Event, d proxy.Document, content io.Reader) (gms.Reply, error) {
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	for _, field := range c.uploadFields(ch, notice) {
		w.WriteField(field[0], field[1])
	}
	if _, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + quoted.Replace(d.Name) + `"`},
		"Content-Type":        {d.MimeType},
	}); err != nil {
		return gms.Reply{}, err
	}
	tail := "\r\n--" + w.Boundary() + "--\r\n"
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(c.cfg.IdleTime, func() { cancel(errStalled) })
	defer late.Stop()
	size := int64(head.Len()) + d.Size + int64(len(tail))
	body := &watched{io.MultiReader(&head, content, strings.NewReader(tail)), late, c.cfg.IdleTime}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.path(ch, "file"), body)
	if err != nil {
		return gms.Reply{}, undone(bridge.CodeInternal, err)
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", w.FormDataContentType())
	r, err := c.envelope(req, true)
	if _, ok := c.renewed(ctx, session, ch, err); ok {
		asFailure(err).again(bridge.CodeChatUnavailable) // the bytes were read: the delivery tries again
	}
	if err != nil {
		return r, err
	}
	return r, c.follow(context.WithoutCancel(ctx), session, ch, r)
}

var errStalled = errors.New("the transfer has stalled")

// uploadFields are the parts before the file's.
func (c *Client) uploadFields(ch chat, notice bridge.Event) (fields [][2]string) {
	fields = [][2]string{{"userId", ch.GMSUser}, {"secureKey", ch.SecureKey}, {"alias", ch.Alias}}
	for _, item := range notice.Data {
		switch item.Key {
		case bridge.KeyFileName, bridge.KeyFileSize, bridge.KeyFileSource, bridge.KeyDocumentID, bridge.KeyFileID, bridge.KeyUploadType:
			continue // GMS' own
		case bridge.KeyFileKey:
			if c.cfg.Unknowns.HideKey {
				continue
			}
		}
		if item.Type != bridge.TypeList {
			fields = append(fields, [2]string{"userData[" + item.Key + "]", item.Text})
		}
	}
	return fields
}

// quoted escapes a file's name as browsers do in a form (the URL standard's and HTML's rule).
var quoted = strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22")

// watched is a body that postpones the end of a stalled transfer with each piece.
type watched struct {
	io.Reader
	late *time.Timer
	time time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.late.Reset(w.time)
	return n, err
}
