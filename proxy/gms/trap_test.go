package gms_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/gms"
	"attache/proxy/proxytest"
)

var asForm = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}

// The one proxy that served a customer is killed. Another serves it from then on, and it stays;
// a customer that makes no more requests leaves after the time that it may be away.
func TestTrap5_PresenceOutlivesAProxy(t *testing.T) {
	t.Parallel()
	first := startWith(t, gms.Options{}, lasting(5*time.Second))
	second := serve(t, first.Another(), gms.Options{})
	c := first.request(url.Values{"nickname": {"Ann"}})
	c.agent()
	first.Crash()
	c.world = second
	left := func() bool {
		gone := false
		require.NoError(t, second.Chat.(proxy.Transcripts).Transcript(t.Context(), c.last.ChatID, 0, func(e bridge.Event) error {
			gone = gone || e.Type == bridge.PartyLeft
			return nil
		}))
		return gone
	}
	for range 20 {
		c.do("refresh", nil)
	}
	require.False(t, left())
	require.Eventually(t, left, patience, 50*time.Millisecond, "it makes no more requests")
}

func TestTrap6_OriginsAsListed(t *testing.T) {
	t.Parallel()
	w := startWith(t, gms.Options{Headers: []string{"X-Gateway"}})
	for _, path := range []string{"/genesys/2/chat/support", "/genesys/2/chat/support/", "/genesys/2/chat/support/x/refresh", "/genesys/nothing"} {
		listed := http.Header{"Origin": {proxytest.Origin}, "Access-Control-Request-Method": {"POST"}}
		a, _ := w.raw(http.MethodOptions, path, listed, "")
		require.Equal(t, http.StatusNoContent, a.StatusCode, path)
		require.Equal(t, proxytest.Origin, a.Header.Get("Access-Control-Allow-Origin"))
		require.Equal(t, "true", a.Header.Get("Access-Control-Allow-Credentials"))
		require.Equal(t, "GET, POST", a.Header.Get("Access-Control-Allow-Methods"))
		require.Equal(t, "Content-Type, apikey, X-Requested-With, Authorization, X-Gateway", a.Header.Get("Access-Control-Allow-Headers"))
		require.Equal(t, "Origin", a.Header.Get("Vary"))
		for _, origin := range []string{"https://evil.example", "null", proxytest.Origin + "/", "http://desk.example"} {
			for _, method := range []string{http.MethodOptions, http.MethodPost} {
				a, r := w.raw(method, path, http.Header{"Origin": {origin}}, "")
				require.Equal(t, http.StatusForbidden, a.StatusCode, "%s from %s", path, origin)
				require.Empty(t, a.Header.Get("Access-Control-Allow-Origin"))
				require.Equal(t, gms.StatusFailed, r.StatusCode)
			}
		}
	}
	a, r := w.raw(http.MethodPost, "/genesys/2/chat/support", http.Header{"Origin": {proxytest.Origin}, "Content-Type": asForm["Content-Type"]}, "nickname=Ann")
	require.Equal(t, proxytest.Origin, a.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, gms.StatusOK, r.StatusCode)
	_, r = w.raw(http.MethodPost, "/genesys/2/chat/support", asForm, "nickname=Ann")
	require.Equal(t, gms.StatusOK, r.StatusCode, "an app sends no Origin")
}

