package widget

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ErrUnclear is the outcome that the customer is shown as such: the request was not answered,
// and nothing came of it as long as the widget could look.
var ErrUnclear = errors.New("the outcome is unclear")

// Say sends a message. nil: it is in the transcript.
func (w *Widget) Say(ctx context.Context, text string) error {
	return w.surely(ctx, text, func() error {
		_, err := w.call(ctx, "send", url.Values{"message": {text}})
		return err
	})
}

// Send uploads a file, and returns the file-id of the answer, or that of its message if the
// answer was lost. A file of that name must not be in the chat yet.
func (w *Widget) Send(ctx context.Context, name string, content []byte) (fileID string, err error) {
	err = w.surely(ctx, name, func() error {
		r, err := w.upload(ctx, name, content)
		if err == nil {
			fileID = r.UserData["file-id"]
		}
		return err
	})
	if err == nil && fileID == "" {
		w.mu.Lock()
		defer w.mu.Unlock()
		if m := w.find(name); m != nil {
			fileID = m.FileID
		}
	}
	return fileID, err
}

// surely repeats a request until it is answered with success or its message has come.
func (w *Widget) surely(ctx context.Context, what string, do func() error) error {
	for {
		err := do()
		if err == nil {
			return nil
		}
		if e := (*errAnswered)(nil); errors.As(err, &e) && definite(e) {
			return err
		}
		if w.shown(ctx, what, err) {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ErrUnclear, err)
		}
	}
}

// definite reports whether an answer is a refusal that no retry changes.
func definite(e *errAnswered) bool {
	if len(e.reply.Errors) == 0 {
		return e.reply.StatusCode == 2
	}
	code := e.reply.Errors[0].Code
	return code != http.StatusServiceUnavailable && code != http.StatusInternalServerError && code != http.StatusTooManyRequests &&
		code != http.StatusBadRequest && code != http.StatusRequestTimeout // of a body that was cut
}

// shown looks for the message in the transcript, for as long as what was asked may take effect
// after the server answers again. An upload that is still being checked is sent again at once,
// as the server advises: it joins the first one.
func (w *Widget) shown(ctx context.Context, what string, why error) bool {
	w.mu.Lock()
	reads := w.reads
	w.mu.Unlock()
	found := func() bool { return w.find(what) != nil }
	// The next answer may be to a question from before the failure.
	if !w.until(ctx, func() bool { return found() || w.reads >= reads+2 }) {
		return false
	}
	if e := (*errAnswered)(nil); !errors.As(why, &e) || !strings.Contains(e.Error(), "still being checked") {
		ctx, cancel := context.WithTimeout(ctx, w.o.Grace)
		defer cancel()
		w.until(ctx, found)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return found()
}

// upload sends the file once, after the identity.
func (w *Widget) upload(ctx context.Context, name string, content []byte) (reply, error) {
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	who := w.identity()
	for key, values := range who.form() {
		form.WriteField(key, values[0])
	}
	// What the widget has seen: a file that was announced after that, and is the same, is this one.
	w.mu.Lock()
	form.WriteField("transcriptPosition", strconv.FormatInt(w.next, 10))
	w.mu.Unlock()
	if _, err := form.CreateFormFile("file", name); err != nil {
		return reply{}, err
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	length := int64(head.Len()) + int64(len(content)) + int64(len(tail))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body := &sending{
		Reader: io.MultiReader(&head, bytes.NewReader(content), strings.NewReader(tail)), sent: w.o.Sent, hang: cancel,
	}
	if w.o.Hangs != nil {
		body.hangs = w.o.Hangs(length)
	}
	return w.post(ctx, "/"+who.chat+"/file", form.FormDataContentType(), body, length)
}

// sending is a body on its way out.
type sending struct {
	io.Reader
	sent  func()
	read  int64
	hangs int64 // bytes after which hang is called; 0: never
	hang  func()
}

func (s *sending) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.read += int64(n)
	if n > 0 {
		s.sent()
	}
	if s.hangs > 0 && s.read >= s.hangs {
		s.hang()
	}
	return n, err
}

// Fetched is a file as it was downloaded.
type Fetched struct {
	Size   int64
	SHA256 [sha256.Size]byte
}

// Fetch downloads a file, as often as needed.
func (w *Widget) Fetch(ctx context.Context, fileID string) (f Fetched, err error) {
	for {
		if f, err = w.fetch(ctx, fileID); err == nil || pause(ctx, retryPause) != nil {
			return f, err
		}
	}
}

func (w *Widget) fetch(ctx context.Context, fileID string) (f Fetched, err error) {
	who := w.identity()
	address := w.o.Address + "/genesys/2/chat/" + w.o.Service + "/" + who.chat + "/file/" + fileID + "/download"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(who.form().Encode()))
	if err != nil {
		return f, err
	}
	request.Header.Set("Content-Type", formType)
	answer, err := w.http.Do(request)
	if err != nil {
		return f, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return f, fmt.Errorf("download: HTTP status %d", answer.StatusCode)
	}
	hash := sha256.New()
	f.Size, err = io.Copy(hash, answer.Body)
	hash.Sum(f.SHA256[:0])
	return f, err
}
