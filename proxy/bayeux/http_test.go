package bayeux_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy/bayeux"
)

// answer is a message of an answer.
type answer struct {
	Channel, ClientID, Error string
	ID                       any
	Successful               *bool
	Version                  string
	Subscription             any
	Transports               []string `json:"supportedConnectionTypes"`
	Advice                   map[string]any
	Ext                      map[string]any
	Data                     any
}

func (a answer) ok() bool { return a.Successful != nil && *a.Successful }

// raw is a client that sends what a test writes.
type raw struct {
	t    testing.TB
	url  string
	http *http.Client
	id   string
	ctx  context.Context
	cut  context.CancelFunc // its requests
}

func (e *echo) raw() *raw {
	jar, err := cookiejar.New(nil)
	require.NoError(e.t, err)
	r := &raw{t: e.t, url: e.url, http: &http.Client{Jar: jar, Transport: &http.Transport{}}}
	r.ctx, r.cut = context.WithCancel(e.t.Context())
	e.t.Cleanup(func() {
		r.cut()
		r.http.CloseIdleConnections()
	})
	return r
}

// try posts a body, in which ID stands for the client's id.
func (r *raw) try(body string) ([]answer, error) {
	req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.url, strings.NewReader(strings.ReplaceAll(body, "ID", r.id)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%d %s %v", resp.StatusCode, text, err)
	}
	var out []answer
	return out, json.Unmarshal(text, &out)
}

func (r *raw) post(body string) []answer {
	r.t.Helper()
	out, err := r.try(body)
	require.NoError(r.t, err, body)
	return out
}

// shake shakes hands and makes the first connect.
func (r *raw) shake(fields string) answer {
	r.t.Helper()
	h := r.post(`{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]` + fields + `}`)[0]
	require.True(r.t, h.ok(), h.Error)
	r.id = h.ClientID
	first := r.post(connects)
	require.True(r.t, first[len(first)-1].ok())
	return h
}

const connects = `[{"channel":"/meta/connect","clientId":"ID","connectionType":"long-polling","id":"c"}]`

func hello(id string) string { return publish(id, "hello") }

