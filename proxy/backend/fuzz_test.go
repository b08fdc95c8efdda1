package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"

	"github.com/stretchr/testify/require"
)

// A backend's event is refused, or survives writing and parsing by bridge.
func FuzzEventLine(f *testing.F) {
	f.Add([]byte(`{"id":1,"type":"message","at":0,"from":{"userId":"ann","userType":"AGENT"},"text":"hello","later":[1]}`))
	f.Add([]byte(`{"id":2,"type":"notice","at":1,"from":{"userId":"ann","userType":"AGENT"},"notice":"SYS_COMMAND","text":"file-uploaded","data":{"file-name":"a.txt","file-size":3}}`))
	f.Add([]byte(`{"id":null}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var e event
		if e.UnmarshalJSON(in) != nil {
			return
		}
		out, err := e.MarshalJSON()
		require.NoError(t, err)
		again, err := bridge.ParseEvent(out)
		require.NoError(t, err, "a decoded event can be sent on: %s", out)
		require.Equal(t, e.Event, again)
	})
}

// A receipt never invents an id, and has the key that was sent.
func FuzzReceipt(f *testing.F) {
	f.Add([]byte(`{"id":7,"type":"notice","notice":"SYS_COMMAND","data":{"file-id":"9"},"x":{}}`))
	f.Add([]byte(`{"id":-1}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		sent := bridge.Event{Type: bridge.Message, Text: "hello", Key: strings.Repeat("a", 32)}
		e, err := receipt(in, sent)
		require.Equal(t, sent.Key, e.Key)
		if err == nil {
			require.Positive(t, e.ID)
		}
	})
}

