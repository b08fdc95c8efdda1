package gws_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/gws"
	"attache/proxy/gws/gwstest"
)

// Each interface, and each login: an agent's file becomes one attachment with its bytes, is read
// from any offset, and is removed.
func TestAgentsFileBecomesAnAttachment(t *testing.T) {
	for name, c := range map[string]struct {
		settings []string
		attached int
	}{
		"8.5.2":         {nil, 1},
		"8.5.0":         {[]string{"api=8.5.0"}, 0}, // storing attaches
		"workspace":     {[]string{"api=workspace"}, 1},
		"session":       {[]string{"login=session"}, 1},
		"bearer":        {[]string{"login=bearer"}, 1},
		"documents":     {[]string{"store=documents"}, 1},
		"announced too": {[]string{"announce=gws"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, c.settings...)
			content := random(300_000)
			d := w.stage("Größe \"1\".pdf", content)
			d.Interaction = "0001aIxn"
			id := w.add(d)
			require.Len(t, w.gws.Attached(), c.attached)
			for _, a := range w.gws.Attached() {
				require.Equal(t, gwstest.Attachment{Interaction: "0001aIxn", Document: id, Name: d.Name, Mime: "application/pdf", Size: d.Size}, a)
			}
			require.Equal(t, id, w.add(d), "repeating it has no effect")
			require.Len(t, w.gws.Attached(), c.attached)
			for _, ranges := range []bool{false, true} {
				w.gws.Ranges = ranges
				require.Equal(t, content, w.read(id))
				opened, err := w.all.Open(t.Context(), id)
				require.NoError(t, err)
				_, err = opened.Seek(-1000, io.SeekEnd)
				require.NoError(t, err)
				rest, err := io.ReadAll(opened)
				require.NoError(t, err)
				require.Equal(t, content[len(content)-1000:], rest)
				require.NoError(t, opened.Close())
			}
			require.NoError(t, w.all.Remove(t.Context(), id))
			require.NoError(t, w.all.Remove(t.Context(), id))
			require.Empty(t, w.gws.Attached())
			require.Empty(t, w.gws.Documents())
			_, err := w.all.Open(t.Context(), id)
			require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))
		})
	}
}

