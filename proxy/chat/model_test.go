package chat_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"attache/bridge"
	"attache/proxy/chat"
)

// model is a session without a fold: each answer counts everything again.
type model struct {
	now     int64
	in      map[string]bool
	names   map[string]string // by user, since the last join
	ended   bool
	lines   []line
	holds   []hold
	tickets map[string]bool
}

// line is one entry of the log; hidden ones are blank.
type line struct {
	event bridge.Event
	size  int64
}

type hold struct {
	user, key string
	size, at  int64
	gone      bool
	back      int64 // when it was released
}

const (
	modelFiles = 3
	modelBytes = 100
	modelTries = 2
	modelTTL   = 24 * time.Hour
)

var modelParties = map[string]bridge.Party{"ann": ann, "carl": carl, "bob": bob, "sue": sue, "ivy": ivy}

// ivy is a hidden supervisor.
var ivy = bridge.Party{UserID: "ivy", Nickname: "Ivy", UserType: bridge.Supervisor, Visibility: bridge.Vip, ClientVersion: 106}

// party returns the user's party with its present nickname.
func (m *model) party(user string) bridge.Party {
	p := modelParties[user]
	p.Nickname = m.names[user]
	return p
}

func (m *model) write(e bridge.Event, size int64) { m.lines = append(m.lines, line{e, size}) }

func (m *model) customer(user string) bool { return modelParties[user].UserType == bridge.Client }

// agents counts the agents that the user may see.
func (m *model) agents(user string) (n int) {
	for other := range m.in {
		hidden := modelParties[other].Visibility == bridge.Vip && modelParties[user].UserType != bridge.Supervisor
		if !m.customer(other) && !hidden {
			n++
		}
	}
	return n
}

// used counts the customers' reservations and announced files, except that key's.
func (m *model) used(except string) (files, bytes int64) {
	for _, l := range m.lines {
		if l.event.IsFile() && m.customer(l.event.From.UserID) {
			files, bytes = files+1, bytes+l.size
		}
	}
	for _, h := range m.holds {
		if h.key != except && !h.gone && m.now-h.at < modelTTL.Milliseconds() {
			files, bytes = files+1, bytes+h.size
		}
	}
	return files, bytes
}

func (m *model) held(key string) *hold {
	for i := range m.holds {
		if h := &m.holds[i]; h.key == key && !h.gone && m.now-h.at < modelTTL.Milliseconds() {
			return h
		}
	}
	return nil
}

func (m *model) known(key string) *bridge.Event {
	for i := range m.lines {
		if key != "" && m.lines[i].event.Key == key {
			return &m.lines[i].event
		}
	}
	return nil
}

func (m *model) member(user string) bridge.Code {
	switch {
	case m.ended:
		return bridge.CodeSessionEnded
	case !m.in[user]:
		return bridge.CodeNotJoined
	}
	return ""
}

func sees(user string, e bridge.Event) bool {
	return e.Visibility == "" || modelParties[user].UserType.MaySee(e.Visibility)
}

// been reports whether the user has ever been in.
func (m *model) been(user string) bool {
	for _, l := range m.lines {
		if l.event.Type == bridge.NewParty && l.event.From.UserID == user {
			return true
		}
	}
	return false
}

func (m *model) fits(key string, size int64) bridge.Code {
	files, bytes := m.used(key)
	switch {
	case files >= modelFiles:
		return bridge.CodeFileCount
	case bytes+size > modelBytes:
		return bridge.CodeTotalSize
	}
	return ""
}

func (m *model) join(user, nickname string) bridge.Code {
	if m.ended {
		return bridge.CodeSessionEnded
	}
	was := m.names[user]
	m.names[user] = nickname
	switch {
	case !m.in[user]:
		m.in[user] = true
		m.write(bridge.Event{Type: bridge.NewParty, From: m.party(user), Visibility: modelParties[user].Visibility}, 0)
	case was != nickname:
		m.write(bridge.Event{Type: bridge.Notice, NoticeType: bridge.UpdateNick, From: m.party(user), Visibility: modelParties[user].Visibility}, 0)
	}
	return ""
}

func (m *model) leave(user string, after bridge.AfterAction) bridge.Code {
	if code := m.member(user); code != "" {
		return code
	}
	if after == bridge.ForceClose && m.customer(user) {
		return bridge.CodeForbidden
	}
	delete(m.in, user)
	m.write(bridge.Event{Type: bridge.PartyLeft, From: m.party(user), Visibility: modelParties[user].Visibility}, 0)
	m.ended = after == bridge.ForceClose || after == bridge.CloseIfNoAgents && m.agents(user) == 0
	return ""
}

