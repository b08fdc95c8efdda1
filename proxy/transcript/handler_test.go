package transcript_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/proxytest"
	"attache/proxy/transcript"
)

// ask asks a world's handler for its transcript with a token of these claims.
func ask(t *testing.T, h http.Handler, token, query string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, transcript.Path+query, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestT50TranscriptOverHTTPIsWhatTheRightNames(t *testing.T) {
	t.Parallel()
	w := proxytest.Start(t)
	for _, p := range []bridge.Party{
		{UserID: "sue", Nickname: "Sue", UserType: bridge.Supervisor, Visibility: bridge.Vip}, {UserID: "ann", Nickname: "Ann", UserType: bridge.Client}, {UserID: "bob", Nickname: "Bob", UserType: bridge.Agent},
	} {
		_, err := w.Chat.Join(t.Context(), head.Session, proxy.Joining{Party: p})
		require.NoError(t, err)
	}
	post := func(user string, v bridge.Visibility, text string) {
		_, err := w.Chat.Post(t.Context(), head.Session, user, bridge.Event{Type: bridge.Message, Visibility: v, Text: text})
		require.NoError(t, err)
	}
	post("ann", bridge.All, "for all")
	post("bob", bridge.Internal, "for agents")
	post("sue", bridge.Vip, "for supervisors")
	require.NoError(t, w.Chat.Leave(t.Context(), head.Session, "bob", proxy.Departure{Reason: bridge.ReasonForcedClose, After: bridge.ForceClose}))

	all, internal, customer := bridge.RightTranscriptAll, bridge.RightTranscriptInternal, bridge.RightTranscriptCustomer
	for name, c := range map[string]struct {
		kind   bridge.UserType
		rights bridge.Rights
		query  string
		has    []string // the messages that are in it; nil: refused
		code   bridge.Code
		status int
	}{
		"all of it":                        {bridge.Supervisor, bridge.Rights{all}, "", []string{"for all", "for agents", "for supervisors"}, "", 200},
		"all of it, but less was asked":    {bridge.System, bridge.Rights{all}, "?visibility=customer", []string{"for all"}, "", 200},
		"internal":                         {bridge.Agent, bridge.Rights{internal}, "", []string{"for all", "for agents"}, "", 200},
		"customer":                         {bridge.Client, bridge.Rights{customer, bridge.RightChat}, "", []string{"for all"}, "", 200},
		"a right that the type has not":    {bridge.Client, bridge.Rights{all}, "", []string{"for all"}, "", 200},
		"asked for more than the type may": {bridge.Client, bridge.Rights{all}, "?visibility=internal", nil, bridge.CodeForbidden, 403},
		"an agent asks for all":            {bridge.Agent, bridge.Rights{all}, "?visibility=all", nil, bridge.CodeForbidden, 403},
		"asked for more than the right":    {bridge.Supervisor, bridge.Rights{internal}, "?visibility=all", nil, bridge.CodeForbidden, 403},
		"no right":                         {bridge.Supervisor, bridge.AllRights, "", nil, bridge.CodeForbidden, 403},
		"a visibility that is none":        {bridge.Supervisor, bridge.Rights{all}, "?visibility=ALL", nil, bridge.CodeMessage, 400},
	} {
		t.Run(name, func(t *testing.T) {
			res := ask(t, w.Transcripts, w.Token(head.Session, "archive", c.kind, c.rights...), c.query)
			require.Equal(t, c.status, res.Code, res.Body.String())
			if c.has == nil {
				require.Contains(t, res.Body.String(), c.code)
				return
			}
			require.Equal(t, "application/xml; charset=utf-8", res.Header().Get("Content-Type"))
			require.Equal(t, `attachment; filename="0001AaBC.xml"`, res.Header().Get("Content-Disposition"))
			require.Equal(t, "no-store", res.Header().Get("Cache-Control"))
			h, list := decode(t, res.Body.Bytes())
			require.Equal(t, head.Session, h.Session)
			var has []string
			for _, n := range list {
				if n.Type == bridge.Message {
					has = append(has, n.Text)
				}
			}
			require.Equal(t, c.has, has)
		})
	}
	for name, bad := range map[string]string{"no token": "", "not a token": "x", "a cut token": w.Token(head.Session, "archive", bridge.Agent, internal)[:40]} {
		t.Run(name, func(t *testing.T) {
			res := ask(t, w.Transcripts, bad, "")
			require.Equal(t, http.StatusUnauthorized, res.Code)
			require.Contains(t, res.Body.String(), bridge.CodeTokenInvalid)
		})
	}
	t.Run("an unknown session", func(t *testing.T) {
		signed := w.Token("unknown", "archive", bridge.Agent, internal)
		res := ask(t, w.Transcripts, signed, "")
		require.Equal(t, http.StatusNotFound, res.Code)
		require.Contains(t, res.Body.String(), bridge.CodeTranscript)
	})
	log, err := os.ReadFile(w.AuditFile)
	require.NoError(t, err)
	require.Equal(t, 5, strings.Count(string(log), `"action":"transcript","session":"0001AaBC","user":"archive"`), "a line for each that was sent: %s", log)
	require.Equal(t, 3, strings.Count(string(log), `"audience":"customer"`), "%s", log)
}

// breaking is a Chat Server that fails after that many events.
type breaking int

func (n breaking) Transcript(_ context.Context, _ string, _ int64, each func(bridge.Event) error) error {
	for id := range int(n) {
		if err := each(bridge.Event{ID: int64(id + 1), At: started, Type: bridge.Message, Text: strings.Repeat("x", 100)}); err != nil {
			return err
		}
	}
	return bridge.NewError(bridge.CodeChatUnavailable, "")
}

// trusting accepts every token.
type trusting struct{}

func (trusting) Authenticate(context.Context, string) (proxy.Identity, error) {
	return proxy.Identity{Session: head.Session, Party: bridge.Party{UserID: "x", UserType: bridge.System}, Rights: bridge.TranscriptRights}, nil
}

// failing is an audit log that cannot be written.
type failing struct{}

func (failing) Write(proxy.AuditRecord) error {
	return bridge.NewError(bridge.CodeStorageUnavailable, "")
}

func TestTranscriptThatBreaksOffIsNotTakenForAWholeOne(t *testing.T) {
	t.Parallel()
	serve := func(o transcript.HandlerOptions) string {
		o.Auth = trusting{}
		s := httptest.NewUnstartedServer(transcript.NewHandler(o))
		s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
		s.Start()
		t.Cleanup(s.Close)
		return s.URL
	}
	get := func(url string) (*http.Response, string, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer x")
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer http.DefaultClient.CloseIdleConnections()
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return res, string(body), err
	}
	res, body, err := get(serve(transcript.HandlerOptions{Source: breaking(1000)}))
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotContains(t, body, "</chatTranscript>")

	res, body, err = get(serve(transcript.HandlerOptions{Source: breaking(0)}))
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Contains(t, body, bridge.CodeChatUnavailable)

	res, body, err = get(serve(transcript.HandlerOptions{Source: breaking(1000), Audit: failing{}}))
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode, "without its audit line nothing is sent")
	require.Contains(t, body, bridge.CodeStorageUnavailable)

	res, _, err = get(serve(transcript.HandlerOptions{}))
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, res.StatusCode, "this Chat Server has no transcripts")
}

// stuck is a Chat Server whose transcripts do not end before they are told to.
type stuck struct{ entered, release chan struct{} }

func (s stuck) Transcript(context.Context, string, int64, func(bridge.Event) error) error {
	s.entered <- struct{}{}
	<-s.release
	return errors.New("released")
}

func TestTranscriptsAtTheSameTimeAreBounded(t *testing.T) {
	t.Parallel()
	s := stuck{make(chan struct{}), make(chan struct{})}
	h := transcript.NewHandler(transcript.HandlerOptions{Source: s, Auth: trusting{}, Streams: 1})
	first := make(chan int)
	go func() { first <- ask(t, h, "x", "").Code }()
	<-s.entered
	res := ask(t, h, "x", "")
	require.Equal(t, http.StatusServiceUnavailable, res.Code)
	require.Contains(t, res.Body.String(), bridge.CodeBusy)
	close(s.release)
	require.Equal(t, http.StatusInternalServerError, <-first)
}