func TestTrap7_PathsWithoutARedirect(t *testing.T) {
	t.Parallel()
	w := startWith(t, gms.Options{Services: []gms.Service{{Name: "support", QueueKey: "Environment:default"}, {Name: "a b"}}})
	for path, status := range map[string]int{
		"/genesys/2/chat/support":               200,
		"/genesys/2/chat/support/":              200,
		"/genesys//2/chat//support":             200,
		"/genesys/2/chat/support//":             200,
		"/genesys/./2/x/../chat/support":        200,
		"/genesys/2/chat/a%20b":                 200,
		"/genesys/2/chat/support/request-chat":  200,
		"/genesys/2/chat/support/request-chat/": 200,
		"/genesys/2/chat/sales":                 404,
		"/genesys/2/chat/":                      404,
		"/genesys/2/chat":                       404,
		"/genesys/1/chat/support":               404,
		"/genesys/2/chat/support/x/nothing":     404,
		"/genesys/2/chat/sales/x/refresh":       404,
		"/genesys/2/chat/support/../../../etc":  404,
		"/genesys/2/chat/support/a/b/c/d/e":     404,
		"/genesys/":                             404,
	} {
		a, r := w.raw(http.MethodPost, path, asForm, "nickname=Ann")
		require.Equal(t, status, a.StatusCode, path)
		require.Equal(t, status == 200, r.StatusCode == gms.StatusOK, path)
		require.Empty(t, a.Header.Get("Location"))
	}
	without := startWith(t, gms.Options{RequestChatPath: gms.Refuse})
	a, _ := without.raw(http.MethodPost, "/genesys/2/chat/support/request-chat", asForm, "nickname=Ann")
	require.Equal(t, 404, a.StatusCode)
}

// Every refusal is an envelope; those by a rule of the chat have HTTP status 200. Status 2 ends
// the chat in a widget, so that a fault of one request has status 1.
func TestTrap8_RefusalsAreEnvelopes(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.request(url.Values{"nickname": {"Ann"}})
	own := url.Values{"userId": {c.last.UserID}, "secureKey": {c.last.SecureKey}, "alias": {"1"}}.Encode()
	chat := "/genesys/2/chat/support/" + c.last.ChatID
	inMultipart := http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}
	cutUpload := ""
	for name, value := range map[string]string{"userId": c.last.UserID, "secureKey": c.last.SecureKey} {
		cutUpload += "--x\r\nContent-Disposition: form-data; name=" + name + "\r\n\r\n" + value + "\r\n"
	}
	cutUpload += "--x\r\nContent-Disposition: form-data; name=file; filename=\"a.txt\"\r\n\r\nhello"
	for name, tc := range map[string]struct {
		method, path, body      string
		header                  http.Header
		http, status, faultCode int
	}{
		"a name is missing":           {"POST", "/genesys/2/chat/support", "subject=x", asForm, 200, 2, gms.NoName},
		"a first name is missing":     {"POST", "/genesys/2/chat/support", "lastName=x", asForm, 200, 2, gms.NoFirstName},
		"a last name is missing":      {"POST", "/genesys/2/chat/support", "firstName=x&lastName=+", asForm, 200, 2, gms.NoLastName},
		"a bad address":               {"POST", "/genesys/2/chat/support", "nickname=A&emailAddress=a%40b", asForm, 200, 2, gms.BadEmailAddress},
		"a name that cannot be":       {"POST", "/genesys/2/chat/support", "nickname=" + strings.Repeat("n", 300), asForm, 200, 2, gms.CannotStart},
		"too much data":               {"POST", "/genesys/2/chat/support", "nickname=A&userData[k]=" + strings.Repeat("v", 3000), asForm, 200, 2, gms.CannotStart},
		"a text that is too long":     {"POST", chat + "/send", own + "&message=" + strings.Repeat("x", bridge.MaxText+1), asForm, 200, 1, gms.TextTooLong},
		"an empty message":            {"POST", chat + "/send", own, asForm, 200, 1, gms.CannotExecute},
		"a URL that runs a script":    {"POST", chat + "/pushUrl", own + "&pushUrl=javascript:alert(1)", asForm, 200, 1, gms.CannotExecute},
		"a receipt without a number":  {"POST", chat + "/readReceipt", own + "&transcriptPosition=x", asForm, 400, 1, 400},
		"a position that is negative": {"POST", chat + "/refresh", own + "&transcriptPosition=-1", asForm, 400, 1, 400},
		"a position of JavaScript's":  {"POST", chat + "/refresh", own + "&transcriptPosition=undefined", asForm, 400, 1, 400},
		"no key":                      {"POST", chat + "/refresh", "userId=" + c.last.UserID, asForm, 401, 2, 401},
		"a wrong key":                 {"POST", chat + "/refresh", own + "&secureKey=wrong", asForm, 401, 2, 401},
		"another user":                {"POST", chat + "/refresh", own + "&userId=nobody", asForm, 404, 2, 404},
		"another chat":                {"POST", "/genesys/2/chat/support/other/refresh", own, asForm, 404, 2, 404},
		"a chat that cannot be":       {"POST", "/genesys/2/chat/support/a.b/refresh", own, asForm, 404, 2, 404},
		"a GET":                       {"GET", chat + "/refresh?" + own, "", nil, 405, 1, 405},
		"a compressed body":           {"POST", chat + "/refresh", own, http.Header{"Content-Encoding": {"gzip"}}, 415, 1, 415},
		"a body that is too long":     {"POST", chat + "/refresh", strings.Repeat("a=b&", 64<<10), asForm, 413, 1, 413},
		"too many parameters":         {"POST", chat + "/refresh", strings.Repeat("a=&", 10_000), asForm, 413, 1, 413},
		"JSON that is nested deeply":  {"POST", chat + "/refresh", `{"a":` + strings.Repeat("[", 30_000), nil, 400, 1, 400},
		"JSON that ends early":        {"POST", chat + "/refresh", `{"a":"b`, nil, 400, 1, 400},
		"JSON that is a list":         {"POST", chat + "/refresh", `[1]`, http.Header{"Content-Type": {"application/json"}}, 400, 1, 400},
		"an upload that was cut":      {"POST", chat + "/file", cutUpload, inMultipart, 400, 1, 400},
		"a NUL in a file's name":      {"POST", chat + "/file", strings.Replace(cutUpload, "a.txt", "a\x00.txt", 1) + "\r\n--x--\r\n", inMultipart, 400, 1, 400},
		"an operation that is none":   {"POST", chat + "/nothing", own, asForm, 404, 1, 404},
		"a service that is none":      {"POST", "/genesys/2/chat/" + strings.Repeat("s", 65) + "/x/refresh", own, asForm, 404, 1, 404},
	} {
		t.Run(name, func(t *testing.T) {
			a, r := w.raw(tc.method, tc.path, tc.header, tc.body)
			require.Equal(t, tc.http, a.StatusCode, "%+v", r)
			require.Equal(t, tc.status, r.StatusCode)
			require.Equal(t, tc.faultCode, r.Errors[0].Code, r.Errors[0].Advice)
			require.NotEmpty(t, r.Errors[0].Advice)
			require.Equal(t, "application/json; charset=utf-8", a.Header.Get("Content-Type"))
			require.Empty(t, r.SecureKey)
		})
	}
	require.Equal(t, gms.StatusOK, c.do("refresh", nil).StatusCode, "the chat goes on")
	always := startWith(t, gms.Options{AlwaysOK: true}, lasting(time.Hour))
	a, r := always.raw("GET", "/genesys/2/chat/support", nil, "")
	require.Equal(t, 200, a.StatusCode)
	require.Equal(t, 405, r.Errors[0].Code)
}

