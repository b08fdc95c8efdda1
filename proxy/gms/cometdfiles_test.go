package gms_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/gms"
	"attache/proxy/proxytest"
)

// pollingCustomer is a customer over CometD as it is on the wire, who knows the cookie of its
// client and has nothing but its secure key.
type pollingCustomer struct {
	*pushWorld
	client string
	cookie *http.Cookie
	chat   gms.Reply
}

func startFiles(t *testing.T, o gms.CometD) *pushWorld {
	t.Helper()
	o.MaxInterval = time.Hour
	return startPush(t, o, slow)
}

// bayeux publishes a message and returns what comes back.
func (c *pollingCustomer) bayeux(message string) (replies []struct {
	Channel, ClientID string
	Successful        bool
	Data              gms.Reply
}) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+gms.PathCometD, strings.NewReader(message))
	require.NoError(c.t, err)
	r.Header.Set("Content-Type", "application/json")
	if c.cookie != nil {
		r.AddCookie(c.cookie)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	defer answer.Body.Close()
	for _, cookie := range answer.Cookies() {
		if cookie.Name == "BAYEUX_BROWSER" {
			c.cookie = cookie
		}
	}
	require.NoError(c.t, json.NewDecoder(answer.Body).Decode(&replies))
	return replies
}

func (w *pushWorld) poll() *pollingCustomer {
	w.t.Helper()
	c := &pollingCustomer{pushWorld: w}
	c.client = c.bayeux(`[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"],"id":"1"}]`)[0].ClientID
	for _, m := range c.bayeux(fmt.Sprintf(`[{"channel":%q,"clientId":%q,"id":"2","data":{"operation":"requestChat","nickname":"Ann"}}]`, service, c.client)) {
		if m.Data.SecureKey != "" {
			c.chat = m.Data
		}
	}
	require.NotEmpty(w.t, c.chat.SecureKey)
	return c
}

// file posts a body to chat-ntf and returns the answer with the whole of its body.
func (c *pollingCustomer) file(body []byte, contentType string, cookie *http.Cookie) (*http.Response, []byte) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+gms.PathCometDFiles, bytes.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("Content-Type", contentType)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	return answer, got
}

func (c *pollingCustomer) key() part { return part{name: "secureKey", value: c.chat.SecureKey} }

func named(operation string) part { return part{name: "operation", value: operation} }

// do does an operation of a form with the secure key alone.
func (c *pollingCustomer) do(operation, fileID string) (*http.Response, []byte) {
	c.t.Helper()
	form := url.Values{"operation": {operation}, "secureKey": {c.chat.SecureKey}, "fileId": {fileID}}
	return c.file([]byte(form.Encode()), "application/x-www-form-urlencoded", c.cookie)
}

// limits are asked for as the vendor's Java library does: by multipart.
func (c *pollingCustomer) limits(operation string) map[string]string {
	c.t.Helper()
	body, contentType := multipartBody(named(operation), c.key())
	answer, got := c.file(body, contentType, c.cookie)
	require.Equal(c.t, http.StatusOK, answer.StatusCode)
	r := parseReply(c.t, got)
	require.Equal(c.t, gms.StatusOK, r.StatusCode, r.Errors)
	require.Equal(c.t, "file-client-cfg-get", r.Messages[0].Text)
	return r.Messages[0].UserData
}

// The operations on files that clients of CometD have, as each of the vendor's libraries sends
// them, with the cookie required and without.
func TestCometDFiles_EachOperation(t *testing.T) {
	t.Parallel()
	content := part{"file", "a.pdf", "content"}
	for name, upload := range map[string]func(c *pollingCustomer) []part{
		"all before the file":          func(c *pollingCustomer) []part { return []part{named("fileUpload"), c.key(), content} },
		"no operation, as iOS":         func(c *pollingCustomer) []part { return []part{c.key(), content} },
		"the file first, as Java":      func(c *pollingCustomer) []part { return []part{content, named("fileUpload"), c.key()} },
		"the file first, no operation": func(c *pollingCustomer) []part { return []part{content, c.key()} },
		"the operation after the file": func(c *pollingCustomer) []part { return []part{c.key(), content, named("fileUpload")} },
		"the key after the file":       func(c *pollingCustomer) []part { return []part{named("fileUpload"), content, c.key()} },
		"with the chat's and user's name": func(c *pollingCustomer) []part {
			return []part{c.key(), {name: "chatId", value: c.chat.ChatID}, {name: "userId", value: c.chat.UserID}, content}
		},
	} {
		for _, cookie := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, cookie required %v", name, cookie), func(t *testing.T) {
				t.Parallel()
				w := startFiles(t, gms.CometD{RequireCookie: cookie})
				c := w.poll()
				if !cookie {
					c.cookie = nil
				}
				say := w.agent(c.chat.ChatID)
				require.Equal(t, "0", c.limits("fileGetLimits")["used-upload-max-files"])

				body, contentType := multipartBody(upload(c)...)
				answer, got := c.file(body, contentType, c.cookie)
				require.Equal(t, http.StatusOK, answer.StatusCode, "%s", got)
				r := parseReply(t, got)
				require.Equal(t, gms.StatusOK, r.StatusCode, r.Errors)
				id := r.UserData["file-id"]
				require.NotEmpty(t, id)
				if r.SecureKey != "" {
					c.chat.SecureKey = r.SecureKey // what comes back serves as well
				}
				require.Equal(t, "1", c.limits("fileGetsLimits")["used-upload-max-files"])

				answer, got = c.do("fileDownload", id)
				require.Equal(t, http.StatusOK, answer.StatusCode, "%s", got)
				require.Equal(t, "content", string(got))
				require.Regexp(t, "^attachment;", answer.Header.Get("Content-Disposition"))
				require.Equal(t, "1", c.limits("fileGetLimits")["used-download-attempts"])

				answer, got = c.do("fileDelete", id)
				require.Equal(t, http.StatusOK, answer.StatusCode)
				require.Equal(t, gms.StatusOK, parseReply(t, got).StatusCode, "%s", got)
				answer, _ = c.do("fileDownload", id)
				require.Equal(t, http.StatusNotFound, answer.StatusCode)
				say(bridge.Event{Type: bridge.Message, Text: "the chat goes on"})
			})
		}
	}
}

