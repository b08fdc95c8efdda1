package widget

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// identity is what each request names its party by: as the latest answer had it.
type identity struct{ chat, user, key, alias string }

func (w *Widget) identity() identity {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.who
}

func (i identity) form() url.Values {
	return url.Values{"userId": {i.user}, "secureKey": {i.key}, "alias": {i.alias}}
}

// reply is the envelope of every answer.
type reply struct {
	StatusCode   int
	Alias        string
	ChatID       string `json:"chatId"`
	UserID       string `json:"userId"`
	SecureKey    string `json:"secureKey"`
	ChatEnded    bool
	NextPosition int64
	Messages     []entry
	UserData     map[string]string
	Errors       []struct {
		Code   int
		Advice string
	}
}

type entry struct {
	From     struct{ Type string }
	Index    *int64
	Type     string
	Text     string
	UserData map[string]string
}

func (e entry) message() Message {
	return Message{
		Index: *e.Index, Type: e.Type, From: e.From.Type, Text: e.Text, Times: 1,
		Name: cmp.Or(e.UserData["attache-file-name"], e.UserData["file-name"]), FileID: e.UserData["file-id"], Size: e.UserData["file-size"],
	}
}

// errAnswered is an answer that says no.
type errAnswered struct {
	status int // of HTTP
	reply  reply
}

func (e *errAnswered) Error() string {
	return fmt.Sprintf("HTTP status %d, statusCode %d, errors %v", e.status, e.reply.StatusCode, e.reply.Errors)
}

// requestTime bounds a request without a file.
const requestTime = 30 * time.Second

// post makes one request, and takes over what its answer says of the identity.
func (w *Widget) post(ctx context.Context, path, contentType string, body io.Reader, length int64) (r reply, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.o.Address+"/genesys/2/chat/"+w.o.Service+path, body)
	if err != nil {
		return r, err
	}
	request.ContentLength = length
	request.Header.Set("Content-Type", contentType)
	answer, err := w.http.Do(request)
	if err != nil {
		return r, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("HTTP status %d: %w", answer.StatusCode, err)
	}
	if r.StatusCode != 0 || answer.StatusCode != http.StatusOK {
		return r, &errAnswered{answer.StatusCode, r}
	}
	w.follow(r)
	return r, nil
}

// follow takes over the identity.
func (w *Widget) follow(r reply) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for field, latest := range map[*string]string{&w.who.chat: r.ChatID, &w.who.user: r.UserID, &w.who.key: r.SecureKey, &w.who.alias: r.Alias} {
		*field = cmp.Or(latest, *field)
	}
}

const formType = "application/x-www-form-urlencoded"

// call makes one request of the chat.
func (w *Widget) call(ctx context.Context, operation string, form url.Values) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	who := w.identity()
	all := who.form()
	for key, values := range form {
		all[key] = values
	}
	text := all.Encode()
	return w.post(ctx, "/"+who.chat+"/"+operation, formType, strings.NewReader(text), int64(len(text)))
}

// request requests the chat, and asks again while it is not answered: a chat that nobody has
// joined disturbs nobody.
func (w *Widget) request(ctx context.Context) error {
	text := url.Values{"nickname": {w.o.Nickname}}.Encode()
	for {
		r, err := w.post(ctx, "", formType, strings.NewReader(text), int64(len(text)))
		if err == nil {
			w.take(r, 0)
			return nil
		}
		if pause(ctx, retryPause) != nil {
			return err
		}
	}
}

// Pauses of the widget. Those in the field are seconds.
const (
	pollPause  = 150 * time.Millisecond
	retryPause = 100 * time.Millisecond
)

// poll asks what is new until ctx ends.
func (w *Widget) poll(ctx context.Context) {
	for ctx.Err() == nil {
		w.mu.Lock()
		from := w.next
		w.mu.Unlock()
		r, err := w.call(ctx, "refresh", url.Values{"transcriptPosition": {strconv.FormatInt(from, 10)}})
		if err == nil {
			w.take(r, from)
		} else {
			w.over(err)
		}
		if err != nil || len(r.Messages) == 0 {
			pause(ctx, pollPause)
		}
	}
}

// over reports an answer that says that the chat is over, which it is not as long as the widget polls.
func (w *Widget) over(err error) {
	if e := (*errAnswered)(nil); errors.As(err, &e) && (e.reply.StatusCode == 2 || e.reply.ChatEnded) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.ended {
			w.ended = true
			w.o.Wrong("a chat that is polled was ended: %v", err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