func publish(id, text string) string {
	return fmt.Sprintf(`{"channel":%q,"clientId":"ID","id":%q,"data":%q}`, service, id, text)
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{Timeout: 20 * time.Second}, nil)
	for name, c := range map[string]struct {
		message string
		err     string
	}{
		"as CometD's client sends it": {message: `[{"id":"1","version":"1.0","minimumVersion":"1.0","channel":"/meta/handshake","supportedConnectionTypes":["websocket","long-polling"],"advice":{"timeout":60000,"interval":0}}]`},
		"alone":                       {message: `{"channel":"/meta/handshake","id":1,"version":"1.0","supportedConnectionTypes":["long-polling"]}`},
		"an old minimum":              {message: `{"channel":"/meta/handshake","version":"1.0","minimumVersion":"1.0beta","supportedConnectionTypes":["long-polling","callback-polling","iframe","websocket"]}`},
		"a version before 1":          {message: `{"channel":"/meta/handshake","version":"1.0","minimumVersion":"0.9"}`},
		"nothing more":                {message: `{"channel":"/meta/handshake"}`},
		"wrong types":                 {message: `{"channel":"/meta/handshake","id":{},"version":1.0,"ext":"x","advice":[],"supportedConnectionTypes":"long-polling"}`},
		"a later version":             {message: `{"channel":"/meta/handshake","version":"2.0"}`, err: "400:2.0:This server speaks version 1.0"},
		"no transport of ours":        {message: `{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["iframe","flash"]}`, err: "400:iframe,flash:This server has none of these transports"},
		"callback-polling, which is off": {
			message: `{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["callback-polling"]}`,
			err:     "400:callback-polling:This server has none of these transports",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := e.raw().post(c.message)[0]
			require.Equal(t, c.err, a.Error)
			require.Equal(t, "/meta/handshake", a.Channel)
			require.Equal(t, "1.0", a.Version)
			require.Equal(t, []string{"websocket", "long-polling"}, a.Transports)
			if c.err != "" {
				require.False(t, a.ok())
				require.Empty(t, a.ClientID)
				require.Equal(t, "none", a.Advice["reconnect"])
				return
			}
			require.True(t, a.ok())
			require.GreaterOrEqual(t, len(a.ClientID), 26)
			require.Equal(t, map[string]any{"reconnect": "retry", "interval": 0., "timeout": 20000., "maxInterval": 10000.}, a.Advice)
		})
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{MaxBody: 4096, MaxMessages: 3, MaxSubscriptions: 2}, nil)
	r := e.raw()
	r.shake("")
	for name, c := range map[string]struct {
		body string
		want []string // of each answer: its channel, its id, and its error or data
	}{
		"a service answers in the same request": {hello("5"), []string{"/service/echo  hello", "/service/echo 5 ok"}},
		"in order":                              {"[" + publish("1", "a") + "," + publish("2", "b") + "]", []string{"/service/echo  a", "/service/echo 1 ok", "/service/echo  b", "/service/echo 2 ok"}},
		"a connect among others is answered at once, and last": {
			`[{"channel":"/meta/connect","clientId":"ID","id":"9"},` + publish("1", "a") + `]`,
			[]string{"/service/echo  a", "/service/echo 1 ok", "/meta/connect 9 ok"},
		},
		"subscribe and unsubscribe": {
			`[{"channel":"/meta/subscribe","clientId":"ID","id":"1","subscription":"/a/*"},{"channel":"/meta/unsubscribe","clientId":"ID","id":"2","subscription":["/a/*","/b"]}]`,
			[]string{"/meta/subscribe 1 ok", "/meta/unsubscribe 2 ok"},
		},
		"to a service":          {`{"channel":"/meta/subscribe","clientId":"ID","subscription":["/service/chatV2/x y"]}`, []string{"/meta/subscribe  ok"}},
		"to meta channels":      {`{"channel":"/meta/subscribe","clientId":"ID","subscription":"/meta/connect"}`, []string{"/meta/subscribe  403:/meta/connect:Not a channel to subscribe to"}},
		"to no channel":         {`{"channel":"/meta/subscribe","clientId":"ID","subscription":"/**/a"}`, []string{"/meta/subscribe  403:/**/a:Not a channel to subscribe to"}},
		"to nothing":            {`{"channel":"/meta/subscribe","clientId":"ID"}`, []string{"/meta/subscribe  403::The subscription is missing"}},
		"to too many":           {`{"channel":"/meta/subscribe","clientId":"ID","subscription":["/a","/b","/c"]}`, []string{"/meta/subscribe  403:2:Too many subscriptions"}},
		"an unknown client":     {`{"channel":"/meta/connect","clientId":"x","id":"1"}`, []string{"/meta/connect 1 402::Unknown client"}},
		"no client":             {`{"channel":"/service/echo","data":1}`, []string{"/service/echo  402::Unknown client"}},
		"an unknown meta":       {`{"channel":"/meta/ping","clientId":"ID"}`, []string{"/meta/ping  404:/meta/ping:Unknown meta channel"}},
		"no channel":            {`{"clientId":"ID","data":1}`, []string{"  400::Invalid channel"}},
		"no data":               {`{"channel":"/service/echo","clientId":"ID","data":null}`, []string{"/service/echo  400:/service/echo:The message has no data"}},
		"a long channel":        {`{"channel":"/` + strings.Repeat("a", 600) + `","clientId":"ID","data":1}`, []string{"/  400:/" + strings.Repeat("a", 63) + ":Invalid channel"}},
		"a form":                {"message=" + url.QueryEscape("["+strings.ReplaceAll(hello("1"), "ID", r.id)+"]"), []string{"/service/echo  hello", "/service/echo 1 ok"}},
		"spaces before it":      {" \n " + hello("1"), []string{"/service/echo  hello", "/service/echo 1 ok"}},
		"a number as a channel": {`{"channel":5,"clientId":"ID","data":1}`, []string{"5  400:5:Invalid channel"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, a := range r.post(c.body) {
				what := a.Error
				switch {
				case a.Data != nil:
					what = fmt.Sprint(a.Data)
				case a.ok():
					what = "ok"
				}
				id, _ := a.ID.(string)
				got = append(got, a.Channel+" "+id+" "+what)
			}
			require.Equal(t, c.want, got)
		})
	}
	for name, c := range map[string]struct {
		body string
		want string
	}{
		"nothing":           {"", "400"},
		"no JSON":           {"{", "400"},
		"an empty array":    {"[]", "400"},
		"a number":          {"[1]", "400"},
		"something else":    {"hello", "400"},
		"a form without it": {"a=b", "400"},
		"too many":          {"[" + strings.TrimSuffix(strings.Repeat("{},", 4), ",") + "]", "400"},
		"too long":          {`{"channel":"` + strings.Repeat("a", 4096) + `"}`, "413"},
		"deep":              {strings.Repeat("[", 4000), "400"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.try(c.body)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestT1_OnlyListedOriginsAreServed(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{Origin: func(r *http.Request) bool { return r.Header.Get("Origin") == "https://page.example" }}, nil)
	for _, c := range []struct {
		method, origin string
		upgrade        bool
		want           int
	}{
		{http.MethodPost, "", false, 200},
		{http.MethodPost, "https://page.example", false, 200},
		{http.MethodPost, "https://page.example.evil", false, 403},
		{http.MethodPost, "null", false, 403},
		{http.MethodGet, "https://page.example", true, 101},
		{http.MethodGet, "", true, 101},
		{http.MethodGet, "https://other.example", true, 403},
		{http.MethodGet, "https://page.example", false, 405},
		{http.MethodPut, "", false, 405},
	} {
		t.Run(c.method+" "+c.origin, func(t *testing.T) {
			req, err := http.NewRequest(c.method, e.url, strings.NewReader(`{"channel":"/meta/handshake"}`))
			require.NoError(t, err)
			if c.origin != "" {
				req.Header.Set("Origin", c.origin)
			}
			if c.upgrade {
				req.Body = nil
				req.ContentLength = 0
				req.Header.Set("Connection", "Upgrade")
				req.Header.Set("Upgrade", "websocket")
				req.Header.Set("Sec-WebSocket-Version", "13")
				req.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
			}
			resp, err := e.raw().http.Do(req)
			require.NoError(t, err)
			resp.Body.Close()
			require.Equal(t, c.want, resp.StatusCode)
		})
	}
}

func TestCallback(t *testing.T) {
	t.Parallel()
	e := serve(t, bayeux.Options{Callback: true}, nil)
	get := func(t *testing.T, name string) (int, string, http.Header) {
		resp, err := e.raw().http.Get(e.url + "/handshake?jsonp=" + url.QueryEscape(name) + "&message=" + url.QueryEscape(`[{"channel":"/meta/handshake"}]`))
		require.NoError(t, err)
		defer resp.Body.Close()
		var b bytes.Buffer
		b.ReadFrom(resp.Body)
		return resp.StatusCode, b.String(), resp.Header
	}
	for _, name := range []string{"_cometd_jsonp_0", "a.b", strings.Repeat("a", 64)} {
		code, body, header := get(t, name)
		require.Equal(t, 200, code)
		require.Contains(t, body, "/**/"+name+`("[{`)
		require.True(t, strings.HasSuffix(body, `");`))
		require.NotContains(t, body, "<")
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
		require.Equal(t, "text/javascript;charset=UTF-8", header.Get("Content-Type"))
	}
	for _, name := range []string{"", "a(", "alert(1)//", "a;b", "a b", "\u00e4", "a\n", strings.Repeat("a", 65), "<script>", "a[0]"} {
		code, body, _ := get(t, name)
		require.Equal(t, 400, code, name)
		require.NotContains(t, body, "<")
	}
	off := serve(t, bayeux.Options{}, nil)
	resp, err := off.raw().http.Get(off.url + "?jsonp=a&message=%5B%5D")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 403, resp.StatusCode)
}

