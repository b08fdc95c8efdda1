package proxy

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"attache/bridge"
)

// Flex is Chat Server's connectionless protocol, for web clients that only make requests: log
// in, join, refresh from a position, log out. It has no wire: a front door, such as one that
// speaks GMS' HTTP, translates requests to it. Any number of users may share one.
//
//	in, err := flex.Login(ctx, proxy.FlexLogin{Nickname: "Ann"})
//	s, err := flex.Join(ctx, proxy.FlexJoin{FlexUser: proxy.FlexUser{UserID: in.UserID, SecureKey: in.SecureKey}})
//	s, err = flex.Refresh(ctx, proxy.FlexRefresh{FlexUser: …, Text: "hello"})
//
// Every request but Login names its user by user id and secure key, as the last answer had
// them. An error is a negative answer; [bridge.Code.ErrorID] is Chat Server's id for it. A
// party that makes no request for [Config.FlexDisconnectTimeout] leaves its session.
type Flex struct {
	proxy *Proxy

	mu      sync.Mutex
	logins  map[string]*flexLogin // by user id
	parties map[string]*flexParty // by seat
	closed  bool
	running sync.WaitGroup
}

// FlexUser names the user of a request, and what its answer is to have.
type FlexUser struct {
	UserID, SecureKey string

	Session       string
	ClientVersion int64 // of the client; 0 is 101
	FromPosition  int64 // the first event of the answer's transcript; 0: it has none
}

// FlexLogin registers a user, who is a CLIENT.
type FlexLogin struct {
	Nickname       string
	TimeZoneOffset int64 // minutes east of UTC
	UserData       bridge.Data
}

// FlexJoin joins a session; an empty Session makes a new one, which QueueKey and Subject route.
type FlexJoin struct {
	FlexUser
	QueueKey, Subject string
	Attributes        bridge.Data
}

// FlexRefresh asks what is new, and may say something first: a message, or a notice by the
// rules of [bridge.CheckNotify].
type FlexRefresh struct {
	FlexUser
	Text, MessageType string
	Notice            *bridge.Notify
	Key               string // repeating a request with it does not repeat what it says
	Attributes        bridge.Data
}

// FlexLogout leaves the session.
type FlexLogout struct {
	FlexUser
	Attributes bridge.Data
}

// FlexStatus answers every request.
type FlexStatus struct {
	UserID     string
	SecureKey  string // for the next request
	PartyID    int64  // the party, within its session; 0 before it joins
	At         int64  // milliseconds since 1970
	Server     string // its release
	Limits     bridge.Limits
	Transcript FlexTranscript
	Ended      bool // the session has ended, or the party has left: nothing will follow Transcript
}

// FlexTranscript is a part of a session's transcript, as the party may see it. A transient
// event, such as typing, is in it once, with the id 0, whatever the position.
type FlexTranscript struct {
	Session      string
	Started      int64 // milliseconds since 1970
	LastPosition int64 // the next request asks from the one after it
	Events       []FlexEvent
	More         bool  // the transcript goes on after LastPosition
	Saved        int64 // id of the last event that is stored elsewhere
	IdleExpires  int64 // milliseconds since 1970; 0: never
	Monitored    bool
}

// FlexEvent is an event of the transcript.
type FlexEvent struct {
	bridge.Event
	PartyID    int64 // of its sender
	TimeOffset int64 // whole seconds since the session began
}

// flexRights are those of every user; what a customer may do is limited by Chat Server.
var flexRights = bridge.Rights{bridge.RightChat, bridge.RightUpload, bridge.RightDownload}

func newFlex(p *Proxy) *Flex {
	return &Flex{proxy: p, logins: map[string]*flexLogin{}, parties: map[string]*flexParty{}}
}

// Flex returns the flex protocol; nil if the Chat Server's transcripts can be read by parties
// only, by following them.
func (p *Proxy) Flex() *Flex {
	if _, ok := p.cfg.Chat.(Transcripts); !ok {
		return nil
	}
	return p.flex
}

// NewSession returns the id of a new session, for a front door that has to store it before a
// user joins; Join makes one otherwise.
func (f *Flex) NewSession() string { return f.proxy.cfg.Staging.NewID() }

