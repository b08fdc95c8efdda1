package proxy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/chat"
)

// desktop registers an agent as its desktop does, and returns its secure key.
func (w *world) desktop(user string) string {
	w.t.Helper()
	joined, err := w.chat.Join(w.t.Context(), "s1", proxy.Joining{Party: bridge.Party{
		UserID: user, Nickname: user, UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent,
	}})
	require.NoError(w.t, err)
	return joined.SecureKey
}

// attach opens a chat socket that attaches by the key, in the hello or in the token.
func (w *world) attach(user, key string, inToken bool) (*page, bridge.Wire) {
	w.t.Helper()
	who := proxy.Identity{
		Session: "s1", Party: bridge.Party{UserID: user, Nickname: user, UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent},
		Rights: bridge.AllRights, Expires: time.Now().Add(time.Hour),
	}
	hello := bridge.Hello{SecureKey: key}
	if inToken {
		who.Join.SecureKey, hello.SecureKey = key, ""
	}
	hello.Token = w.Sign(who)
	p := w.open(bridge.PathChat)
	p.send(&hello)
	return p, p.next()
}

// A party that another program registered is never taken out: not when its page leaves, nor
// when the page is gone for the time-out, nor when its proxy dies.
func TestAttachedPartyIsNeverTakenOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twin := w.another()
	witness, _ := twin.join(w.customer)
	key := w.desktop("dora")
	await(witness, func(m *bridge.EventAdded) bool { return m.Event.From.UserID == "dora" })

	page, answer := w.attach("dora", key, false)
	welcome, ok := answer.(*bridge.Welcome)
	require.True(t, ok, "%v", answer)
	require.True(t, welcome.Attached)
	require.NotZero(t, welcome.Started)
	w.awaitSeated(1)
	page.send(&bridge.Leave{Ref: 1, After: bridge.ForceClose})
	require.Equal(t, bridge.CodeForbidden, await(page, func(m *bridge.Fail) bool { return m.Ref == 1 }).Error.Code)
	page.send(&bridge.Say{Ref: 2, Key: newKey(), Text: "hello"})
	await(page, func(m *bridge.Done) bool { return m.Ref == 2 })
	page.send(&bridge.Leave{Ref: 3})
	await(page, func(m *bridge.Done) bool { return m.Ref == 3 })

	gone, _ := w.attach("dora", key, true)
	gone.conn.CloseNow()
	twin.attach("dora", key, false)
	w.attach("dora", key, true)

	// A customer that disconnects now is taken out after an attached party would have been.
	other, _ := w.join(w.Token("s1", "carl", bridge.Client, bridge.AllRights...))
	other.conn.CloseNow()
	left := await(witness, isLeft)
	require.Equal(t, "carl", left.Event.From.UserID)
	w.join(w.Token("s1", "cleo", bridge.Client, bridge.AllRights...))
	w.Crash()
	left = await(witness, isLeft)
	require.Equal(t, "cleo", left.Event.From.UserID)
	last, err := twin.chat.Join(t.Context(), "s1", proxy.Joining{Party: bridge.Party{UserID: "dora", Nickname: "dora", UserType: bridge.Agent}, SecureKey: key})
	require.NoError(t, err, "the party is still in")
	require.True(t, last.Attached)
}

func TestAttachIsRefusedByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.desktop("dora")
	w.desktop("dan")
	require.NoError(t, w.chat.Leave(t.Context(), "s1", "dan", proxy.Departure{}))
	for name, c := range map[string]struct {
		user, key string
		code      bridge.Code
	}{
		"a wrong key":               {"dora", "wrong", bridge.CodeSecureKey},
		"a party that was never in": {"zoe", key, bridge.CodeParty},
		"a party that has left":     {"dan", key, bridge.CodeLoggedOut},
	} {
		for _, inToken := range []bool{false, true} {
			_, answer := w.attach(c.user, c.key, inToken)
			refused, ok := answer.(*bridge.Fail)
			require.True(t, ok, name)
			require.Equal(t, c.code, refused.Error.Code, name)
			require.False(t, refused.Error.Retry, name)
		}
	}
}

