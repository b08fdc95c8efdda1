package chat

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// IdleControl is Chat Server's inactivity control: a session in which nothing happens is
// warned once or twice and then closed. Each alert and the close is an entry of the log that
// names the last activity, so that any number of proxies write one.
type IdleControl struct {
	Enabled bool

	// A time without activity before the first alert, from there to the second (0: there is
	// none), and from the last alert to the close.
	Alert, Alert2, Close time.Duration

	// The texts of the notices; [NoMessage]: none is sent.
	MessageAlert, MessageAlert2, MessageClose string

	Notices       IncludedNotices
	IgnoreUploads bool
}

// NoMessage as the text of an alert or a close says that no notice is sent.
const NoMessage = "none"

// IncludedNotices says which notices are activity.
type IncludedNotices string

const (
	MajorNotices   IncludedNotices = "major"  // pushed URLs, files, deleted files
	Major2Notices  IncludedNotices = "major2" // and custom notices
	TypingNotices  IncludedNotices = "typing" // those of major, and that a party begins to type
	AllNotices     IncludedNotices = "all"
	WithoutNotices IncludedNotices = "none"
)

// activity is a kind of activity. The log has them all; the options say which of them count.
type activity int

const (
	byParty     activity = iota // joined or left
	byMessage                   // and by IDLE_CONTROL_SET
	byMajor                     // a notice of the kinds that "major" includes
	byCustom                    // a custom notice
	byTyping                    // a party begins to type
	byAnyNotice                 // every other notice of a party
	byUpload                    // bytes arrive
	activities
)

// activityNames are the names of the kinds that have log entries of their own.
var activityNames = map[string]activity{"typing": byTyping, "notice": byAnyNotice, "upload": byUpload}

// counts reports whether that kind of activity keeps a session open.
func (c IdleControl) counts(a activity) bool {
	switch a {
	case byMajor:
		return c.Notices != WithoutNotices
	case byCustom:
		return c.Notices == Major2Notices || c.Notices == AllNotices
	case byTyping:
		return c.Notices == TypingNotices || c.Notices == AllNotices
	case byAnyNotice:
		return c.Notices == AllNotices
	case byUpload:
		return !c.IgnoreUploads
	}
	return true
}

// activityOf returns the kind of activity that a log entry shows; ok is false if it shows none.
func activityOf(e *logEntry) (a activity, ok bool) {
	switch {
	case e.Kind == isActive:
		a, ok = activityNames[e.Activity]
		return a, ok
	case e.Kind == isReserve:
		return byUpload, true
	case e.Event == nil || e.About != 0:
		return 0, false
	case e.Event.Type == bridge.NewParty, e.Event.Type == bridge.PartyLeft:
		return byParty, true
	case e.Event.Type == bridge.Message, e.Event.NoticeType == bridge.IdleControlSet:
		return byMessage, true
	}
	return noticeActivity(e.Event.Event), true
}

func noticeActivity(e bridge.Event) activity {
	switch e.NoticeType {
	case bridge.PushURL, bridge.SystemCommand:
		return byMajor
	case bridge.UserCustom:
		return byCustom
	case bridge.TypingStarted:
		return byTyping
	}
	return byAnyNotice
}

// moment is an entry's position and time.
type moment struct{ position, at int64 }

// idleFold is the part of a fold that idle control needs.
type idleFold struct {
	active  [activities]moment // the latest of each kind
	alerts  int                // since the activity at alerted
	alerted int64
	alertAt int64
	set     idleTimes // by IDLE_CONTROL_SET
	closing bool      // the session is over, and its parties are being taken out
}

func (f *idleFold) apply(e *logEntry) {
	if a, ok := activityOf(e); ok {
		f.active[a] = moment{e.Position, e.At}
	}
	switch {
	case e.About == 0:
		if e.Event != nil && e.Event.NoticeType == bridge.IdleControlSet {
			if set, err := f.set.changed(e.Event.Data); err == nil {
				f.set = set
			}
		}
	case e.Closing:
		f.closing = true
	case e.About != f.alerted:
		f.alerts, f.alerted, f.alertAt = 1, e.About, e.At
	default:
		f.alerts, f.alertAt = f.alerts+1, e.At
	}
}

// idleTimes are times of idle control in milliseconds, as far as an agent has set them.
type idleTimes struct {
	off                  bool
	alert, alert2, close *int64
}

// The keys of an IDLE_CONTROL_SET notice. They are not published; these are the names of the
// options.
const (
	keyIdleEnabled = "enabled"
	keyIdleAlert   = "timeout-alert"
	keyIdleAlert2  = "timeout-alert2"
	keyIdleClose   = "timeout-close"

	// keyIdleExpire, in an alert's data, is in how many seconds the session will be closed.
	keyIdleExpire = "idle-time-expire"
)

// maxIdle is the vendor's bound of each time, in seconds.
const maxIdleSeconds = 86400

