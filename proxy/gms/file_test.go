package gms_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/gms"
	"attache/proxy/proxytest"
)

// The flow of the vendor's guide: limits, upload, notice, limits; then the other way round,
// and a download that costs an attempt.
func TestFile_BothWays(t *testing.T) {
	t.Parallel()
	t.Run("our own Chat Server and documents", func(t *testing.T) { t.Parallel(); bothWays(t) })
	t.Run("those of a backend", func(t *testing.T) { t.Parallel(); bothWays(t, proxytest.BehindBackend(t)) })
}

func bothWays(t *testing.T, change ...proxytest.Change) {
	var documents proxy.Documents
	w := start(t, append(change, proxytest.Set(func(c *proxy.Config) { documents = c.Documents }))...)
	c := w.request(url.Values{"nickname": {"Ann"}})
	alice := c.agent()

	r := c.do("file/limits", url.Values{"transcriptPosition": {"1"}})
	require.Equal(t, gms.Notice, r.Messages[0].Type)
	require.Equal(t, "file-client-cfg-get", r.Messages[0].Text)
	require.Nil(t, r.Messages[0].Index, "it is not in the transcript")
	require.Equal(t, "Client", r.Messages[0].From.Type)
	require.Len(t, r.Messages[0].UserData, 10)
	require.Equal(t, "3", r.Messages[0].UserData["upload-max-files"])
	require.Nil(t, r.UserData)

	content := random(1_500_000)
	r, status := c.upload("größe.pdf", content, part{name: "userData[file-description]", value: "my bill"}, part{name: "userData[case]", value: "4711"})
	require.Equal(t, http.StatusOK, status, r.Errors)
	require.Equal(t, gms.StatusOK, r.StatusCode, r.Errors)
	id := r.UserData["file-id"]
	require.NotEmpty(t, id)

	e, err := w.Chat.File(t.Context(), c.last.ChatID, alice, id)
	require.NoError(t, err)
	f, err := bridge.DecodeFile(e)
	require.NoError(t, err)
	require.Equal(t, "größe.pdf", f.Name.Text)
	require.Equal(t, "my bill", f.Description)
	require.EqualValues(t, len(content), f.Size)
	require.Equal(t, "4711", e.Data.Get("case"))
	document, err := documents.Open(t.Context(), f.DocumentID)
	require.NoError(t, err)
	stored, err := io.ReadAll(document)
	require.NoError(t, err)
	require.Equal(t, content, string(stored))
	require.NoError(t, document.Close())

	r = c.do("refresh", url.Values{"transcriptPosition": {fmt.Sprint(e.ID)}})
	require.Equal(t, gms.FileUploaded, r.Messages[0].Type)
	require.Equal(t, id, r.Messages[0].UserData["file-id"])
	require.Equal(t, "größe.pdf", r.Messages[0].UserData["file-name"])
	l := c.limits()
	require.Equal(t, "1", l["used-upload-max-files"])
	require.Equal(t, fmt.Sprint(len(content)), l["used-upload-max-total-size"])

	answer, body := c.fetch(id)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s", body)
	require.Equal(t, content, string(body))
	require.Equal(t, "application/octet-stream", answer.Header.Get("Content-Type"))
	require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
	require.True(t, strings.HasPrefix(answer.Header.Get("Content-Disposition"), "attachment;"))
	require.EqualValues(t, len(content), answer.ContentLength)
	require.Equal(t, "1", c.limits()["used-download-attempts"])

	r = c.do("file/"+id+"/delete", url.Values{"transcriptPosition": {fmt.Sprint(e.ID + 1)}})
	require.Equal(t, gms.FileDeleted, r.Messages[len(r.Messages)-1].Type)
	answer, _ = c.fetch(id)
	require.Equal(t, http.StatusNotFound, answer.StatusCode, "never 200, or a widget saves the error")
}
