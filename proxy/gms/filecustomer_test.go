package gms_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/gms"
)

// part is a part of a multipart body: a parameter, or a file.
type part struct{ name, file, value string }

// identity is what a widget sends with each request.
func (c *customer) identity() []part {
	return []part{{name: "userId", value: c.last.UserID}, {name: "secureKey", value: c.last.SecureKey}, {name: "alias", value: c.last.Alias}}
}

// multipartBody writes parts as browsers do.
func multipartBody(parts ...part) (body []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		if p.file == "" {
			w.WriteField(p.name, p.value)
			continue
		}
		f, _ := w.CreateFormFile(p.name, p.file)
		io.WriteString(f, p.value)
	}
	w.Close()
	return b.Bytes(), w.FormDataContentType()
}

func (c *customer) filePath() string {
	return c.server.URL + "/genesys/2/chat/support/" + c.last.ChatID + "/file"
}

// upload sends a file after the identity.
func (c *customer) upload(name, content string, more ...part) (gms.Reply, int) {
	c.t.Helper()
	body, contentType := multipartBody(append(append(c.identity(), more...), part{"file", name, content})...)
	return c.send(c.t.Context(), bytes.NewReader(body), contentType)
}

// send sends a body as it is. One that is no bytes.Reader has no length.
func (c *customer) send(ctx context.Context, body io.Reader, contentType string) (gms.Reply, int) {
	c.t.Helper()
	r, status, err := c.trySend(ctx, body, contentType)
	require.NoError(c.t, err)
	return r, status
}

func (c *customer) trySend(ctx context.Context, body io.Reader, contentType string) (r gms.Reply, status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.filePath(), body)
	if err != nil {
		return r, 0, err
	}
	request.Header.Set("Content-Type", contentType)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return r, 0, err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	return r, answer.StatusCode, err
}

// fetch downloads a file; of one that is refused it returns the reply.
func (c *customer) fetch(fileID string) (*http.Response, []byte) {
	c.t.Helper()
	answer, err := http.PostForm(c.filePath()+"/"+fileID+"/download", url.Values{
		"userId": {c.last.UserID}, "secureKey": {c.last.SecureKey}, "alias": {c.last.Alias},
	})
	require.NoError(c.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	return answer, body
}

func (c *customer) limits() map[string]string {
	c.t.Helper()
	return c.do("file/limits", nil).Messages[0].UserData
}

func requireFileFault(t *testing.T, code int, r gms.Reply, status int) {
	t.Helper()
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, gms.StatusRetry, r.StatusCode, "the chat goes on")
	require.False(t, r.ChatEnded)
	require.Len(t, r.Errors, 1)
	require.Equal(t, code, r.Errors[0].Code, r.Errors[0])
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return string(b)
}

func benchPost(b testing.TB, to string, form url.Values) (gms.Reply, int) {
	b.Helper()
	answer, err := http.PostForm(to, form)
	require.NoError(b, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(b, err)
	return parseReply(b, body), answer.StatusCode
}

func parseReply(b testing.TB, body []byte) (r gms.Reply) {
	b.Helper()
	require.NoError(b, json.Unmarshal(body, &r), "%s", body)
	return r
}