// Whatever GWS does to a request, the file is attached in the end, or the error says why not.
func TestAdd_EveryFaultOfGWS(t *testing.T) {
	const attachments, chat = "/attachments", "/chats/s1"
	for name, c := range map[string]struct {
		faults    []gwstest.Fault
		settings  []string
		attached  int // 1 is right
		documents int // 1 is right; each more is one that nobody sees
		code      bridge.Code
	}{
		"storing is refused":           {[]gwstest.Fault{{Method: "POST", Suffix: attachments, StatusCode: 2}}, nil, 1, 1, ""},
		"storing fails":                {[]gwstest.Fault{{Method: "POST", Suffix: attachments, Status: 500}}, nil, 1, 1, ""},
		"storing's answer is lost":     {[]gwstest.Fault{{Method: "POST", Suffix: attachments, Lose: true}}, nil, 1, 2, ""},
		"storing answers no JSON":      {[]gwstest.Fault{{Method: "POST", Suffix: attachments, Body: "<html>"}}, nil, 1, 1, ""},
		"storing answers no status":    {[]gwstest.Fault{{Method: "POST", Suffix: attachments, Body: "{}"}}, nil, 1, 1, ""},
		"storing answers no id":        {[]gwstest.Fault{{Method: "POST", Suffix: attachments, Body: `{"statusCode":0}`}}, nil, 1, 1, ""},
		"the file is too large":        {[]gwstest.Fault{{Method: "POST", Suffix: attachments, Status: 413}}, nil, 0, 0, bridge.CodeFileSize},
		"the account is locked":        {[]gwstest.Fault{{Method: "POST", Suffix: attachments, Status: 403}}, nil, 1, 1, ""},
		"too many requests":            {[]gwstest.Fault{{Method: "POST", Suffix: attachments, Status: 429}}, nil, 1, 1, ""},
		"the interaction is unknown":   {[]gwstest.Fault{{Method: "POST", Suffix: attachments, Status: 404}, {Method: "POST", Suffix: chat, Status: 404}}, nil, 1, 1, ""},
		"attaching is refused":         {[]gwstest.Fault{{Method: "POST", Suffix: chat, StatusCode: 2}}, []string{"unclear=fail"}, 1, 1, ""},
		"attaching fails":              {[]gwstest.Fault{{Method: "POST", Suffix: chat, Status: 503}}, nil, 1, 1, ""},
		"attaching's answer is lost":   {[]gwstest.Fault{{Method: "POST", Suffix: chat, Lose: true}}, nil, 2, 1, ""}, // at least once
		"attaching is unclear":         {[]gwstest.Fault{{Method: "POST", Suffix: chat, Lose: true}}, []string{"unclear=fail"}, 1, 1, bridge.CodeInternal},
		"attaching is unclear, by 502": {[]gwstest.Fault{{Method: "POST", Suffix: chat, Status: 502}}, []string{"unclear=fail"}, 0, 1, bridge.CodeInternal},
		"the session ends":             {[]gwstest.Fault{{Method: "POST", Suffix: chat, Status: 401}}, []string{"login=session"}, 1, 1, ""},
		"the first login fails":        {[]gwstest.Fault{{Method: "GET", Suffix: "/api/v2/me", Status: 503}}, []string{"login=session"}, 1, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, c.settings...)
			for _, f := range c.faults {
				w.gws.Fail(f)
			}
			content := random(1000)
			d := w.stage("a.pdf", content)
			var err error
			var id string
			for range 10 {
				if id, err = w.all.Add(t.Context(), d); err == nil || !bridge.AsError(err).Retry {
					break
				}
			}
			require.Len(t, w.gws.Attached(), c.attached, "%v", err)
			require.Len(t, w.gws.Documents(), c.documents)
			if c.documents > 1 {
				require.Contains(t, w.log.String(), "GWS may have a document that is not attached")
			}
			if c.code != "" {
				require.Equal(t, c.code, bridge.CodeOf(err))
				// What the delivery does with an upload that has failed leaves nothing.
				require.NoError(t, w.all.Remove(t.Context(), d.ID))
				require.Empty(t, w.gws.Attached())
				require.Empty(t, w.gws.Documents())
				return
			}
			require.NoError(t, err)
			require.Equal(t, content, w.read(id))
		})
	}
}

func TestAdd_ContinuesAfterEveryCrash(t *testing.T) {
	died := errors.New("died")
	for point, documents := range map[string]int{"stored": 2, "attached": 1} {
		t.Run(point, func(t *testing.T) {
			w := start(t)
			d := w.stage("a.pdf", random(1000))
			gws.OnCrashPoint(t, func(p string) {
				if p == point {
					panic(died)
				}
			})
			require.PanicsWithValue(t, died, func() { w.all.Add(t.Context(), d) })
			gws.OnCrashPoint(t, func(string) {})
			w.open(nil) // another process
			id := w.add(d)
			require.Len(t, w.gws.Documents(), documents)
			if point == "stored" { // between the answer and the entry: the price of no list
				require.Len(t, w.gws.Attached(), 1)
			}
			require.Equal(t, id, w.gws.Attached()[0].Document)
		})
	}
}

// Two proxies deliver one upload: the one that was overtaken removes its document.
func TestAdd_OvertakenProxyRemovesItsDocument(t *testing.T) {
	w := start(t)
	d := w.stage("a.pdf", random(1000))
	first := w.all
	w.open(nil)
	var id string
	gws.OnCrashPoint(t, func(p string) {
		gws.OnCrashPoint(t, func(string) {})
		id = w.add(d)
	})
	_, err := first.Add(t.Context(), d)
	require.Equal(t, bridge.CodeBusy, bridge.CodeOf(err))
	require.Len(t, w.gws.Attached(), 1)
	require.Contains(t, w.gws.Documents(), id)
	require.Len(t, w.gws.Documents(), 1)
	again, err := first.Add(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, id, again)
}