func TestCometDFiles_Refusals(t *testing.T) {
	t.Parallel()
	w := startFiles(t, gms.CometD{RequireCookie: true})
	c, other := w.poll(), w.poll()
	file := part{"file", "a.pdf", "content"}
	wrong, foreign := part{name: "secureKey", value: "A" + c.chat.SecureKey[1:]}, part{name: "userId", value: other.chat.UserID}
	for name, d := range map[string]struct {
		parts        []part
		cookie       *http.Cookie
		status, code int
	}{
		"limits with a wrong key":           {[]part{named("fileGetLimits"), wrong}, c.cookie, 401, gms.NotAuthorized},
		"limits without a key":              {[]part{named("fileGetsLimits")}, c.cookie, 401, gms.NotAuthorized},
		"upload with a wrong key":           {[]part{named("fileUpload"), wrong, file}, c.cookie, 401, gms.NotAuthorized},
		"upload without a key":              {[]part{file}, c.cookie, 401, gms.NotAuthorized},
		"upload as another":                 {[]part{c.key(), foreign, file}, c.cookie, 401, gms.NotAuthorized},
		"download with a wrong key":         {[]part{named("fileDownload"), wrong, {name: "fileId", value: "1"}}, c.cookie, 401, gms.NotAuthorized},
		"delete with a wrong key":           {[]part{named("fileDelete"), wrong, {name: "fileId", value: "1"}}, c.cookie, 401, gms.NotAuthorized},
		"limits without a cookie":           {[]part{named("fileGetLimits"), c.key()}, nil, 401, gms.NotAuthorized},
		"upload without a cookie":           {[]part{file, c.key()}, nil, 401, gms.NotAuthorized},
		"download without a cookie":         {[]part{named("fileDownload"), c.key(), {name: "fileId", value: "1"}}, nil, 401, gms.NotAuthorized},
		"limits with another's cookie":      {[]part{named("fileGetLimits"), c.key()}, other.cookie, 401, gms.NotAuthorized},
		"upload with another's cookie":      {[]part{c.key(), file}, other.cookie, 401, gms.NotAuthorized},
		"download with another's cookie":    {[]part{named("fileDownload"), c.key(), {name: "fileId", value: "1"}}, other.cookie, 401, gms.NotAuthorized},
		"an unknown operation":              {[]part{named("fly"), c.key()}, c.cookie, 200, gms.CannotExecute},
		"an unknown operation with a file":  {[]part{named("fly"), c.key(), file}, c.cookie, 200, gms.CannotExecute},
		"another operation after the file":  {[]part{c.key(), file, named("fileDelete")}, c.cookie, 400, 400},
		"another one, all after the file":   {[]part{file, named("fileGetLimits"), c.key()}, c.cookie, 400, 400},
		"neither an operation nor a file":   {[]part{c.key()}, c.cookie, 200, gms.CannotExecute},
		"an operation of the other channel": {[]part{named("sendMessage"), c.key(), {name: "message", value: "x"}}, c.cookie, 200, gms.CannotExecute},
		"an upload without a file":          {[]part{named("fileUpload"), c.key()}, c.cookie, 400, 400},
		"limits with a file":                {[]part{named("fileGetLimits"), c.key(), file}, c.cookie, 400, 400},
		"two files":                         {[]part{c.key(), file, file}, c.cookie, 400, 400},
		"limits from no number":             {[]part{named("fileGetLimits"), c.key(), {name: "transcriptPosition", value: "x"}}, c.cookie, 400, 400},
		"download of no file":               {[]part{named("fileDownload"), c.key()}, c.cookie, 404, 404},
		"download of an unknown file":       {[]part{named("fileDownload"), c.key(), {name: "fileId", value: "unknown"}}, c.cookie, 404, 404},
		"delete of an unknown file":         {[]part{named("fileDelete"), c.key(), {name: "fileId", value: "unknown"}}, c.cookie, 200, 404},
	} {
		t.Run(name, func(t *testing.T) {
			body, contentType := multipartBody(d.parts...)
			answer, got := c.file(body, contentType, d.cookie)
			require.Equal(t, d.status, answer.StatusCode, "%s", got)
			r := parseReply(t, got)
			require.NotEqual(t, gms.StatusOK, r.StatusCode)
			require.Equal(t, d.code, r.Errors[0].Code, r.Errors[0].Advice)
			require.NotEmpty(t, r.Errors[0].Advice)
			require.False(t, r.ChatEnded)
			require.Empty(t, r.SecureKey)
		})
	}
	require.Eventually(t, func() bool { return c.limits("fileGetLimits")["used-upload-max-files"] == "0" }, patience, 5*time.Millisecond, "nothing is left of what was refused")
}

