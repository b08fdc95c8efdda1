package gws_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/gws"
)

// answers is what a server that is no GWS says, with the words of the error that it leads to.
var answers = map[string]struct {
	status     int
	kind, body string
	says       string
}{
	"a gateway's page":            {200, "text/html", "<!doctype html><title>Log in</title>", `of type "text/html": invalid character '<'`},
	"an error's page":             {500, "text/html", "<h1>Internal Server Error</h1>", "500 Internal Server Error"},
	"an error in JSON":            {500, "application/json", `{"statusCode":1,"statusMessage":"no"}`, "500"},
	"a redirect to a login":       {302, "text/html", "", "302 Found"},
	"nothing":                     {200, "application/json", "", "EOF"},
	"no content":                  {204, "", "", "EOF"},
	"JSON that is cut":            {200, "application/json", `{"statusCode":0,"documentId":"0000Xa`, "unexpected EOF"},
	"1 GiB in one string":         {200, "application/json", endless, "unexpected EOF"},
	"a list":                      {200, "application/json", `[]`, "cannot unmarshal array"},
	"null":                        {200, "application/json", `null`, "has no status"},
	"a text":                      {200, "application/json", `"ok"`, "cannot unmarshal string"},
	"a status in letters":         {200, "application/json", `{"statusCode":"0","documentId":"0000Xa0000000001"}`, "cannot unmarshal string"},
	"a status with a fraction":    {200, "application/json", `{"statusCode":0.5}`, "cannot unmarshal number"},
	"a status that is too large":  {200, "application/json", `{"statusCode":1e400}`, "cannot unmarshal number"},
	"an id that is a number":      {200, "application/json", `{"statusCode":0,"documentId":12}`, "cannot unmarshal number"},
	"an id that is too long":      {200, "application/json", `{"statusCode":0,"documentId":"` + strings.Repeat("x", 65) + `"}`, "document id"},
	"a long refusal":              {200, "application/json", `{"statusCode":7,"statusMessage":"` + strings.Repeat("x", 10_000) + `"}`, "statusCode 7"},
	"nesting without an end":      {200, "application/json", strings.Repeat(`{"a":`, 100_000), "exceeded max depth"},
	"a status that is an object":  {200, "application/json", `{"status":{"code":{}}}`, "cannot unmarshal object"},
	"a status of the other kind":  {200, "application/json", `{"status":{"code":2,"message":"no such chat"}}`, "no such chat"},
	"UTF-16":                      {200, "application/json", "\xff\xfe{\x00}\x00", "invalid character"},
	"a page with the status 4xx":  {418, "text/html", "<html>", "418"},
	"a permission that is lacked": {403, "text/html", "<html>", "refuses the account"},
}

// endless stands for a body of 1 GiB.
const endless = "endless"

// Whatever answers instead of GWS, the error says what came, may be tried again, and is not long;
// what could be an answer that got lost is not taken for a refusal.
func TestHostileAnswers(t *testing.T) {
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			var served atomic.Int64
			hostile := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				rw.Header().Set("Content-Type", a.kind)
				if a.status == http.StatusFound {
					rw.Header().Set("Location", "/login")
				}
				rw.WriteHeader(a.status)
				if a.body != endless {
					io.WriteString(rw, a.body)
					return
				}
				n, _ := io.Copy(rw, io.MultiReader(strings.NewReader(`{"documentId":"`), io.LimitReader(letters{}, 1<<30)))
				served.Add(n)
			}))
			t.Cleanup(hostile.Close)
			w.open(func(_ *world, o *gws.Options) { o.URL = hostile.URL })
			d := w.stage("a.pdf", random(1000))
			_, err := w.all.Add(t.Context(), d)
			require.ErrorContains(t, err, a.says)
			require.True(t, bridge.AsError(err).Retry, "%v", err)
			require.Less(t, len(err.Error()), 1000)
			hostile.CloseClientConnections()
			hostile.Close()
			require.Less(t, served.Load(), int64(64<<20), "it is not read to its end")

			w.open(nil) // the server is GWS again
			require.NotEmpty(t, w.add(d))
			require.Len(t, w.gws.Attached(), 1)
		})
	}
}

// letters never ends.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// What answers instead of the bytes of an attachment is not handed out as them.
func TestHostileAttachments(t *testing.T) {
	const size = 1000
	page := strings.Repeat("<html>", 1000)
	for name, a := range map[string]struct {
		answer func(http.ResponseWriter)
		says   string
	}{
		"a longer page":     {func(w http.ResponseWriter) { sized(w, 200, page) }, "6000 bytes of type \"text/html\", and the attachment has 1000"},
		"a shorter page":    {func(w http.ResponseWriter) { sized(w, 200, page[:size-1]) }, "999 bytes of type \"text/html\""},
		"a refusal in JSON": {func(w http.ResponseWriter) { sized(w, 200, `{"statusCode":3}`) }, "16 bytes"},
		"nothing":           {func(w http.ResponseWriter) { w.WriteHeader(204) }, "0 bytes"},
		"an error":          {func(w http.ResponseWriter) { sized(w, 500, page) }, "500"},
		"it is gone":        {func(w http.ResponseWriter) { sized(w, 404, page) }, "404"},
		"a short stream":    {func(w http.ResponseWriter) { io.WriteString(w, page[:10]); w.(http.Flusher).Flush() }, "ended the attachment early"},
		"a part of another": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Range", "bytes 5-9/1000")
			sized(w, 206, page[:5])
		}, "5 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t)
			id := w.add(w.stage("a.pdf", random(size)))
			hostile := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "text/html")
				a.answer(rw)
			}))
			t.Cleanup(hostile.Close)
			w.open(func(_ *world, o *gws.Options) { o.URL, o.RetryFor = hostile.URL, time.Millisecond })
			content, err := w.all.Open(t.Context(), id)
			require.NoError(t, err)
			defer content.Close()
			_, err = io.ReadAll(content)
			require.ErrorContains(t, err, a.says)
		})
	}
}

func sized(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	io.WriteString(w, body)
}