// post returns the line with the event that Post returns.
func (m *model) post(user string, e bridge.Event, size int64) (int, bridge.Code) {
	for i, l := range m.lines {
		if e.Key == "" || l.event.Key != e.Key {
			continue
		}
		if l.event.From.UserID != user {
			return 0, bridge.CodeUploadConflict
		}
		return i, ""
	}
	h := m.held(e.Key)
	if h != nil && (h.user != user || !e.IsFile()) {
		return 0, bridge.CodeUploadConflict
	}
	if code := m.member(user); code != "" && (m.ended || !e.IsFile() || e.Key == "" || !m.been(user)) {
		return 0, code
	}
	if e.Visibility == bridge.Internal && m.customer(user) {
		return 0, bridge.CodeForbidden
	}
	if e.IsFile() && m.customer(user) {
		if h == nil || h.size != size {
			if code := m.fits(e.Key, size); code != "" {
				return 0, code
			}
		}
		if h != nil {
			h.gone = true
		}
	}
	e.From = m.party(user)
	m.write(e, size)
	return len(m.lines) - 1, ""
}

func (m *model) reserve(user, key string, size int64) bridge.Code {
	if m.ended {
		return bridge.CodeSessionEnded
	}
	if e := m.known(key); e != nil {
		f, err := bridge.DecodeFile(*e)
		if e.From.UserID != user || err != nil || f.Size != size {
			return bridge.CodeUploadConflict
		}
		return ""
	}
	if h := m.held(key); h != nil {
		if h.user != user || h.size != size {
			return bridge.CodeUploadConflict
		}
		if m.now-h.at > modelTTL.Milliseconds()/2 {
			h.at = m.now
			m.write(bridge.Event{}, 0)
		}
		return ""
	}
	if code := m.member(user); code != "" {
		return code
	}
	if !m.customer(user) {
		return ""
	}
	if code := m.fits(key, size); code != "" {
		return code
	}
	_, bytes := m.used(key)
	for _, h := range m.holds {
		if h.back == m.now {
			bytes += h.size
		}
	}
	if bytes+size > modelBytes {
		return bridge.CodeBusy
	}
	m.holds = append(m.holds, hold{user: user, key: key, size: size, at: m.now})
	m.write(bridge.Event{}, 0)
	return ""
}

func (m *model) release(user, key string) {
	if h := m.held(key); h != nil && h.user == user && !m.ended {
		h.gone, h.back = true, m.now
		m.write(bridge.Event{}, 0)
	}
}

func (m *model) attempt(user, key, file string) bridge.Code {
	if code := m.member(user); code != "" {
		return code
	}
	visible := false
	for _, l := range m.lines {
		if file != "" && l.event.Data.Get(bridge.KeyFileID) == file {
			visible = sees(user, l.event)
		}
	}
	ticket := user + " " + key + " " + file
	switch {
	case !visible:
		return bridge.CodeFileUnknown
	case !m.customer(user) || m.tickets[ticket]:
		return ""
	case len(m.tickets) >= modelTries:
		return bridge.CodeDownloads
	}
	m.tickets[ticket] = true
	m.write(bridge.Event{}, 0)
	return ""
}