// Gap 10: two pages of one party, of which one is older: each gets what its own version knows,
// whichever came first.
func TestL6EachSocketHasItsOwnVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.Token("s1", "dora", bridge.Agent, bridge.AllRights...)
	open := func(version int64) *page {
		p := w.open(bridge.PathChat)
		p.send(&bridge.Hello{Token: token, ClientVersion: version})
		welcome, ok := p.next().(*bridge.Welcome)
		require.True(t, ok)
		require.Equal(t, "dora", welcome.Party.UserID)
		return p
	}
	older := open(103)
	current := open(106)
	customer, _ := w.join(w.customer)
	file, err := w.chat.Post(t.Context(), "s1", "dora", bridge.Announcement{
		Name: "a.pdf", Size: 1, DocumentID: "0001AaBCDEFG0001", Key: newKey(),
	}.Notice(""))
	require.NoError(t, err)
	customer.send(&bridge.Say{Ref: 1, Key: newKey(), Text: "the end"})
	isFile := func(m *bridge.EventAdded) bool { return m.Event.IsFile() }
	require.Equal(t, file.ID, await(current, isFile).Event.ID)
	for {
		m := await(older, anything[*bridge.EventAdded])
		require.False(t, m.Event.IsFile())
		require.Nil(t, m.Event.Attributes)
		if m.Event.Text == "the end" {
			break
		}
	}
	ask := &bridge.Ask{Ref: 7, File: file.Data.Get(bridge.KeyFileID), Attempt: newKey()}
	older.send(ask)
	require.Equal(t, bridge.CodeFileUnknown, await(older, func(m *bridge.Fail) bool { return m.Ref == 7 }).Error.Code)
	current.send(ask)
	require.NotEqual(t, bridge.CodeFileUnknown, await(current, func(m *bridge.Fail) bool { return m.Ref == 7 }).Error.Code, "it is only not stored")
}

// What a token says of the join is in the party's event; the password is nowhere.
func TestTokenJoins(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, func(o *assembly.Options) {
		o.Chat = chat.Options{EnforcePassword: true, MonitoredFor: chat.MonitoredForAll}
	})
	sign := func(user string, kind bridge.UserType, v bridge.Visibility, j proxy.Joining) string {
		return w.Sign(proxy.Identity{
			Session: "s1", Rights: bridge.AllRights, Expires: time.Now().Add(time.Hour), Join: j,
			Party: bridge.Party{
				UserID: user, Nickname: user, UserType: kind, Visibility: v, ClientVersion: bridge.VersionCurrent,
				UserInfo: bridge.UserInfo{PersonID: "e7", TimeZoneOffset: 60},
			},
		})
	}
	p := w.open(bridge.PathChat)
	p.send(&bridge.Hello{Token: w.agent})
	require.Equal(t, bridge.CodePassword, await(p, anything[*bridge.Fail]).Error.Code)
	first, _ := w.join(sign("ada", bridge.Agent, bridge.All, proxy.Joining{Password: "secret word"}))
	w.join(sign("vic", bridge.Supervisor, bridge.Vip, proxy.Joining{Password: "secret word"}))
	_, welcome := w.join(sign("bot", bridge.Agent, bridge.All, proxy.Joining{
		UserData: bridge.Data{bridge.Text("GCTI_Chat_SessionPassword", "secret word"), bridge.Text("GCTI_Chat_PartyStyle", "BOT"), bridge.Text("a", "b")},
		Text:     "hello", Attributes: bridge.Data{bridge.Text("c", "d")},
	}))
	require.True(t, welcome.Monitored)
	require.Equal(t, bridge.StyleBot, welcome.Party.Style)
	e := await(first, func(m *bridge.EventAdded) bool { return m.Event.From.UserID == "bot" }).Event
	require.Equal(t, &bridge.UserInfo{PersonID: "e7", TimeZoneOffset: 60}, e.Info)
	require.Equal(t, "b", e.Data.Get("a"))
	require.Equal(t, "d", e.Attributes.Get("c"))
	require.Equal(t, "hello", e.Text)
	require.NotContains(t, string(bridge.AppendEvent(nil, e)), "secret word")
}