func TestTrap9_KeysAreNeitherReadFromTheQueryNorLogged(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.request(url.Values{"nickname": {"Ann"}})
	refresh := "/genesys/2/chat/support/" + c.last.ChatID + "/refresh"
	query := url.Values{"userId": {c.last.UserID}, "secureKey": {c.last.SecureKey}}.Encode()
	a, _ := w.raw(http.MethodPost, refresh+"?"+query, asForm, "")
	require.Equal(t, http.StatusUnauthorized, a.StatusCode)
	for _, body := range []string{
		`{"userId":"` + c.last.UserID + `","secureKey":"` + c.last.SecureKey + `","alias":117}`,
		"alias=999&" + query, "alias=&" + query, query, "ALIAS=1&UserID=" + c.last.UserID + "&securekey=" + c.last.SecureKey,
	} {
		a, r := w.raw(http.MethodPost, refresh, nil, body)
		require.Equal(t, http.StatusOK, a.StatusCode, body)
		require.Equal(t, "1", r.Alias)
	}
	require.NotContains(t, w.Log.String(), c.last.SecureKey)
	other := serve(t, w.World, gms.Options{KeyInQuery: true})
	a, _ = other.raw(http.MethodPost, refresh+"?"+query, asForm, "")
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.NotContains(t, w.Log.String(), c.last.SecureKey)
}

