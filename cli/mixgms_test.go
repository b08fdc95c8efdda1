package cli_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/gms"
	"attache/wasm/page"
)

// gmsCustomer is a customer on the interface that --gms serves.
type gmsCustomer struct {
	t      *testing.T
	url    string
	client string // of CometD; empty: over REST
	chat   gms.Reply
	ids    map[string]string // of files by name
}

// beginChat requests a chat, and returns it with its agent at the same proxy.
func beginChat(t *testing.T, public string, cometd bool) (*gmsCustomer, *tab) {
	t.Helper()
	c := &gmsCustomer{t: t, url: public, ids: map[string]string{}}
	if cometd {
		c.client = c.bayeux(`{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"],"id":"1"}`)
		c.bayeux(fmt.Sprintf(`{"channel":"/service/chatV2/support","clientId":%q,"id":"2","data":{"operation":"requestChat","nickname":"Carol"}}`, c.client))
	} else {
		c.chat = c.post("/genesys/2/chat/support", url.Values{"nickname": {"Carol"}})
	}
	require.NotEmpty(t, c.chat.SecureKey)
	return c, openTab(t, public, c.chat.ChatID, "ann", bridge.Agent)
}

// bayeux sends a message, notes what is pushed, and returns the client's id.
func (c *gmsCustomer) bayeux(message string) (client string) {
	c.t.Helper()
	var replies []struct {
		ClientID string
		Data     gms.Reply
	}
	body, _ := c.do("/genesys/cometd", "application/json", []byte(message))
	require.NoError(c.t, json.Unmarshal(body, &replies), "%s", body)
	for _, r := range replies {
		c.take(r.Data)
		client = r.ClientID
	}
	return client
}

func (c *gmsCustomer) take(r gms.Reply) {
	if r.SecureKey != "" && c.chat.SecureKey == "" {
		c.chat = r
	}
	for _, m := range r.Messages {
		if m.Type == gms.FileUploaded {
			c.ids[m.UserData["file-name"]] = m.UserData["file-id"]
		}
	}
}

func (c *gmsCustomer) do(path, kind string, body []byte) ([]byte, int) {
	c.t.Helper()
	client := http.Client{Timeout: patience}
	answer, err := client.Post(c.url+path, kind, bytes.NewReader(body))
	require.NoError(c.t, err)
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	return got, answer.StatusCode
}

func (c *gmsCustomer) post(path string, form url.Values) (r gms.Reply) {
	c.t.Helper()
	body, _ := c.do(path, "application/x-www-form-urlencoded", []byte(form.Encode()))
	require.NoError(c.t, json.Unmarshal(body, &r), "%s", body)
	require.Equal(c.t, gms.StatusOK, r.StatusCode, r.Errors)
	c.take(r)
	return r
}

// file is the path of an operation on files, and the parameters that name it and the customer.
func (c *gmsCustomer) file(path, operation, id string) (string, url.Values) {
	if c.client != "" {
		return gms.PathCometDFiles, url.Values{"operation": {operation}, "fileId": {id}, "secureKey": {c.chat.SecureKey}}
	}
	return "/genesys/2/chat/support/" + c.chat.ChatID + "/" + path, url.Values{"userId": {c.chat.UserID}, "secureKey": {c.chat.SecureKey}, "alias": {c.chat.Alias}}
}

func (c *gmsCustomer) send(name string, content []byte) {
	c.t.Helper()
	path, form := c.file("file", "fileUpload", "")
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for key := range maps.Keys(form) {
		require.NoError(c.t, w.WriteField(key, form.Get(key)))
	}
	f, err := w.CreateFormFile("file", name)
	require.NoError(c.t, err)
	f.Write(content)
	w.Close()
	body, _ := c.do(path, w.FormDataContentType(), b.Bytes())
	var r gms.Reply
	require.NoError(c.t, json.Unmarshal(body, &r), "%s", body)
	require.Equal(c.t, gms.StatusOK, r.StatusCode, r.Errors)
}

// download waits for the file's message, and returns its bytes.
func (c *gmsCustomer) download(name string) []byte {
	c.t.Helper()
	for late := time.After(patience); c.ids[name] == ""; {
		select {
		case <-late:
			require.FailNow(c.t, "the message did not arrive")
		default:
		}
		if c.client != "" {
			c.bayeux(fmt.Sprintf(`{"channel":"/meta/connect","clientId":%q,"connectionType":"long-polling","id":"3"}`, c.client))
			continue
		}
		path, form := c.file("refresh", "", "")
		form.Set("transcriptPosition", "1")
		c.post(path, form)
	}
	path, form := c.file("file/"+c.ids[name]+"/download", "fileDownload", c.ids[name])
	body, status := c.do(path, "application/x-www-form-urlencoded", []byte(form.Encode()))
	require.Equal(c.t, http.StatusOK, status, "%s", body)
	return body
}

func (c *gmsCustomer) bothWays(agent *tab) {
	c.t.Helper()
	content := random(300_000)
	c.send("von Kundin.pdf", content)
	got, err := agent.Download(c.t.Context(), agent.named("von Kundin.pdf").ID, newKey())
	require.NoError(c.t, err)
	require.Equal(c.t, page.Fetched{Size: int64(len(content)), SHA256: sha256.Sum256(content)}, got)

	content = random(300_000)
	u := &page.Upload{Key: newKey(), Name: "an Kundin.pdf", Content: content}
	require.NoError(c.t, agent.Send(c.t.Context(), u))
	require.Empty(c.t, u.Code)
	require.True(c.t, bytes.Equal(content, c.download("an Kundin.pdf")))
}
