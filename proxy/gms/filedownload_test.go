package gms_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy"
	"attache/proxy/gms"
	"attache/proxy/proxytest"
)

// brokenDocuments is a store whose content cannot be read while it is broken.
type brokenDocuments struct {
	proxy.Documents
	broken atomic.Bool
}

func (b *brokenDocuments) Open(ctx context.Context, id string) (proxy.Content, error) {
	content, err := b.Documents.Open(ctx, id)
	if err == nil && b.broken.Load() {
		return brokenContent{content}, nil
	}
	return content, err
}

type brokenContent struct{ proxy.Content }

func (brokenContent) Read([]byte) (int, error) { return 0, errors.New("a bad sector") }

// Each permitted download is an attempt, Range or not; a store that fails costs none; and what
// fails is never 200.
func TestFileT12_Downloads(t *testing.T) {
	t.Parallel()
	store := &brokenDocuments{}
	w := start(t, proxytest.Set(func(c *proxy.Config) {
		store.Documents = c.Documents
		c.Documents = store
	}))
	c := w.request(url.Values{"nickname": {"Ann"}})
	content := random(100_000)
	r, _ := c.upload("a b.pdf", content)
	require.Equal(t, gms.StatusOK, r.StatusCode, r.Errors)
	id := r.UserData["file-id"]
	used := func() string { t.Helper(); return c.limits()["used-download-attempts"] }

	store.broken.Store(true)
	answer, body := c.fetch(id)
	require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode, "%s", body)
	require.Equal(t, "0", used(), "no byte left")
	store.broken.Store(false)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.filePath()+"/"+id+"/download", strings.NewReader(url.Values{
		"userId": {c.last.UserID}, "secureKey": {c.last.SecureKey},
	}.Encode()))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Range", "bytes=10-20")
	answer, err = http.DefaultClient.Do(request)
	require.NoError(t, err)
	got, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.True(t, bytes.Equal([]byte(content), got), "the whole file")
	require.Equal(t, "none", answer.Header.Get("Accept-Ranges"))
	require.Contains(t, answer.Header.Get("Content-Disposition"), `filename="a b.pdf"`)
	require.Equal(t, "1", used())

	answer, _ = c.fetch(id)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, "2", used())
	answer, body = c.fetch(id)
	require.Equal(t, http.StatusForbidden, answer.StatusCode, "the vendor's limit of attempts")
	require.NoError(t, json.Unmarshal(body, &r))
	require.Equal(t, gms.StatusRetry, r.StatusCode)
	require.Equal(t, gms.CannotExecute, r.Errors[0].Code)
	answer, _ = c.fetch("unknown")
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	require.Equal(t, "2", used())
}

// A file of an agent's that is not in the session of the customer, or not for customers, is
// unknown.
func TestFileT14_OnlyFilesOfTheChat(t *testing.T) {
	t.Parallel()
	w := start(t)
	ann, bob := w.request(url.Values{"nickname": {"Ann"}}), w.request(url.Values{"nickname": {"Bob"}})
	r, _ := ann.upload("a.pdf", "content")
	answer, _ := bob.fetch(r.UserData["file-id"])
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	d, status := bob.try("file/"+r.UserData["file-id"]+"/delete", nil)
	requireFileFault(t, 404, d, status)
}

// GET downloads and limits at the reply's top level are options.
func TestFile_Options(t *testing.T) {
	t.Parallel()
	w := startWith(t, gms.Options{DownloadsByGet: true, KeyInQuery: true, LimitsAtTop: true})
	c := w.request(url.Values{"nickname": {"Ann"}})
	r, _ := c.upload("a.pdf", "content")
	query := url.Values{"userId": {c.last.UserID}, "secureKey": {c.last.SecureKey}}
	answer, err := http.Get(c.filePath() + "/" + r.UserData["file-id"] + "/download?" + query.Encode())
	require.NoError(t, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, "content", string(body))
	l := c.do("file/limits", nil)
	require.Equal(t, l.Messages[0].UserData, l.UserData)
}