// For any actions of the parties, in any order, through any proxy, restarted or not, the
// server's answers are the model's.
func TestAgainstModel(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	limits := bridge.Unlimited()
	limits.MaxFiles, limits.MaxTotalSize, limits.MaxDownloads = modelFiles, modelBytes, modelTries
	clock := time.Now()
	o := chat.Options{CustomerLimits: &limits, ReservationTTL: modelTTL, Retention: 1000 * time.Hour,
		IdleSessions: 1, Now: func() time.Time { return clock }}
	servers := []*chat.Server{serve(t, e, o), serve(t, e, o)}
	round := 0

	rapid.Check(t, func(rt *rapid.T) {
		round++
		session := fmt.Sprintf("round-%d", round)
		m := &model{in: map[string]bool{}, names: map[string]string{}, tickets: map[string]bool{}, now: clock.UnixMilli()}
		user := rapid.SampledFrom([]string{"ann", "carl", "bob", "sue", "ivy"})
		key := rapid.SampledFrom([]string{"k1", "k2", "k3", "k4", "k5"})
		size := rapid.Int64Range(0, 60)
		visibility := rapid.SampledFrom([]bridge.Visibility{bridge.All, bridge.All, bridge.Internal})
		server := func() *chat.Server { return rapid.SampledFrom(servers).Draw(rt, "server") }
		agree := func(want bridge.Code, err error) {
			require.Equal(rt, want, bridge.CodeOf(err), "%v", err)
		}
		send := func(who string, ev bridge.Event, size int64) {
			at, code := m.post(who, ev, size)
			stored, err := server().Post(context.Background(), session, who, ev)
			agree(code, err)
			if err != nil {
				return
			}
			require.EqualValues(rt, at+1, stored.ID, "an event's id is its position in the log")
			if at == len(m.lines)-1 {
				require.Equal(rt, m.lines[at].event.From.Nickname, stored.From.Nickname)
				m.lines[at].event = stored
			}
			require.Equal(rt, m.lines[at].event, stored)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"join": func(rt *rapid.T) {
				who := user.Draw(rt, "who")
				p := modelParties[who]
				p.Nickname = rapid.SampledFrom([]string{p.Nickname, p.Nickname, p.Nickname + " II"}).Draw(rt, "nickname")
				joined, err := server().Join(context.Background(), session, p)
				agree(m.join(who, p.Nickname), err)
				if err == nil {
					require.Equal(rt, p.Nickname, joined.Party.Nickname)
				}
			},
			"leave": func(rt *rapid.T) {
				who := user.Draw(rt, "who")
				after := rapid.SampledFrom([]bridge.AfterAction{"", bridge.KeepAlive, bridge.KeepAlive, bridge.CloseIfNoAgents, bridge.ForceClose}).Draw(rt, "after")
				err := server().Leave(context.Background(), session, who, bridge.ReasonLeft, after)
				agree(m.leave(who, after), err)
			},
			"say": func(rt *rapid.T) {
				ev := text("x")
				ev.Visibility = visibility.Draw(rt, "visibility")
				if rapid.Bool().Draw(rt, "keyed") {
					ev.Key = key.Draw(rt, "key")
				}
				send(user.Draw(rt, "who"), ev, 0)
			},
			"announce": func(rt *rapid.T) {
				n := size.Draw(rt, "size")
				ev := notice(key.Draw(rt, "key"), "a.pdf", n)
				ev.Visibility = visibility.Draw(rt, "visibility")
				send(user.Draw(rt, "who"), ev, n)
			},
			"retry": func(rt *rapid.T) {
				// A page that got no answer repeats its request. The answer may differ only
				// if something has happened since.
				who, k, n := user.Draw(rt, "who"), key.Draw(rt, "key"), size.Draw(rt, "size")
				for range 2 {
					agree(m.reserve(who, k, n), server().Reserve(context.Background(), session, who, k, "a.pdf", n))
				}
			},
			"reserve": func(rt *rapid.T) {
				who, k, n := user.Draw(rt, "who"), key.Draw(rt, "key"), size.Draw(rt, "size")
				agree(m.reserve(who, k, n), server().Reserve(context.Background(), session, who, k, "a.pdf", n))
			},
			"release": func(rt *rapid.T) {
				who, k := user.Draw(rt, "who"), key.Draw(rt, "key")
				m.release(who, k)
				agree("", server().Release(context.Background(), session, who, k))
			},
			"attempt": func(rt *rapid.T) {
				files := []string{"unknown"}
				for _, l := range m.lines {
					if id := l.event.Data.Get(bridge.KeyFileID); id != "" {
						files = append(files, id)
					}
				}
				who, k, file := user.Draw(rt, "who"), key.Draw(rt, "key"), rapid.SampledFrom(files).Draw(rt, "file")
				agree(m.attempt(who, k, file), server().Attempt(context.Background(), session, who, k, file))
			},
			"wait": func(rt *rapid.T) {
				clock = clock.Add(time.Duration(rapid.IntRange(1, 25).Draw(rt, "hours")) * time.Hour)
				m.now = clock.UnixMilli()
			},
			"forget": func(rt *rapid.T) {
				// Another session replaces this one in memory.
				_, _, err := server().FindKey(context.Background(), "elsewhere", "k1")
				require.NoError(rt, err)
			},
			"": func(rt *rapid.T) {
				s := server()
				_, _, err := s.FindKey(context.Background(), session, "none") // reads the log
				require.NoError(rt, err)
				for who := range m.in {
					l, err := s.Limits(context.Background(), session, who)
					agree(m.member(who), err)
					if err != nil || !m.customer(who) {
						continue
					}
					files, bytes := m.used("")
					require.Equal(rt, []int64{files, bytes, int64(len(m.tickets))}, []int64{l.UsedFiles, l.UsedTotalSize, l.UsedDownloads})
					require.Equal(rt, m.agents(who) > 0, l.AgentHere)
				}
			},
		})
		for who := range m.in {
			requireSeen(rt, servers[0], session, who, m)
		}
	})
}

// requireSeen compares the party's events with those that the model lets it see.
func requireSeen(t *rapid.T, s *chat.Server, session, who string, m *model) {
	var want, got []int64
	for i, l := range m.lines {
		if l.event.Type != "" && sees(who, l.event) {
			want = append(want, int64(i+1))
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := s.Events(ctx, session, who, 0, func(e bridge.Event) error {
		if got = append(got, e.ID); len(got) == len(want) {
			cancel()
		}
		return nil
	})
	if !m.ended {
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Equal(t, want, got)
}