func TestCookie(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("https ", secure), func(t *testing.T) {
			e := serve(t, bayeux.Options{Secure: func(*http.Request) bool { return secure }}, nil)
			shake := func(cookie string) *http.Response {
				req, err := http.NewRequest(http.MethodPost, e.url, strings.NewReader(`{"channel":"/meta/handshake"}`))
				require.NoError(t, err)
				if cookie != "" {
					req.AddCookie(&http.Cookie{Name: "BAYEUX_BROWSER", Value: cookie})
				}
				resp, err := e.raw().http.Do(req)
				require.NoError(t, err)
				resp.Body.Close()
				return resp
			}
			cookies := shake("").Cookies()
			require.Len(t, cookies, 1)
			c := cookies[0]
			require.True(t, c.HttpOnly)
			require.Equal(t, "/", c.Path)
			require.Equal(t, secure, c.Secure)
			require.Equal(t, secure, c.SameSite == http.SameSiteNoneMode)
			require.Empty(t, shake(c.Value).Cookies(), "a browser has one, whatever number of clients")
			require.Len(t, shake("chosen by somebody").Cookies(), 1)

			req, _ := http.NewRequest(http.MethodPost, e.url, nil)
			require.False(t, e.Browser(req, func(*bayeux.Client) bool { return true }))
			req.AddCookie(c)
			n := 0
			require.False(t, e.Browser(req, func(*bayeux.Client) bool { n++; return false }))
			require.Equal(t, 2, n)
			require.True(t, e.Browser(req, func(*bayeux.Client) bool { return true }))
		})
	}
}
