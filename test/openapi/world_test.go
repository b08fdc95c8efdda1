package openapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/gms"
	"attache/proxy/proxytest"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

// world is a proxy whose Chat Server can fail, and the description of what it serves.
type world struct {
	*proxytest.World
	t     *testing.T
	chat  *failingChat
	doc   libopenapi.Document
	check validator.Validator
}

func start(t *testing.T) *world {
	t.Helper()
	text, err := os.ReadFile("../../docs/gms-openapi.yaml")
	require.NoError(t, err)
	doc, err := libopenapi.NewDocument(text)
	require.NoError(t, err)
	check, errs := validator.NewValidator(doc)
	require.Empty(t, errs)
	w := &world{t: t, chat: &failingChat{}, doc: doc, check: check}
	w.World = proxytest.Start(t, func(o *assembly.Options) { o.Proxy.FlexDisconnectTimeout = time.Hour }, proxytest.Set(func(c *proxy.Config) {
		w.chat.chatServer = c.Chat.(chatServer)
		c.Chat = w.chat
	}))
	return w
}

// serve serves the interface of the proxy with those options.
func (w *world) serve(o gms.Options) *server {
	w.t.Helper()
	o.Services, o.CometD.Secret = []gms.Service{{Name: "support"}}, []byte("a secret that the proxies share")
	s, err := gms.NewServer(w.Proxy, o)
	require.NoError(w.t, err)
	h := httptest.NewServer(s)
	w.t.Cleanup(func() { s.Close(); h.Close() })
	return &server{w, h.URL}
}

// chatServer is what the interface needs of one.
type chatServer interface {
	proxy.ChatServer
	proxy.Transcripts
	proxy.Farewells
	proxy.Allowances
}

// failingChat fails with an error while it has one.
type failingChat struct {
	chatServer
	err atomic.Pointer[error]
}

func (f *failingChat) fail(err error) { f.err.Store(&err) }
func (f *failingChat) mend()          { f.err.Store(nil) }

func (f *failingChat) Join(ctx context.Context, session string, j proxy.Joining) (proxy.Joined, error) {
	if err := f.err.Load(); err != nil {
		return proxy.Joined{}, *err
	}
	return f.chatServer.Join(ctx, session, j)
}

type server struct {
	*world
	url string
}

// request is a request as a client makes it.
type request struct {
	method, path string
	header       http.Header
	body         []byte
	fields       map[string]any // that are in the body
}

// with returns the request with a header.
func (r request) with(key, value string) request {
	r.header = r.header.Clone()
	r.header.Set(key, value)
	return r
}

// at returns the request with another path, or with another body if that is not nil.
func (r request) at(path string, body []byte) request {
	r.path = path
	if body != nil {
		r.body = body
	}
	return r
}

func inJSON(path string, fields map[string]any) request {
	body, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return request{"POST", path, http.Header{"Content-Type": {"application/json"}}, body, fields}
}

func inForm(path string, fields map[string]any) request {
	form := url.Values{}
	for name, value := range fields {
		form.Set(name, value.(string))
	}
	return request{"POST", path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode()), fields}
}

// inMultipart has a file after the fields, unless its name is empty.
func inMultipart(path string, fields map[string]any, file string) request {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		w.WriteField(name, value.(string))
	}
	if file != "" {
		f, _ := w.CreateFormFile("file", file)
		io.WriteString(f, "content")
	}
	w.Close()
	return request{"POST", path, http.Header{"Content-Type": {w.FormDataContentType()}}, b.Bytes(), fields}
}

// legal checks by the description that a request is within it. Of a form the validator checks only
// that there may be one, so the same fields are checked in JSON, too.
func (w *world) legal(r request) request {
	w.t.Helper()
	ok, errs := w.check.ValidateHttpRequest(r.to(w.t, "http://gms.example"))
	require.True(w.t, ok, "%s: %v", r.path, errs)
	if r.header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		w.legal(inJSON(r.path, r.fields))
	}
	return r
}

func (r request) to(t *testing.T, server string) *http.Request {
	t.Helper()
	h, err := http.NewRequestWithContext(t.Context(), r.method, server+r.path, bytes.NewReader(r.body))
	require.NoError(t, err)
	h.Header = r.header.Clone()
	return h
}

// do makes a request and checks the answer by the description. Of a file there is no reply.
func (s *server) do(r request) (reply gms.Reply, status int) {
	s.t.Helper()
	answer, err := http.DefaultClient.Do(r.to(s.t, s.url))
	require.NoError(s.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	answer.Body = io.NopCloser(bytes.NewReader(text))
	r.method = http.MethodPost // the only one that is described
	ok, errs := s.check.ValidateHttpResponse(r.to(s.t, s.url), answer)
	require.True(s.t, ok, "%s: %d %s: %v", r.path, answer.StatusCode, text, errs)
	if answer.Header.Get("Content-Type") == "application/octet-stream" {
		require.Equal(s.t, "content", string(text))
		return gms.Reply{}, answer.StatusCode
	}
	require.NoError(s.t, json.Unmarshal(text, &reply), "%s", text)
	return reply, answer.StatusCode
}

// ok makes a legal request that succeeds.
func (s *server) ok(r request) gms.Reply {
	s.t.Helper()
	reply, status := s.do(s.legal(r))
	require.Equal(s.t, []int{200, gms.StatusOK}, []int{status, reply.StatusCode}, "%s: %v", r.path, reply.Errors)
	return reply
}

// described are the statuses that the description has for each operation, by its id.
func (w *world) described() map[string][]string {
	w.t.Helper()
	model, err := w.doc.BuildV3Model()
	require.NoError(w.t, err)
	all := map[string][]string{}
	for item := range model.Model.Paths.PathItems.ValuesFromOldest() {
		for status := range item.Post.Responses.Codes.KeysFromOldest() {
			all[item.Post.OperationId] = append(all[item.Post.OperationId], status)
		}
	}
	return all
}

// alice joins a session as an agent, and announces a file.
func (w *world) alice(session string) (fileID string) {
	w.t.Helper()
	alice := bridge.Party{UserID: "alice", Nickname: "Alice", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}
	_, err := w.Chat.Join(w.t.Context(), session, proxy.Joining{Party: alice})
	require.NoError(w.t, err)
	e, err := w.Chat.Post(w.t.Context(), session, "alice", bridge.Event{
		Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileUploaded,
		Data: bridge.Data{bridge.Text("file-name", "a"), bridge.Int("file-size", 1), bridge.Text("file-source", "ucs"), bridge.Text("file-document-id", "0001Xa2B4C6D0001")},
	})
	require.NoError(w.t, err)
	return e.Data.Get(bridge.KeyFileID)
}
