package chat_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

// model is a session without a fold: each answer counts everything again.
type model struct {
	now     int64
	in      map[string]bool
	names   map[string]string // by user, since the last join
	chosen  map[string]bool   // by user, whether it has given itself that name
	ended   bool
	lines   []line
	holds   []hold
	tickets map[string]bool
	limits  *modelLimits
	settle  []settling // of deleted files
}

// settling is the bytes of a deleted file that count for a little longer.
type settling struct{ size, at int64 }

// modelLimits are limits that change while sessions run.
type modelLimits struct{ files, bytes, tries, token atomic.Int64 }

func (l *modelLimits) reset() {
	l.files.Store(modelFiles)
	l.bytes.Store(modelBytes)
	l.tries.Store(modelTries)
	l.token.Store(0)
}

func (l *modelLimits) deleteFile() string { return bridge.DeleteTokens[l.token.Load()] }

func (l *modelLimits) Limits() (customers, agents bridge.Limits) {
	customers = bridge.Unlimited()
	customers.MaxFiles, customers.MaxTotalSize, customers.MaxDownloads = l.files.Load(), l.bytes.Load(), l.tries.Load()
	customers.DeleteFile = l.deleteFile()
	return customers, bridge.Unlimited()
}

func (l *modelLimits) Watch(func()) (stop func()) { return func() {} }