// A page without the key joins a party that another program registered, because its token names
// the user. It never takes the party out, by no way of ending; nor does a page that registered
// the party itself, once another page has attached by the party's key, at another proxy.
func TestPartyOfAnotherProgramStaysWithoutItsKey(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, p *page){
		"its socket closes": func(_ *world, p *page) { p.conn.CloseNow() },
		"its proxy dies":    func(w *world, _ *page) { w.Crash() },
		"it leaves": func(_ *world, p *page) {
			p.send(&bridge.Leave{Ref: 3})
			await(p, func(m *bridge.Done) bool { return m.Ref == 3 })
		},
		"it ends the chat": func(_ *world, p *page) {
			p.send(&bridge.Leave{Ref: 3, After: bridge.ForceClose})
			require.Equal(p.t, bridge.CodeForbidden, await(p, func(m *bridge.Fail) bool { return m.Ref == 3 }).Error.Code)
			p.send(&bridge.Leave{Ref: 4, After: bridge.CloseIfNoAgents})
			require.Equal(p.t, bridge.CodeForbidden, await(p, func(m *bridge.Fail) bool { return m.Ref == 4 }).Error.Code)
			p.conn.CloseNow()
		},
		"it removes itself": func(_ *world, p *page) {
			p.send(&bridge.Notify{Ref: 3, Key: newKey(), Notice: bridge.SystemCommand, Text: bridge.RemoveParty,
				Data: bridge.Data{bridge.Text(bridge.KeyUserID, "dora")}})
			require.Equal(p.t, bridge.CodeForbidden, await(p, func(m *bridge.Fail) bool { return m.Ref == 3 }).Error.Code)
			p.conn.CloseNow()
		},
	} {
		for _, registered := range []string{"by the desktop", "by a page, and attached since"} {
			t.Run(name+", registered "+registered, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				twin := w.another()
				witness, _ := twin.join(w.customer)
				token := w.Token("s1", "dora", bridge.Agent, bridge.AllRights...)
				var key string
				var page *page
				var welcome *bridge.Welcome
				if registered == "by the desktop" {
					key = w.desktop("dora")
					page, welcome = w.join(token)
					require.True(t, welcome.Attached)
				} else {
					key = w.registeredByProxy("dora")
					page, welcome = w.join(token)
					require.False(t, welcome.Attached)
					attached, _ := twin.attach("dora", key, false)
					attached.conn.CloseNow()
				}
				end(w, page)
				// A customer of the same proxy that goes now is taken out after dora would have been.
				if name != "its proxy dies" {
					other, _ := w.join(w.Token("s1", "carl", bridge.Client, bridge.AllRights...))
					other.conn.CloseNow()
				} else {
					third := w.another()
					third.join(w.Token("s1", "carl", bridge.Client, bridge.AllRights...))
					third.Crash()
				}
				require.Equal(t, "carl", await(witness, isLeft).Event.From.UserID)
				twin.awaitSeated(1)
				back, welcome := twin.join(token)
				require.True(t, welcome.Attached, "it is known of the party, and not of the socket")
				back.send(&bridge.Leave{Ref: 5})
				await(back, func(m *bridge.Done) bool { return m.Ref == 5 })
				_, answer := twin.attach("dora", key, false)
				require.IsType(t, &bridge.Welcome{}, answer, "dora is still in")
				require.NoError(t, twin.chat.Leave(t.Context(), "s1", "dora", proxy.Departure{}), "her own program takes her out")
				require.Equal(t, "dora", await(witness, isLeft).Event.From.UserID)
				_, welcome = twin.join(token)
				require.False(t, welcome.Attached, "it is registered by a proxy now")
			})
		}
	}
}

// registeredByProxy registers an agent as a proxy does, and returns its secure key.
func (w *world) registeredByProxy(user string) string {
	w.t.Helper()
	joined, err := w.chat.Join(w.t.Context(), "s1", proxy.Joining{ByProxy: true, Party: bridge.Party{
		UserID: user, Nickname: user, UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent,
	}})
	require.NoError(w.t, err)
	return joined.SecureKey
}

// The data socket of a page without the right key of its party is refused, before it is ready;
// and one with the key ends no other connection, although to attach would.
func TestDataSocketNeedsTheSecureKeyThatItNames(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, func(o *assembly.Options) { o.Chat = chat.Options{AttachTakesOver: true} })
	key := w.desktop("dora")
	chatPage, _ := w.attach("dora", key, false)
	token := w.Token("s1", "dora", bridge.Agent, bridge.AllRights...)
	wrong := w.open(bridge.PathData)
	wrong.send(&bridge.Hello{Token: token, SecureKey: "wrong"})
	refused, ok := wrong.next().(*bridge.Fail)
	require.True(t, ok, "the first message is not ready")
	require.Equal(t, bridge.CodeSecureKey, refused.Error.Code)
	right := w.open(bridge.PathData)
	right.send(&bridge.Hello{Token: token, SecureKey: key})
	require.IsType(t, &bridge.Ready{}, right.next())
	chatPage.send(&bridge.Say{Ref: 2, Key: newKey(), Text: "hello"})
	await(chatPage, func(m *bridge.Done) bool { return m.Ref == 2 })
}

// The id of Chat Server's own events is not a party's, or its alerts could be forged: not on any
// front door, nor in a token (TestT4Forgeries).
func TestJoinUnderChatServersOwnIDIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.chat.Join(t.Context(), "s1", proxy.Joining{Party: bridge.Party{UserID: bridge.ServerID, UserType: bridge.System}})
	require.Equal(t, bridge.CodeMessage, bridge.CodeOf(err))
}