// Login registers a user. It is remembered at this proxy, for as long as a party may be away.
func (f *Flex) Login(_ context.Context, l FlexLogin) (FlexStatus, error) {
	login, err := f.login(l)
	if err != nil {
		return FlexStatus{}, err
	}
	return FlexStatus{UserID: login.party.UserID, SecureKey: login.key, At: time.Now().UnixMilli(), Server: bridge.Version}, nil
}

// Join lets a user that has logged in join a session. The secure key of the answer replaces
// that of the login.
func (f *Flex) Join(ctx context.Context, j FlexJoin) (FlexStatus, error) {
	login, err := f.loggedIn(j.FlexUser)
	if err != nil {
		return FlexStatus{}, err
	}
	if j.Session, err = login.enter(j.Session, f.NewSession); err != nil {
		return FlexStatus{}, err
	}
	who := f.identity(j.FlexUser, login.party)
	who.Party.ClientVersion = j.ClientVersion
	if err := f.proxy.presence.enterRequest(ctx, who); err != nil {
		return FlexStatus{}, err
	}
	defer f.proxy.presence.exit(who, false)
	joined, err := f.proxy.cfg.Chat.Join(ctx, j.Session, Joining{
		Party: who.Party, QueueKey: j.QueueKey, Subject: j.Subject, UserData: login.userData, Attributes: j.Attributes, ByProxy: true,
	})
	if err != nil {
		return FlexStatus{}, err
	}
	if err := f.proxy.transfers.register(ctx, who, joined); err != nil {
		return FlexStatus{}, err
	}
	joined.SecureKey = login.registered(joined.SecureKey)
	return f.status(ctx, who, joined, j.FromPosition)
}

// Refresh posts what the request says, and returns what is new. If the session has ended, or
// another party has taken this one out, a request that says nothing gets the rest of the
// transcript until it asks for what comes after that; see [Farewells].
func (f *Flex) Refresh(ctx context.Context, r FlexRefresh) (FlexStatus, error) {
	who, joined, exit, err := f.Enter(ctx, r.FlexUser)
	if err != nil {
		if r.Text == "" && r.Notice == nil {
			return f.farewell(ctx, r.FlexUser, err)
		}
		return FlexStatus{}, err
	}
	defer exit()
	f.party(who, joined) // before the others can answer
	from, err := f.within(ctx, r.FlexUser, joined)
	if err != nil {
		return FlexStatus{}, err
	}
	answer, err := f.say(ctx, who, joined, r)
	if err != nil {
		return FlexStatus{}, err
	}
	s, err := f.status(ctx, who, joined, from)
	if answer != nil && answer.Transient() {
		s.Transcript.Events = append(s.Transcript.Events, FlexEvent{
			Event: *answer, PartyID: s.PartyID, TimeOffset: offset(joined, *answer),
		})
	}
	return s, err
}

// Enter identifies the user by its secure key and counts it as present until exit is called: for
// a request that moves a file by [Transfers], or one that is held until something happens.
func (f *Flex) Enter(ctx context.Context, u FlexUser) (who Identity, joined Joined, exit func(), err error) {
	if who, joined, err = f.authenticate(ctx, u); err != nil {
		return who, joined, nil, err
	}
	if err := f.proxy.presence.enterRequest(ctx, who); err != nil {
		return who, joined, nil, err
	}
	return who, joined, func() { f.proxy.presence.exit(who, false) }, nil
}

// within returns the position that the user asks for, or the one after the log's last entry if
// that is less: a client that asks for more would never see what comes next.
func (f *Flex) within(ctx context.Context, u FlexUser, joined Joined) (int64, error) {
	if u.FromPosition <= joined.Position+1 {
		return u.FromPosition, nil
	}
	// Another proxy may have answered with what this one has yet to read.
	last := joined.Position
	err := f.proxy.cfg.Chat.(Transcripts).Transcript(ctx, u.Session, last, func(e bridge.Event) error {
		last = max(last, e.ID)
		return nil
	})
	if err != nil {
		return 0, err
	}
	_, joined, err = f.authenticate(ctx, u)
	return min(u.FromPosition, max(last, joined.Position)+1), err
}

// farewell answers a request after the end with the rest of the transcript. why is the error
// that the request has otherwise: if nothing is left to read, or the user is another.
func (f *Flex) farewell(ctx context.Context, u FlexUser, why error) (FlexStatus, error) {
	who, joined, err := f.departed(ctx, u, why)
	if err != nil {
		return FlexStatus{}, err
	}
	if u.FromPosition == 0 || u.FromPosition > joined.Position {
		return FlexStatus{}, why
	}
	return f.rest(ctx, who, joined, u.FromPosition)
}