// changed returns the times as the notice changes them. Keys that it does not have stay.
func (t idleTimes) changed(d bridge.Data) (idleTimes, error) {
	for _, item := range d {
		least, field := int64(1), (**int64)(nil)
		switch item.Key {
		case keyIdleEnabled:
			if item.Text != "true" && item.Text != "false" {
				return t, idleError(item.Key + " is true or false")
			}
			t.off = item.Text == "false"
			continue
		case keyIdleAlert:
			field = &t.alert
		case keyIdleAlert2:
			least, field = 0, &t.alert2
		case keyIdleClose:
			field = &t.close
		default:
			return t, idleError("it has no " + strconv.Quote(item.Key))
		}
		v, err := strconv.ParseInt(item.Text, 10, 64)
		if err != nil || v < least || v > maxIdleSeconds {
			return t, idleError(item.Key + " is a number of seconds from " + strconv.FormatInt(least, 10) + " to " + strconv.Itoa(maxIdleSeconds))
		}
		v *= 1000
		*field = &v
	}
	return t, nil
}

func idleError(detail string) error {
	return bridge.NewError(bridge.CodeMessage, "a notice "+bridge.IdleControlSet+": "+detail)
}

// idleStep is the next step of idle control.
type idleStep int

const (
	noStep idleStep = iota
	alertStep
	closeStep
	removeStep // of one party of a session that was closed
)

// idlePlan is what idle control does next in a session, and when, and when it will close the
// session unless something happens; both in milliseconds since 1970.
type idlePlan struct {
	step    idleStep
	at      int64
	about   int64 // the last activity's position
	nth     int   // of an alert, from 1
	expires int64
}

// plan returns the next step; noStep if idle control is off or the session is over.
func (c IdleControl) plan(f *fold) idlePlan {
	if !c.Enabled || f.over || f.last == 0 {
		return idlePlan{}
	}
	if f.idle.closing {
		return idlePlan{step: removeStep, at: f.at}
	}
	if f.idle.set.off {
		return idlePlan{}
	}
	last := c.last(f)
	if last.position == 0 {
		return idlePlan{}
	}
	times := [...]int64{
		*cmp.Or(f.idle.set.alert, new(c.Alert.Milliseconds())),
		*cmp.Or(f.idle.set.alert2, new(c.Alert2.Milliseconds())),
		*cmp.Or(f.idle.set.close, new(c.Close.Milliseconds())),
	}
	p := idlePlan{step: alertStep, about: last.position, nth: 1}
	since, next := last.at, 0
	if f.idle.alerts > 0 && f.idle.alerted == last.position {
		p.nth, since, next = f.idle.alerts+1, f.idle.alertAt, 1
	}
	if p.nth == 2 && times[1] == 0 || p.nth > 2 {
		p.step, next = closeStep, 2
	}
	p.at = since + times[next]
	p.expires = since
	for _, t := range times[next:] {
		p.expires += t
	}
	return p
}

// idleExpires returns when the session closes unless something happens, as far as the party
// may know.
func (s *Server) idleExpires(f *fold, p bridge.Party) int64 {
	if p.ClientVersion < bridge.VersionIdleControl {
		return 0
	}
	return s.cfg.Idle.plan(f).expires
}

// last returns the last activity that counts.
func (c IdleControl) last(f *fold) (last moment) {
	for a, m := range f.idle.active {
		if m.position > last.position && c.counts(activity(a)) {
			last = m
		}
	}
	return last
}

// idleEntry is the decision of idle control: the entry that is due now, if there is one.
func (s *Server) idleEntry(f *fold, now int64) (*logEntry, error) {
	p := s.cfg.Idle.plan(f)
	if p.step == noStep || now < p.at {
		return nil, nil
	}
	c := s.cfg.Idle
	switch p.step {
	case alertStep:
		message := c.MessageAlert
		if p.nth == 2 {
			message = c.MessageAlert2
		}
		left := (p.expires - p.at + 999) / 1000
		return idleNotice(bridge.IdleControlAlert, message, p.about, bridge.Data{bridge.Int(keyIdleExpire, left)}), nil
	case closeStep:
		e := idleNotice(bridge.IdleControlClose, c.MessageClose, p.about, nil)
		e.Closing, e.Over = true, len(f.present) == 0
		return e, nil
	}
	users := slices.Sorted(maps.Keys(f.present))
	if len(users) == 0 {
		return &logEntry{Kind: isIdle, Over: true}, nil
	}
	e := partyLeft(f.present[users[0]], proxy.Departure{Reason: s.reason(bridge.ReasonIdle)})
	e.Over = len(users) == 1
	return e, nil
}

// serverParty sends what Chat Server itself says. It is in no session.
var serverParty = bridge.Party{UserID: bridge.ServerID, Nickname: "System", UserType: bridge.System, Visibility: bridge.All}

func idleNotice(notice, message string, about int64, d bridge.Data) *logEntry {
	if message == NoMessage {
		return &logEntry{Kind: isIdle, About: about}
	}
	return &logEntry{Kind: isEvent, About: about, Event: &event{bridge.Event{
		Type: bridge.Notice, NoticeType: notice, Text: message, Data: d, From: serverParty, Visibility: bridge.All,
	}}}
}

// checkIdleSet refuses an IDLE_CONTROL_SET that changes nothing.
func (s *Server) checkIdleSet(f *fold, e bridge.Event) error {
	switch {
	case e.From.UserType == bridge.Client:
		return bridge.NewError(bridge.CodeForbidden, "a customer may not change when an idle session is closed")
	case !s.cfg.Idle.Enabled:
		return bridge.NewError(bridge.CodeForbidden, "idle sessions are not closed here")
	case len(e.Data) == 0:
		return idleError("it has no data")
	}
	_, err := f.idle.set.changed(e.Data)
	return err
}
