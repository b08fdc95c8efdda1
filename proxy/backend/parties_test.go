package backend_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backend"
)

// What a party joins, attaches and leaves with crosses the contract as it is.
func TestParties_CrossTheContract(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	b.serve(nil, nil)
	var log bytes.Buffer
	o := b.options()
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	c := b.dial(o).Chat()
	agent := bridge.Party{UserID: "ann", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}
	_, err := c.Join(t.Context(), "s1", proxy.Joining{Party: agent})
	require.NoError(t, err)
	bob := agent
	bob.UserID, bob.PersonID, bob.TimeZoneOffset, bob.Protocol = "bob", "e7", -480, bridge.Esp
	bob.Style = bridge.StyleBot
	joined, err := c.Join(t.Context(), "s1", proxy.Joining{
		Party: bob, Text: "hello", QueueKey: "1:chat", Subject: "Help", Password: "between the two",
		UserData:   bridge.Data{bridge.Text("a", "b"), bridge.Text("GCTI_Chat_SessionPassword", "another")},
		Attributes: bridge.Data{bridge.List("c", bridge.Data{bridge.Int("d", 1)})},
	})
	require.NoError(t, err)
	require.NotEmpty(t, joined.SecureKey)
	require.False(t, joined.Attached)
	require.NotZero(t, joined.Started)

	again, err := c.Join(t.Context(), "s1", proxy.Joining{Party: bob, SecureKey: joined.SecureKey})
	require.NoError(t, err)
	require.True(t, again.Attached)
	_, err = c.Join(t.Context(), "s1", proxy.Joining{Party: bob, SecureKey: "a wrong one"})
	require.Equal(t, bridge.CodeSecureKey, bridge.CodeOf(err))
	require.NoError(t, c.Leave(t.Context(), "s1", "bob", proxy.Departure{
		Reason: bridge.ReasonRemoved, Asker: "ann", Text: "good bye", Attributes: bridge.Data{bridge.Text("e", "f")},
	}))

	var all []bridge.Event
	require.NoError(t, c.(proxy.Transcripts).Transcript(t.Context(), "s1", 0, func(e bridge.Event) error {
		all = append(all, e)
		return nil
	}))
	require.Len(t, all, 3)
	require.Equal(t, &bridge.UserInfo{PersonID: "e7", TimeZoneOffset: -480, Protocol: bridge.Esp}, all[1].Info)
	require.Equal(t, bridge.StyleBot, all[1].From.Style)
	require.Equal(t, bridge.Data{bridge.Text("a", "b")}, all[1].Data)
	require.Equal(t, "1", all[1].Attributes.In("c").Get("d"))
	require.Equal(t, "hello", all[1].Text)
	require.Equal(t, "ann", all[2].Asker)
	require.Equal(t, "good bye", all[2].Text)
	require.Equal(t, "f", all[2].Attributes.Get("e"))
	require.Equal(t, "4", all[2].Attributes.In("GCTI_SYSTEM").Get("quit-reason-code"))
	for _, secret := range []string{joined.SecureKey, "a wrong one", "between the two", "another"} {
		require.NotContains(t, log.String(), secret)
	}
}

// A backend that ignores a secure key would register a second party, or let in a wrong one.
func TestParties_AreRefusedWithoutTheFeature(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	g.set(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/backend" {
			return false
		}
		io.WriteString(w, `{"versions":[1],"features":[]}`)
		return true
	})
	c := b.dial(b.options()).Chat()
	ann := bridge.Party{UserID: "ann", UserType: bridge.Agent}
	_, err := c.Join(t.Context(), "s1", proxy.Joining{Party: ann, UserData: bridge.Data{bridge.Text("a", "b")}})
	require.NoError(t, err)
	before := g.seen.Load()
	for name, j := range map[string]proxy.Joining{
		"a secure key":          {Party: ann, SecureKey: "k"},
		"a password":            {Party: ann, Password: "p"},
		"a password, in a list": {Party: ann, UserData: bridge.Data{bridge.Text("GCTI_Chat_SessionPassword", "p")}},
	} {
		_, err := c.Join(t.Context(), "s1", j)
		require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err), name)
	}
	err = c.Leave(t.Context(), "s1", "bob", proxy.Departure{Reason: bridge.ReasonRemoved, Asker: "ann"})
	require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err))
	require.Equal(t, before, g.seen.Load(), "no request was sent")
	require.NoError(t, c.Leave(t.Context(), "s1", "ann", proxy.Departure{Reason: bridge.ReasonLeft, Asker: "ann"}))
}

// What a page may know of its session comes on the stream of events, in order, and survives a
// stream that breaks; a backend without the feature is not asked.
func TestSessionInfoOverTheWire(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	c := b.dial(b.options()).Chat()
	var asked requests
	info := `{"type":"session","idleExpires":9,"monitored":true,"later":[]}`
	g.set(func(w http.ResponseWriter, r *http.Request) bool {
		if asked.add(r.URL.RawQuery) == 1 {
			return lines(info, fmt.Sprintf(readable, 1, "one"), `{"type":"session","saved":-1,"idleExpires":1e3}`, `{"type":"session"}`, "")(w, r)
		}
		return lines(`{"error":{"code":"session-ended","message":"over"}}`, "")(w, r)
	})
	var seen []any
	deliver := func(e bridge.Event) error { seen = append(seen, e.Text); return nil }
	err := c.(proxy.Informer).EventsAndInfo(t.Context(), "s1", "ann", 0, deliver, func(i bridge.SessionChanged) error {
		seen = append(seen, i)
		return nil
	})
	require.Equal(t, bridge.CodeSessionEnded, bridge.CodeOf(err))
	require.Equal(t, []any{bridge.SessionChanged{IdleExpires: 9, Monitored: true}, "one", bridge.SessionChanged{}}, seen)
	require.Equal(t, []string{"after=0&info=true", "after=1&info=true"}, asked.all())

	stop := errors.New("enough")
	g.set(lines(info, ""))
	err = c.(proxy.Informer).EventsAndInfo(t.Context(), "s1", "ann", 0, deliver, func(bridge.SessionChanged) error { return stop })
	require.ErrorIs(t, err, stop)

	plain := b.of(t)
	plain.serve(func(o *backend.HandlerOptions) { o.Chat = onlyChat{b.Chat} }, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/events") {
				asked.add(r.URL.RawQuery)
			}
			h.ServeHTTP(w, r)
		})
	})
	older := plain.dial(plain.options()).Chat()
	_, err = older.Join(t.Context(), "s2", proxy.Joining{Party: bridge.Party{UserID: "ann", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}})
	require.NoError(t, err)
	err = older.(proxy.Informer).EventsAndInfo(t.Context(), "s2", "ann", 0, func(bridge.Event) error { return stop }, func(bridge.SessionChanged) error {
		t.Error("a backend without the feature was asked")
		return nil
	})
	require.ErrorIs(t, err, stop)
	require.Equal(t, "after=0", asked.all()[len(asked.all())-1])
}