// departed identifies a user that is no longer in its session.
func (f *Flex) departed(ctx context.Context, u FlexUser, why error) (Identity, Joined, error) {
	past, ok := f.proxy.cfg.Chat.(Farewells)
	if code := bridge.CodeOf(why); !ok || code != bridge.CodeSessionEnded && code != bridge.CodeLoggedOut {
		return Identity{}, Joined{}, why
	}
	who := f.identity(u, flexUser(u))
	joined, err := past.Departed(ctx, u.Session, Joining{Party: who.Party, SecureKey: u.SecureKey})
	switch {
	case err != nil:
		return who, joined, err
	case joined.Party.Protocol != bridge.Flex:
		return who, joined, why
	}
	who.Party = asVersion(joined.Party, u.ClientVersion)
	return who, joined, nil
}

// rest is status for a party that is no longer in.
func (f *Flex) rest(ctx context.Context, who Identity, joined Joined, from int64) (FlexStatus, error) {
	s, err := f.read(ctx, who, joined, from, joined.Position, &flexParty{numbers: map[string]int64{}})
	s.Ended = !s.Transcript.More
	return s, err
}

// say posts what the request says, and returns the event. The answer to a question is a
// transient event.
func (f *Flex) say(ctx context.Context, who Identity, joined Joined, r FlexRefresh) (*bridge.Event, error) {
	switch {
	case r.Notice != nil && r.Text != "":
		return nil, bridge.NewError(bridge.CodeMessage, "a refresh has a message or a notice, not both")
	case r.Notice != nil:
		if r.Notice.Receiver != "" {
			return nil, bridge.NewError(bridge.CodeForbidden, "the flex protocol has no direct notices")
		}
		m := *r.Notice
		if rule, ok := bridge.RuleOf(m.Notice, m.Text); ok && !rule.Transient && !rule.Answered {
			m.Key = orFreshKey(r.Key)
		}
		return f.proxy.notify(ctx, who, "", f.proxy.transfers.Limits(who, joined.Limits), &m)
	case r.Text != "":
		_, err := f.proxy.say(ctx, who, &bridge.Say{Key: orFreshKey(r.Key), Text: r.Text, MessageType: r.MessageType}, r.Attributes)
		return nil, err
	}
	return nil, nil
}

// offset is how many whole seconds after the session's beginning the event was.
func offset(joined Joined, e bridge.Event) int64 { return max(e.At-joined.Started, 0) / 1000 }

// view returns the event as the party may see it, and whether it may see it at all.
func (f *Flex) view(ctx context.Context, who Identity, e bridge.Event) (bridge.Event, bool) {
	e, sees := who.Party.View(e)
	if !sees {
		return e, false
	}
	return f.proxy.transfers.Shown(ctx, who, e), true
}

// orFreshKey returns key, or a fresh one for a client that has none: it cannot repeat its
// request then.
func orFreshKey(key string) string {
	if key != "" {
		return key
	}
	var k bridge.Key
	rand.Read(k[:])
	return k.String()
}

// Logout takes the party out of its session. Repeating it succeeds.
func (f *Flex) Logout(ctx context.Context, l FlexLogout) (FlexStatus, error) {
	who, joined, exit, err := f.Enter(ctx, l.FlexUser)
	if err != nil {
		who, joined, err = f.departed(ctx, l.FlexUser, err)
		if err != nil {
			return FlexStatus{}, err
		}
		return f.rest(ctx, who, joined, l.FromPosition)
	}
	from, err := f.within(ctx, l.FlexUser, joined)
	if err != nil {
		exit()
		return FlexStatus{}, err
	}
	err = f.proxy.cfg.Chat.Leave(ctx, who.Session, who.Party.UserID, Departure{
		Reason: bridge.ReasonLeft, After: bridge.KeepAlive, Attributes: l.Attributes,
	})
	if err != nil {
		exit()
		return FlexStatus{}, err
	}
	f.proxy.presence.exit(who, true)
	defer f.drop(who.seat())
	s, err := f.status(ctx, who, joined, from)
	s.Ended = true
	return s, err
}