func TestSessionLogsInAgain(t *testing.T) {
	w := start(t, "login=session")
	content := random(1000)
	id := w.add(w.stage("a.pdf", content))
	w.gws.EndSessions()
	require.Equal(t, content, w.read(id))
}

func TestWrongPasswordIsSaidAndRetried(t *testing.T) {
	for _, login := range []string{"basic", "session", "bearer"} {
		w := startWith(t, func(_ *world, o *gws.Options) { o.Account.Secret = "another" }, "login="+login)
		_, err := w.all.Add(t.Context(), w.stage("a.pdf", random(10)))
		require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(err))
		require.ErrorContains(t, err, "401")
		require.NotContains(t, err.Error(), "another\"")
	}
}

// An agent acts by an account of its own; one without an account is refused, unless there is a
// common one.
func TestEachAgentHasItsAccount(t *testing.T) {
	right := map[string]gws.Account{"ann": {User: gwstest.User, Secret: gwstest.Secret}}
	w := startWith(t, func(_ *world, o *gws.Options) { o.Accounts, o.Account = right, gws.Account{} })
	w.add(w.stage("a.pdf", random(10)))
	other := w.stage("b.pdf", random(10))
	other.UserID = "bob"
	_, err := w.all.Add(t.Context(), other)
	require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err))
	require.False(t, bridge.AsError(err).Retry)
}

// What customers send is in the other store, with its links.
func TestCustomersFilesAreInTheOtherStore(t *testing.T) {
	w := start(t)
	content := random(1000)
	d := w.stage("a.pdf", content)
	d.UserID, d.UserType = "carol", bridge.Client
	require.Same(t, w.own, proxy.StoreOf(w.all, d))
	id := w.add(d)
	require.NoError(t, w.all.(proxy.Settler).Settle(t.Context(), id))
	require.Empty(t, w.gws.Documents())
	require.Equal(t, content, w.read(id))
	links := w.all.(proxy.Links)
	require.NoError(t, links.Link(t.Context(), id, "s2"))
	require.NoError(t, links.Unlink(t.Context(), id, "s1"))
	require.Equal(t, content, w.read(id))
	require.NoError(t, links.Unlink(t.Context(), id, "s2"))
	_, err := w.all.Open(t.Context(), id)
	require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))

	agents := w.add(w.stage("b.pdf", content))
	require.NoError(t, links.Link(t.Context(), agents, "s2"))
	require.NoError(t, links.Unlink(t.Context(), agents, "s1"))
	require.Empty(t, w.gws.Documents())
}

// What somebody else has attached is read by the session that names it.
func TestForeignAttachmentIsReadByItsSession(t *testing.T) {
	w := start(t)
	content := random(2000)
	id := w.gws.Put("theirs.pdf", content)
	_, err := w.all.Open(t.Context(), id)
	require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err), "no session names it")
	w.all.(proxy.Locator).Locate("s1", id)
	require.Equal(t, content, w.read(id))
	opened, err := w.all.Open(t.Context(), id)
	require.NoError(t, err)
	require.False(t, opened.Document().HasDigest())
	require.NoError(t, opened.Close())
	w.all.(proxy.Locator).Locate("s1", "unknown")
	_, err = w.all.Open(t.Context(), "unknown")
	require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))
}

// A download that breaks continues.
func TestReader_Continues(t *testing.T) {
	w := start(t)
	content := random(100_000)
	id := w.add(w.stage("a.pdf", content))
	w.gws.Fail(gwstest.Fault{Method: http.MethodGet, Suffix: id, Lose: true})
	w.gws.Fail(gwstest.Fault{Method: http.MethodGet, Suffix: id, Status: 503})
	require.Equal(t, content, w.read(id))
}

func TestAnnounces(t *testing.T) {
	w := start(t, "announce=gws")
	d := w.stage("a.pdf", random(10))
	id := w.add(d)
	for _, by := range []string{id, d.ID} {
		announced, announces, err := w.Announces(t.Context(), by)
		require.NoError(t, err)
		require.True(t, announces)
		require.Equal(t, id, announced)
	}
	w = start(t)
	_, announces, err := w.Announces(t.Context(), "any")
	require.NoError(t, err)
	require.False(t, announces)
}