func TestTrap10_Positions(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.request(url.Values{"nickname": {"Ann"}})
	alice := c.agent()
	say := func(text string, v bridge.Visibility) {
		_, err := w.Chat.Post(t.Context(), c.last.ChatID, alice, bridge.Event{Type: bridge.Message, Text: text, Visibility: v})
		require.NoError(t, err)
	}
	say("one", bridge.All)
	say("hidden", bridge.Internal)
	at := func(w *world, position string) (indexes []int64, next int64) {
		c := &customer{w, c.last}
		r := c.do("refresh", url.Values{"transcriptPosition": {position}})
		for _, m := range r.Messages {
			indexes = append(indexes, *m.Index)
		}
		return indexes, r.NextPosition
	}
	for _, tc := range []struct {
		position string
		indexes  []int64
		next     int64
	}{
		{"", nil, 5}, {"0", nil, 5}, {"1", []int64{1, 2, 3}, 5}, {"2", []int64{2, 3}, 5}, {"3", []int64{3}, 5},
		{"4", nil, 5}, {"5", nil, 5}, {"50", nil, 5},
	} {
		indexes, next := at(w, tc.position)
		require.Equal(t, tc.indexes, indexes, "position %q", tc.position)
		require.Equal(t, tc.next, next, "position %q", tc.position)
	}
	last := serve(t, w.World, gms.Options{PositionIs: gms.PositionLast, RestZero: gms.ZeroAll, WithoutEvents: gms.NextOmitted})
	indexes, next := at(last, "2")
	require.Equal(t, []int64{3}, indexes)
	require.EqualValues(t, 4, next)
	indexes, _ = at(last, "0")
	require.Equal(t, []int64{1, 2, 3}, indexes)

	// A position beyond the end is the end's: what comes next appears, and the own text too.
	r := c.do("send", url.Values{"message": {"mine"}, "transcriptPosition": {"99999"}})
	require.Equal(t, "mine", r.Messages[0].Text)
	require.EqualValues(t, 6, r.NextPosition)
	_, next = at(w, "99999")
	require.EqualValues(t, 6, next)
	say("next", bridge.All)
	indexes, next = at(w, "6")
	require.Equal(t, []int64{6}, indexes)
	require.EqualValues(t, 7, next)
	indexes, next = at(last, "99999")
	require.Empty(t, indexes)
	require.EqualValues(t, 6, next)

	const many = 1200
	for i := range many {
		say(strconv.Itoa(i), bridge.All)
	}
	got, part := 0, c.last.NextPosition
	for range 3 {
		r := c.do("refresh", url.Values{"transcriptPosition": {strconv.FormatInt(part, 10)}})
		require.Greater(t, r.NextPosition, part-1)
		for _, m := range r.Messages {
			require.EqualValues(t, 2, m.From.ParticipantID)
		}
		got, part = got+len(r.Messages), r.NextPosition
	}
	require.Equal(t, many+1, got, "in parts, with the last text that was said before")
}

// Trap 13: codes that are not known are options.
func TestTrap13_UnknownCodes(t *testing.T) {
	t.Parallel()
	for code, number := range map[bridge.Code]int{
		bridge.CodeFileSize: 202, bridge.CodeDownloads: 249, bridge.CodeNeedAgent: 249, bridge.CodeFileUnknown: 404,
	} {
		require.Equal(t, number, gms.FaultCode(gms.Options{}, code), code)
	}
	var o gms.Options
	for _, setting := range []string{"code-file-too-large=301", "code-downloads-used-up=302", "code-agent-needed=303", "code-file-unknown=304"} {
		require.NoError(t, gms.NamedOptions.Set(&o, setting))
	}
	for code, number := range map[bridge.Code]int{
		bridge.CodeFileSize: 301, bridge.CodeDownloads: 302, bridge.CodeNeedAgent: 303, bridge.CodeFileUnknown: 304,
	} {
		require.Equal(t, number, gms.FaultCode(o, code), code)
	}
}