// line is one entry of the log; hidden ones are blank.
type line struct {
	event   bridge.Event
	size    int64
	deleted int  // index of the line that deletes this file; 0: none does
	back    bool // it gave its share of the limits back
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

var modelParties = map[string]bridge.Party{"ann": ann, "carl": carl, "bob": bob, "sue": sue, "ivy": ivy, "old": old}

// old is an agent of the oldest version.
var old = bridge.Party{UserID: "old", Nickname: "Old", UserType: bridge.Agent, ClientVersion: 101}

// ivy is a hidden supervisor.
var ivy = bridge.Party{UserID: "ivy", Nickname: "Ivy", UserType: bridge.Supervisor, Visibility: bridge.Vip, ClientVersion: 106}

// party returns the user's party with its present nickname.
func (m *model) party(user string) bridge.Party {
	p := modelParties[user]
	p.Nickname = m.names[user]
	return p
}

func (m *model) write(e bridge.Event, size int64) {
	m.lines = append(m.lines, line{event: e, size: size})
}

func (m *model) customer(user string) bool { return modelParties[user].UserType == bridge.Client }

// agents counts the agents that the user may see and that do not only monitor.
func (m *model) agents(user string) (n int) {
	for other := range m.in {
		hidden := modelParties[other].Visibility == bridge.Vip
		if !m.customer(other) && !hidden {
			n++
		}
	}
	return n
}

// used counts the customers' reservations and announced files, except that key's.
func (m *model) used(except string) (files, bytes int64) {
	for _, l := range m.lines {
		if l.event.IsFile() && m.customer(l.event.From.UserID) && !l.back {
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
	p, own := modelParties[user], e.From.UserID == user
	switch {
	case e.Visibility != "" && !p.UserType.MaySee(e.Visibility) && !own:
		return false
	case e.Receiver != "" && e.Receiver != user && !own:
		return false
	}
	return p.ClientVersion != 101 || e.NoticeType != bridge.UpdateNick && e.NoticeType != bridge.SystemCommand
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
	case m.limits.files.Load() == 0 || m.limits.bytes.Load() == 0:
		return bridge.CodeUploadsOff
	case files >= m.limits.files.Load():
		return bridge.CodeFileCount
	case bytes+size > m.limits.bytes.Load():
		return bridge.CodeTotalSize
	}
	return ""
}

func (m *model) join(user, nickname string) bridge.Code {
	if m.ended {
		return bridge.CodeSessionEnded
	}
	was := m.names[user]
	if !m.in[user] || !m.chosen[user] {
		m.names[user] = nickname
	}
	switch {
	case !m.in[user]:
		m.in[user] = true
		m.write(bridge.Event{Type: bridge.NewParty, From: m.party(user), Visibility: modelParties[user].Visibility}, 0)
	case was != m.names[user]:
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
	delete(m.chosen, user)
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
	if code := m.direct(user, e); code != "" {
		return 0, code
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
	if e.NoticeType == bridge.UpdateNick {
		m.names[user], m.chosen[user] = e.Text, true
		e.Visibility = modelParties[user].Visibility
	}
	e.From = m.party(user)
	m.write(e, size)
	return len(m.lines) - 1, ""
}

// direct is why the user may not send e to its receiver.
func (m *model) direct(user string, e bridge.Event) bridge.Code {
	to := modelParties[e.Receiver]
	hidden := to.Visibility == bridge.Vip && modelParties[user].UserType != bridge.Supervisor
	switch {
	case e.Receiver == "":
		return ""
	case !m.in[e.Receiver], e.Receiver == user, hidden:
		return bridge.CodeParty
	case e.Visibility == bridge.Internal && m.customer(e.Receiver):
		return bridge.CodeForbidden
	}
	return ""
}

// delete returns the line with the notice that deletes the file.
func (m *model) delete(user, file string) (int, bridge.Code) {
	if code := m.member(user); code != "" {
		return 0, code
	}
	for i := range m.lines {
		l := &m.lines[i]
		if !l.event.IsFile() || l.event.Data.Get(bridge.KeyFileID) != file || !sees(user, l.event) {
			continue
		}
		switch {
		case l.event.From.UserID != user:
			return 0, bridge.CodeForbidden
		case l.deleted > 0:
			return l.deleted, ""
		case m.customer(user) && m.limits.deleteFile() == bridge.DeleteOff:
			return 0, bridge.CodeForbidden
		}
		l.deleted, l.back = len(m.lines), !m.customer(user) || m.limits.deleteFile() == bridge.DeleteOdd
		if l.back && m.customer(user) {
			m.settle = append(m.settle, settling{l.size, m.now})
		}
		m.write(bridge.Event{Type: bridge.Notice, NoticeType: bridge.SystemCommand, From: m.party(user), Visibility: l.event.Visibility}, 0)
		return len(m.lines) - 1, ""
	}
	return 0, bridge.CodeFileUnknown
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
	for _, s := range m.settle {
		if s.at == m.now {
			bytes += s.size
		}
	}
	if bytes+size > m.limits.bytes.Load() {
		return bridge.CodeBusy
	}
	m.holds = append(m.holds, hold{user: user, key: key, size: size, at: m.now})
	m.write(bridge.Event{}, 0)
	return ""
}

func (m *model) correct(user, key string, size int64) bridge.Code {
	h := m.held(key)
	switch {
	case h == nil || h.user != user || m.ended || size == h.size:
		return ""
	case size > h.size:
		return bridge.CodeUploadConflict
	}
	h.size, h.at = size, m.now
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
		if l.event.IsFile() && l.event.Data.Get(bridge.KeyFileID) == file {
			visible = sees(user, l.event) && l.deleted == 0
		}
	}
	ticket := user + " " + key + " " + file
	switch {
	case !visible:
		return bridge.CodeFileUnknown
	case !m.customer(user) || m.tickets[ticket]:
		return ""
	case int64(len(m.tickets)) >= m.limits.tries.Load():
		return bridge.CodeDownloads
	}
	m.tickets[ticket] = true
	m.write(bridge.Event{}, 0)
	return ""
}

// For any actions of the parties and changes of the limits, in any order, through any proxy,
// restarted or not, the server's answers are the model's; and no allowance is ever below
// zero, or above its limit because of what was allowed.
func TestAgainstModel(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	limits := &modelLimits{}
	var clock atomic.Int64 // the engine's goroutines read it, too
	clock.Store(time.Now().UnixMilli())
	o := chat.Options{Limits: limits, ReservationTTL: modelTTL, Retention: 1000 * time.Hour,
		IdleSessions: 1, Now: func() time.Time { return time.UnixMilli(clock.Load()) }}
	servers := []*chat.Server{serve(t, e, o), serve(t, e, o)}
	round := 0

	rapid.Check(t, func(rt *rapid.T) {
		round++
		session := fmt.Sprintf("round-%d", round)
		limits.reset()
		m := &model{limits: limits, in: map[string]bool{}, names: map[string]string{}, chosen: map[string]bool{}, tickets: map[string]bool{}, now: clock.Load()}
		user := rapid.SampledFrom([]string{"ann", "carl", "bob", "sue", "ivy", "old"})
		key := rapid.SampledFrom([]string{"k1", "k2", "k3", "k4", "k5"})
		size := rapid.Int64Range(0, 60)
		visibility := rapid.SampledFrom([]bridge.Visibility{bridge.All, bridge.All, bridge.Internal})
		server := func() *chat.Server { return rapid.SampledFrom(servers).Draw(rt, "server") }
		agree := func(want bridge.Code, err error) {
			require.Equal(rt, want, bridge.CodeOf(err), "%v", err)
		}
		// within checks what a file that was just allowed has used up.
		within := func(who string, err error) {
			if err != nil || !m.customer(who) {
				return
			}
			l, err := server().Limits(context.Background(), session, who)
			if err == nil {
				require.LessOrEqual(rt, l.UsedFiles, l.MaxFiles)
				require.LessOrEqual(rt, l.UsedTotalSize, l.MaxTotalSize)
			}
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
				joined, err := server().Join(context.Background(), session, proxy.Joining{Party: p})
				agree(m.join(who, p.Nickname), err)
				if err == nil {
					require.Equal(rt, m.names[who], joined.Party.Nickname)
				}
			},
			"leave": func(rt *rapid.T) {
				who := user.Draw(rt, "who")
				after := rapid.SampledFrom([]bridge.AfterAction{"", bridge.KeepAlive, bridge.KeepAlive, bridge.CloseIfNoAgents, bridge.ForceClose}).Draw(rt, "after")
				err := server().Leave(context.Background(), session, who, proxy.Departure{Reason: bridge.ReasonLeft, After: after})
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
			"whisper": func(rt *rapid.T) {
				ev := text("x")
				ev.Visibility, ev.Receiver = visibility.Draw(rt, "visibility"), user.Draw(rt, "receiver")
				send(user.Draw(rt, "who"), ev, 0)
			},
			"rename": func(rt *rapid.T) {
				ev := noticeOf(bridge.UpdateNick, rapid.SampledFrom([]string{"I", "II"}).Draw(rt, "nickname"))
				ev.Visibility = bridge.All
				if rapid.Bool().Draw(rt, "keyed") {
					ev.Key = key.Draw(rt, "key")
				}
				send(user.Draw(rt, "who"), ev, 0)
			},
			"type": func(rt *rapid.T) { // it leaves no trace
				who := user.Draw(rt, "who")
				_, err := server().Post(context.Background(), session, who, noticeOf(bridge.TypingStarted, ""))
				if len(m.lines) > 0 {
					agree(m.member(who), err)
				}
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
				before := len(m.holds)
				want := m.reserve(who, k, n)
				err := server().Reserve(context.Background(), session, who, k, "a.pdf", n)
				agree(want, err)
				if len(m.holds) > before {
					within(who, err)
				}
			},
			"relimit": func(rt *rapid.T) {
				limits.files.Store(rapid.Int64Range(0, 4).Draw(rt, "files"))
				limits.bytes.Store(rapid.Int64Range(0, 150).Draw(rt, "bytes"))
				limits.tries.Store(rapid.Int64Range(0, 3).Draw(rt, "tries"))
				limits.token.Store(rapid.Int64Range(0, 2).Draw(rt, "token"))
			},
			"delete": func(rt *rapid.T) {
				who, file := user.Draw(rt, "who"), rapid.SampledFrom(m.files()).Draw(rt, "file")
				at, code := m.delete(who, file)
				stored, err := server().Post(context.Background(), session, who, deletion(file))
				agree(code, err)
				if err != nil {
					return
				}
				require.EqualValues(rt, at+1, stored.ID)
				if at == len(m.lines)-1 && m.lines[at].event.Text == "" {
					m.lines[at].event = stored
				}
				require.Equal(rt, m.lines[at].event, stored)
				require.Equal(rt, file, stored.Deletes())
			},
			"release": func(rt *rapid.T) {
				who, k := user.Draw(rt, "who"), key.Draw(rt, "key")
				m.release(who, k)
				agree("", server().Release(context.Background(), session, who, k))
			},
			"correct": func(rt *rapid.T) {
				who, k, n := user.Draw(rt, "who"), key.Draw(rt, "key"), size.Draw(rt, "size")
				for range 2 { // a repetition is free
					agree(m.correct(who, k, n), server().Correct(context.Background(), session, who, k, n))
				}
			},
			"attempt": func(rt *rapid.T) {
				who, k, file := user.Draw(rt, "who"), key.Draw(rt, "key"), rapid.SampledFrom(m.files()).Draw(rt, "file")
				agree(m.attempt(who, k, file), server().Attempt(context.Background(), session, who, k, file))
			},
			"wait": func(rt *rapid.T) {
				m.now = clock.Add(rapid.Int64Range(1, 25).Draw(rt, "hours") * time.Hour.Milliseconds())
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
					require.GreaterOrEqual(rt, min(l.UsedFiles, l.UsedTotalSize, l.UsedDownloads), int64(0))
				}
			},
		})
		for who := range m.in {
			requireSeen(rt, servers[0], session, who, m)
		}
	})
}

// files returns the ids of all files, and one of none.
func (m *model) files() []string {
	list := []string{"unknown"}
	for _, l := range m.lines {
		if l.event.IsFile() {
			list = append(list, l.event.Data.Get(bridge.KeyFileID))
		}
	}
	return list
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
