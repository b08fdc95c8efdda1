// Package openapi checks docs/gms-openapi.yaml against the running server.
package openapi

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
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

// world is a server, and its description.
type world struct {
	*proxytest.World
	t      *testing.T
	server *httptest.Server
	doc    libopenapi.Document
	check  validator.Validator
}

func start(t *testing.T) *world {
	t.Helper()
	text, err := os.ReadFile("../../docs/gms-openapi.yaml")
	require.NoError(t, err)
	doc, err := libopenapi.NewDocument(text)
	require.NoError(t, err)
	check, errs := validator.NewValidator(doc)
	require.Empty(t, errs)
	p := proxytest.Start(t, func(o *assembly.Options) { o.Proxy.FlexDisconnectTimeout = time.Hour })
	s, err := gms.NewServer(p.Proxy, gms.Options{ChatsPerMinute: 5})
	require.NoError(t, err)
	w := &world{World: p, t: t, server: httptest.NewServer(s), doc: doc, check: check}
	t.Cleanup(w.server.Close)
	return w
}

// do makes a request, and checks the answer by the description; legal says that the request is
// within it, too.
func (w *world) do(method, path string, header http.Header, body string, legal bool) (gms.Reply, int) {
	w.t.Helper()
	request := func() *http.Request {
		r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(body))
		require.NoError(w.t, err)
		r.Header.Set("Content-Type", "application/json")
		for key, values := range header {
			r.Header[key] = values
		}
		return r
	}
	if legal {
		ok, errs := w.check.ValidateHttpRequest(request())
		require.True(w.t, ok, "%s: %v", path, errs)
	}
	answer, err := http.DefaultClient.Do(request())
	require.NoError(w.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	answer.Body = io.NopCloser(bytes.NewReader(text))
	r := request()
	r.Method = http.MethodPost // the only one that is described
	ok, errs := w.check.ValidateHttpResponse(r, answer)
	require.True(w.t, ok, "%s: %d %s: %v", path, answer.StatusCode, text, errs)
	var reply gms.Reply
	require.NoError(w.t, json.Unmarshal(text, &reply))
	return reply, answer.StatusCode
}

func TestDescriptionIsValid(t *testing.T) {
	w := start(t)
	ok, errs := w.check.ValidateDocument()
	require.True(t, ok, "%v", errs)
	require.Equal(t, "3.1.0", w.doc.GetVersion())
}

// A reply that is not as described is found.
func TestValidatorFindsAWrongReply(t *testing.T) {
	w := start(t)
	r := httptest.NewRequest(http.MethodPost, "/genesys/2/chat/support", strings.NewReader(`{}`))
	r.Header.Set("Content-Type", "application/json")
	for _, body := range []string{`{"statusCode":3,"chatEnded":false,"messages":[]}`, `{"statusCode":0,"chatEnded":false}`, `{"statusCode":0,"chatEnded":false,"messages":[],"more":1}`} {
		answer := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
		ok, _ := w.check.ValidateHttpResponse(r, answer)
		require.False(t, ok, body)
	}
}

func TestServerIsAsDescribed(t *testing.T) {
	w := start(t)
	const service = "/genesys/2/chat/support"
	begun, _ := w.do("POST", service, nil, `{"nickname":"Ann","subject":"bills","userData":{"TimeZone":-480}}`, true)
	require.Equal(t, gms.StatusOK, begun.StatusCode)
	chat := service + "/" + begun.ChatID + "/"
	alice := bridge.Party{UserID: "alice", Nickname: "Alice", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}
	_, err := w.Chat.Join(t.Context(), begun.ChatID, proxy.Joining{Party: alice})
	require.NoError(t, err)
	_, err = w.Chat.Post(t.Context(), begun.ChatID, "alice", bridge.Event{
		Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileUploaded,
		Data: bridge.Data{bridge.Text("file-name", "a"), bridge.Int("file-size", 1), bridge.Text("file-source", "ucs"), bridge.Text("file-document-id", "0001Xa2B4C6D0001")},
	})
	require.NoError(t, err)
	own := `"userId":"` + begun.UserID + `","secureKey":"` + begun.SecureKey + `","alias":1`
	paths := w.operations()
	for _, tc := range []struct{ name, body string }{
		{"send", `,"message":"hello","messageType":"text","transcriptPosition":1`}, {"startTyping", `,"message":"h"`}, {"stopTyping", ``},
		{"pushUrl", `,"pushUrl":"https://example.com/"`}, {"updateNickname", `,"nickname":"Anne"`}, {"updateData", `,"userData":{"k":"v"}`},
		{"customNotice", `,"message":"x","userData":{"k":1}`}, {"readReceipt", `,"transcriptPosition":2`},
		{"refresh", `,"transcriptPosition":"1"`}, {"disconnect", ``},
	} {
		r, status := w.do("POST", chat+tc.name, nil, "{"+own+tc.body+"}", true)
		require.Equal(t, []int{200, 0}, []int{status, r.StatusCode}, "%s: %v", tc.name, r.Errors)
		delete(paths, tc.name)
	}
	delete(paths, "requestChat")
	require.Empty(t, paths, "operations that were not requested")

	for name, tc := range map[string]struct {
		method, path string
		header       http.Header
		body         string
		status       int
	}{
		"after the end":     {"POST", chat + "refresh", nil, "{" + own + "}", 200},
		"no name":           {"POST", service, nil, "{}", 200},
		"a bad address":     {"POST", service, nil, `{"nickname":"A","emailAddress":"b"}`, 200},
		"malformed":         {"POST", chat + "refresh", nil, `{"`, 400},
		"a wrong key":       {"POST", chat + "refresh", nil, `{` + own + `,"secureKey":"x"}`, 401},
		"an origin":         {"POST", service, http.Header{"Origin": {"https://evil.example"}}, "{}", 403},
		"another chat":      {"POST", service + "/other/refresh", nil, "{" + own + "}", 404},
		"a GET":             {"GET", chat + "refresh", nil, "", 405},
		"too long":          {"POST", chat + "refresh", nil, strings.Repeat(" ", 200<<10) + "{}", 413},
		"a compressed body": {"POST", chat + "refresh", http.Header{"Content-Encoding": {"br"}}, "{}", 415},
	} {
		t.Run(name, func(t *testing.T) {
			_, status := w.do(tc.method, tc.path, tc.header, tc.body, false)
			require.Equal(t, tc.status, status)
		})
	}
	status := 0
	for range 8 {
		_, status = w.do("POST", service, nil, `{"nickname":"A"}`, true)
	}
	require.Equal(t, http.StatusTooManyRequests, status)
}

// operations are those of the description, by their ids.
func (w *world) operations() map[string]bool {
	w.t.Helper()
	model, err := w.doc.BuildV3Model()
	require.NoError(w.t, err)
	ids := map[string]bool{}
	for item := range model.Model.Paths.PathItems.ValuesFromOldest() {
		ids[item.Post.OperationId] = true
	}
	return ids
}