// authenticate attaches the user to its party by the secure key. It takes no seat: another
// client that guesses keys does not keep a party in its session.
func (f *Flex) authenticate(ctx context.Context, u FlexUser) (Identity, Joined, error) {
	if u.SecureKey == "" {
		return Identity{}, Joined{}, bridge.NewError(bridge.CodeSecureKey, "")
	}
	who := f.identity(u, flexUser(u))
	joined, err := f.proxy.cfg.Chat.Join(ctx, u.Session, Joining{Party: who.Party, SecureKey: u.SecureKey})
	if err != nil {
		return who, joined, err
	}
	if joined.Party.Protocol != bridge.Flex {
		return who, joined, bridge.NewError(bridge.CodeForbidden, "the party is connected in another way")
	}
	who.Party = asVersion(joined.Party, u.ClientVersion)
	return who, joined, nil
}

func flexUser(u FlexUser) bridge.Party {
	return bridge.Party{
		UserID: u.UserID, UserType: bridge.Client, ClientVersion: u.ClientVersion, UserInfo: bridge.UserInfo{Protocol: bridge.Flex},
	}
}

// asVersion returns the party as a client of that version sees its session; 0 is the party's.
func asVersion(p bridge.Party, version int64) bridge.Party {
	if version != 0 {
		p.ClientVersion = min(version, p.ClientVersion)
	}
	return p
}

func (f *Flex) identity(u FlexUser, p bridge.Party) Identity {
	return Identity{Session: u.Session, Party: p, Rights: flexRights}
}

// Bounds of one answer's transcript; a client asks for the rest.
const (
	flexEvents = 1000
	flexBytes  = 1 << 20
)

var errAnswerFull = errors.New("the answer has enough events")

// status makes the answer, with what the party may see of the transcript from a position on.
func (f *Flex) status(ctx context.Context, who Identity, joined Joined, from int64) (FlexStatus, error) {
	p := f.party(who, joined)
	s, err := f.read(ctx, who, joined, from, bridge.MaxInteger, p)
	if err != nil {
		return s, err
	}
	for _, e := range f.transients(ctx, who, p) {
		s.Transcript.Events = append(s.Transcript.Events, FlexEvent{e, p.number(e.From.UserID), offset(joined, e)})
	}
	return s, nil
}

// read makes the answer without transient events, with nothing after the event until. p numbers
// the parties.
func (f *Flex) read(ctx context.Context, who Identity, joined Joined, from, until int64, p *flexParty) (FlexStatus, error) {
	t := FlexTranscript{
		Session: who.Session, Started: joined.Started, LastPosition: max(joined.Position, from-1),
		Saved: joined.Saved, IdleExpires: joined.IdleExpires, Monitored: joined.Monitored,
	}
	start := p.known()
	if from > 0 {
		start = min(start, from-1)
	}
	var shown, all []bridge.Event
	bytes := 0
	walk := func(e bridge.Event) error {
		all = append(all, bridge.Event{ID: e.ID, Type: e.Type, From: bridge.Party{UserID: e.From.UserID}})
		t.LastPosition = max(t.LastPosition, e.ID)
		if from > 0 && e.ID >= from {
			if e, sees := f.view(ctx, who, e); sees {
				shown, bytes = append(shown, e), bytes+weight(e)
			}
		}
		switch {
		case e.ID >= until, e.Type == bridge.PartyLeft && e.From.UserID == who.Party.UserID && e.ID > joined.Position:
			return errAnswerFull // what comes after it is not for the party
		case len(shown) >= flexEvents || bytes >= flexBytes:
			t.LastPosition, t.More = e.ID, true
			return errAnswerFull
		}
		return nil
	}
	err := f.proxy.cfg.Chat.(Transcripts).Transcript(ctx, who.Session, start, walk)
	if err != nil && !errors.Is(err, errAnswerFull) {
		return FlexStatus{}, err
	}
	ids := p.learn(all)
	for _, e := range shown {
		t.Events = append(t.Events, FlexEvent{e, ids[e.From.UserID], offset(joined, e)})
	}
	return FlexStatus{
		UserID: who.Party.UserID, SecureKey: joined.SecureKey, PartyID: ids[who.Party.UserID], At: time.Now().UnixMilli(),
		Server: bridge.Version, Limits: f.proxy.transfers.Limits(who, joined.Limits), Transcript: t,
	}, nil
}