// Without the option the cookie counts for nothing.
func TestCometDFiles_TheCookieIsAnOption(t *testing.T) {
	t.Parallel()
	for _, required := range []bool{false, true} {
		w := startFiles(t, gms.CometD{RequireCookie: required})
		c, other := w.poll(), w.poll()
		body, contentType := multipartBody(part{"file", "a.pdf", strings.Repeat("x", 1<<20)}, c.key())
		for _, cookie := range []*http.Cookie{nil, other.cookie, {Name: "BAYEUX_BROWSER", Value: strings.Repeat("A", len(c.cookie.Value))}} {
			answer, got := c.file(body, contentType, cookie)
			want := http.StatusOK
			if required {
				want = http.StatusUnauthorized
				require.Contains(t, string(got), "BAYEUX_BROWSER")
			}
			require.Equal(t, want, answer.StatusCode, "%s", got)
		}
	}
}

// The path has no service, so the list of services does not bound it; what bounds guesses does.
// The key serves at any front door with the secret.
func TestCometDFiles_ServicesAndGuesses(t *testing.T) {
	t.Parallel()
	w := startFiles(t, gms.CometD{})
	c := w.poll()
	s, err := gms.NewServer(w.Proxy, gms.Options{
		Services: []gms.Service{{Name: "sales"}}, CometD: gms.CometD{Secret: []byte("a secret that the proxies share")},
	})
	require.NoError(t, err)
	server := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); server.Close() })
	c.pushWorld = &pushWorld{World: w.World, t: t, gms: s, url: server.URL}
	require.Equal(t, "0", c.limits("fileGetLimits")["used-upload-max-files"])

	for name, parts := range map[string][]part{
		"limits":   {named("fileGetLimits"), {name: "secureKey", value: "guessed"}},
		"upload":   {{"file", "a.pdf", "x"}, {name: "secureKey", value: "guessed"}},
		"download": {named("fileDownload"), {name: "secureKey", value: "guessed"}},
	} {
		t.Run(name, func(t *testing.T) {
			body, contentType := multipartBody(parts...)
			for range 1000 {
				if answer, _ := c.file(body, contentType, nil); answer.StatusCode == http.StatusTooManyRequests {
					return
				}
			}
			require.Fail(t, "guesses are not bounded")
		})
	}
}

// The path has the manners of all the others: slashes, methods, origins.
func TestCometDFiles_PathMethodAndOrigin(t *testing.T) {
	t.Parallel()
	w := startFiles(t, gms.CometD{})
	c := w.poll()
	form := url.Values{"operation": {"fileGetLimits"}, "secureKey": {c.chat.SecureKey}}.Encode()
	for name, d := range map[string]struct {
		method, path, origin string
		status               int
	}{
		"a slash at the end": {"POST", gms.PathCometDFiles + "/", "", 200},
		"slashes doubled":    {"POST", "//genesys//2/chat-ntf", "", 200},
		"a listed origin":    {"POST", gms.PathCometDFiles, proxytest.Origin, 200},
		"an unlisted origin": {"POST", gms.PathCometDFiles, "https://evil.example", 403},
		"a preflight":        {"OPTIONS", gms.PathCometDFiles, proxytest.Origin, 204},
		"a GET":              {"GET", gms.PathCometDFiles, "", 405},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), d.method, w.url+d.path, strings.NewReader(form))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if d.origin != "" {
				r.Header.Set("Origin", d.origin)
			}
			answer, err := http.DefaultTransport.RoundTrip(r)
			require.NoError(t, err)
			answer.Body.Close()
			require.Equal(t, d.status, answer.StatusCode)
			if d.origin == proxytest.Origin {
				require.Equal(t, d.origin, answer.Header.Get("Access-Control-Allow-Origin"))
			}
		})
	}
}