// An ended chat is read to its end, in parts if need be, and is over after that.
func TestRefreshAfterTheEnd(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, session, alice string) error{
		"closed by the agent": func(w *world, session, alice string) error {
			return w.Chat.Leave(t.Context(), session, alice, proxy.Departure{After: bridge.ForceClose})
		},
		"removed by the agent": func(w *world, session, alice string) error {
			var ann string
			w.Chat.(proxy.Transcripts).Transcript(t.Context(), session, 0, func(e bridge.Event) error {
				if e.From.UserType == bridge.Client {
					ann = e.From.UserID
				}
				return nil
			})
			return w.Chat.Leave(t.Context(), session, ann, proxy.Departure{Asker: alice})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			c := w.request(url.Values{"nickname": {"Ann"}})
			alice := c.agent()
			const many = 1100
			for i := range many {
				_, err := w.Chat.Post(t.Context(), c.last.ChatID, alice, bridge.Event{Type: bridge.Message, Text: strconv.Itoa(i)})
				require.NoError(t, err)
			}
			require.NoError(t, end(w, c.last.ChatID, alice))
			r, status := c.try("send", url.Values{"message": {"late"}, "transcriptPosition": {"2"}})
			require.Equal(t, 200, status)
			require.Equal(t, []any{gms.StatusFailed, true}, []any{r.StatusCode, r.ChatEnded}, "what is not sent is not reported as sent")
			next, got := c.last.NextPosition, []gms.Message(nil)
			for ended := false; !ended; {
				r := c.do("refresh", url.Values{"transcriptPosition": {strconv.FormatInt(next, 10)}})
				require.Greater(t, r.NextPosition, next)
				got, next, ended = append(got, r.Messages...), r.NextPosition, r.ChatEnded
			}
			require.Len(t, got, many+2)
			require.Equal(t, gms.ParticipantLeft, got[many+1].Type)
			r, _ = c.try("refresh", url.Values{"transcriptPosition": {strconv.FormatInt(next, 10)}})
			require.Equal(t, []any{gms.StatusFailed, true}, []any{r.StatusCode, r.ChatEnded})
			r, status = c.try("refresh", url.Values{"transcriptPosition": {"1"}, "secureKey": {"wrong"}})
			require.Equal(t, 401, status)
			require.Empty(t, r.Messages)
			require.True(t, c.do("disconnect", nil).ChatEnded, "leaving what is over succeeds")
		})
	}
}

// A customer learns nothing that it may not know.
func TestHiddenThingsNeverReachACustomer(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.request(url.Values{"nickname": {"Ann"}})
	alice := c.agent()
	_, err := w.Chat.Join(t.Context(), c.last.ChatID, proxy.Joining{Party: bridge.Party{UserID: "sue", Nickname: "Sue", UserType: bridge.Supervisor, Visibility: bridge.Vip}})
	require.NoError(t, err)
	for _, v := range []bridge.Visibility{bridge.All, bridge.Internal} {
		_, err := w.Chat.Post(t.Context(), c.last.ChatID, alice, bridge.Event{
			Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileUploaded, Visibility: v,
			Data: bridge.Data{
				bridge.Text("file-name", "a.pdf"), bridge.Int("file-size", 3), bridge.Text("file-source", "ucs"),
				bridge.Text("file-document-id", "0001Xa2B4C6D0001"), bridge.Text("mine", string(v)),
			},
		})
		require.NoError(t, err)
	}
	require.NoError(t, w.Chat.Leave(t.Context(), c.last.ChatID, alice, proxy.Departure{Reason: bridge.ReasonLeft}))
	r := c.do("refresh", url.Values{"transcriptPosition": {"1"}})
	require.Len(t, r.Messages, 4)
	file := r.Messages[2]
	require.Equal(t, gms.FileUploaded, file.Type)
	require.Equal(t, "3", file.UserData["file-size"], "all values are strings")
	require.NotEmpty(t, file.UserData["file-id"])
	require.Equal(t, "ALL", file.UserData["mine"])
	require.NotContains(t, file.UserData, "file-document-id")
	require.NotContains(t, file.UserData, "file-source")
	require.Equal(t, gms.ParticipantLeft, r.Messages[3].Type)
	require.Empty(t, r.Messages[3].Attributes, "the code of a logout is only pushed")
	require.False(t, r.Monitored)
}