func FuzzLimits(f *testing.F) {
	f.Add([]byte(`{"maxFiles":3,"usedFiles":0,"maxFileSize":2097152,"maxTotalSize":-1,"usedTotalSize":0,"types":["pdf"],"needAgent":true,"maxDownloads":2,"usedDownloads":0,"more":1}`))
	f.Add([]byte(`{"maxFiles":null}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		l, err := parseLimits(in)
		if err != nil {
			return
		}
		again, err := bridge.ParseLimits(bridge.AppendLimits(nil, l))
		require.NoError(t, err)
		require.Equal(t, l, again)
	})
}

// A backend's answer to a join is refused, or fits into a welcome.
func FuzzJoined(f *testing.F) {
	f.Add([]byte(`{"party":{"userId":"ann","nickname":"Ann","userType":"CLIENT","visibility":"ALL","clientVersion":106},"limits":{"maxFiles":3},"position":4}`))
	f.Add([]byte(`{"party":{"userId":"ann","userType":"CLIENT"},"limits":{},"position":-1}`))
	f.Add([]byte(`{"party":{"userId":"ann","userType":"CLIENT","nickname":"\u0000","visibility":"ROOT"},"limits":{"later":[]}}`))
	c, err := newClient(ClientOptions{URL: "http://backend", Secret: []byte("secret"), RetryFor: time.Nanosecond})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		c.http.Transport = fixedBody(body)
		joined, err := c.Chat().Join(t.Context(), "s", proxy.Joining{Party: bridge.Party{UserID: "ann", UserType: bridge.Client, ClientVersion: bridge.VersionCurrent}})
		if err != nil {
			require.NotEmpty(t, bridge.CodeOf(err))
			return
		}
		require.Equal(t, "ann", joined.Party.UserID)
		require.Equal(t, bridge.Client, joined.Party.UserType)
		welcome := bridge.AppendMessage(nil, &bridge.Welcome{Session: "s", Party: joined.Party, Limits: joined.Limits, Position: joined.Position, MaxFrame: 1})
		_, err = bridge.FromProxy(welcome)
		require.NoError(t, err, "a welcome for the page: %s", welcome)
	})
}

// fixedBody answers every request with that body.
type fixedBody []byte

func (a fixedBody) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Body: io.NopCloser(bytes.NewReader(a)), Request: r, Header: http.Header{}}, nil
}

// A document's header is refused, or survives encoding and decoding.
func FuzzDocumentHeader(f *testing.F) {
	f.Add(`{"name":"a.txt","size":3,"sha256":"` + strings.Repeat("0", 64) + `"}`)
	f.Add(`{"name":"\ud83d","size":-1}`)
	f.Fuzz(func(t *testing.T, in string) {
		d, err := decodeDocument(in)
		if err != nil {
			return
		}
		out, err := encodeDocument(d)
		if err != nil {
			return // a year of more than four digits
		}
		require.NotContains(t, out, "\n")
		require.Equal(t, -1, strings.IndexFunc(out, func(r rune) bool { return r < ' ' || r >= 0x7f }), "a header is ASCII")
		again, err := decodeDocument(out)
		require.NoError(t, err)
		require.True(t, d.Created.Equal(again.Created))
		again.Created = d.Created
		require.Equal(t, d, again)
	})
}

// Every error response of a backend becomes an error that fits into a message to a page.
func FuzzResponseError(f *testing.F) {
	f.Add(404, []byte(`{"error":{"code":"file-unknown","message":"no"}}`))
	f.Add(302, []byte(`<html>`))
	f.Add(401, []byte(``))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		err := responseError(&http.Response{StatusCode: status, Status: "no", Body: io.NopCloser(bytes.NewReader(body)), Request: req}, bridge.CodeChatUnavailable)
		e := bridge.AsError(err)
		require.NotEmpty(t, e.Code)
		_, err = bridge.FromProxy(bridge.AppendMessage(nil, &bridge.Fail{Ref: 1, Error: *e}))
		require.NoError(t, err, "the error fits into a message")
	})
}

// The handler answers every request, and none with an internal error.
func FuzzHandler(f *testing.F) {
	h, err := NewHandler(HandlerOptions{Chat: emptyChat{}, Documents: emptyStore{}, Secret: []byte("secret")})
	require.NoError(f, err)
	f.Cleanup(h.Close)
	f.Add("POST", "/backend/v1/sessions/s/parties", `{"userId":"ann","userType":"AGENT"}`, "")
	f.Add("POST", "/backend/v1/sessions/s/parties/ann/events", `{"id":0}`, "")
	f.Add("POST", "/backend/v1/sessions/s/parties/ann/leave", `{"code":1,"after":"force-close"}`, "")
	f.Add("PUT", "/backend/v1/sessions/s/parties/ann/reservations/k", `{"name":"a","size":-1}`, "")
	f.Add("PUT", "/backend/v1/documents/1", "content", `{"name":"a","size":7,"sha256":"00"}`)
	f.Add("GET", "/backend/v1/sessions/%2e%2e/parties/ann/files/..%2f", "", "")
	f.Fuzz(func(t *testing.T, method, path, body, document string) {
		r, err := http.NewRequest(method, "http://backend", strings.NewReader(body))
		if err != nil || !strings.HasPrefix(path, "/") {
			return
		}
		if r.URL, err = r.URL.Parse(path); err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond) // a stream never ends
		defer cancel()
		r = r.WithContext(ctx)
		r.Header.Set("Authorization", "Bearer secret")
		r.Header.Set(headerDocument, document)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.NotEqual(t, http.StatusInternalServerError, w.Code, w.Body.String())
		if w.Code/100 != 2 && w.Header().Get("Content-Type") == "application/json" {
			require.True(t, json.Valid(w.Body.Bytes()))
		}
	})
}

// emptyChat is a Chat Server without sessions.
type emptyChat struct{}

var unknown = bridge.NewError(bridge.CodeNotJoined, "")

func (emptyChat) Join(context.Context, string, proxy.Joining) (proxy.Joined, error) {
	return proxy.Joined{}, unknown
}
func (emptyChat) Leave(context.Context, string, string, proxy.Departure) error {
	return unknown
}
func (emptyChat) Post(context.Context, string, string, bridge.Event) (bridge.Event, error) {
	return bridge.Event{}, unknown
}
func (emptyChat) File(context.Context, string, string, string) (bridge.Event, error) {
	return bridge.Event{}, unknown
}
func (emptyChat) FindKey(context.Context, string, string) (bridge.Event, bool, error) {
	return bridge.Event{}, false, nil
}
func (emptyChat) Events(context.Context, string, string, int64, func(bridge.Event) error) error {
	return unknown
}
func (emptyChat) Limits(context.Context, string, string) (bridge.Limits, error) {
	return bridge.Limits{}, unknown
}
func (emptyChat) Reserve(context.Context, string, string, string, string, int64) error {
	return unknown
}
func (emptyChat) Correct(context.Context, string, string, string, int64) error  { return unknown }
func (emptyChat) Release(context.Context, string, string, string) error         { return unknown }
func (emptyChat) Attempt(context.Context, string, string, string, string) error { return unknown }

// emptyStore is a store that stores nothing.
type emptyStore struct{}

func (emptyStore) Put(_ context.Context, d proxy.Document, content io.Reader) (string, error) {
	n, err := io.Copy(io.Discard, content)
	if err == nil && n != d.Size {
		return "", bridge.NewError(bridge.CodeDigest, "")
	}
	return "1", err
}
func (emptyStore) Open(context.Context, string) (proxy.Content, error) {
	return nil, bridge.NewError(bridge.CodeDocument, "")
}
func (emptyStore) Remove(context.Context, string) error { return nil }
