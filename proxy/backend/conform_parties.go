package backend

import (
	"context"
	"net/http"
	"strings"
	"time"

	"attache/bridge"
)

// infoTime is how long a stream may take to say all that a case changes.
const infoTime = 5 * time.Second

// partyCases are about what parties join with, attach by, may see, and leave with.
var partyCases = []contractCase{
	{name: "files and new nicknames are shown from the ClientVersions 104 and 102 on, each party by its own", body: func(t *caseRun) {
		for _, version := range []int64{101, 102, 103, 104, 106} {
			t.joinAs(wireJoin{wireParty: wireParty{UserID: name(version), UserType: bridge.Agent, ClientVersion: version}})
		}
		position := t.join("ann", bridge.Agent).Position
		t.joinAs(wireJoin{wireParty: wireParty{UserID: "ann", Nickname: "Ann L.", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}})
		t.post("ann", notice("a.pdf", 1))
		end := t.post("ann", message("the end"))
		for version, want := range map[int64]string{
			101: "", 102: bridge.UpdateNick, 103: bridge.UpdateNick,
			104: bridge.UpdateNick + " " + bridge.SystemCommand, 106: bridge.UpdateNick + " " + bridge.SystemCommand,
		} {
			var seen []string
			for _, e := range t.between(name(version), position, end.ID) {
				if e.Type == bridge.Notice {
					seen = append(seen, e.NoticeType)
				}
			}
			mustEqual("the notices that "+name(version)+" gets", want, strings.Join(seen, " "))
		}
	}},
	{name: "a hidden party that only monitors is not an agent that keeps a session open", body: func(t *caseRun) {
		t.join("carol", bridge.Client)
		t.joinAs(wireJoin{wireParty: wireParty{UserID: "sue", UserType: bridge.Supervisor, Visibility: bridge.Vip, ClientVersion: bridge.VersionCurrent}})
		t.join("ann", bridge.Supervisor)
		t.leave("ann", wireLeave{Code: 1, After: bridge.CloseIfNoAgents})
		_, err := t.tryPost("carol", message("still here?"))
		mustRefuse("a message after the last agent that closed the session", bridge.CodeSessionEnded, err)
	}},
	{name: "a stream that is asked for it says what a join says of the session, at once and when that changes", feature: featureInfo, body: func(t *caseRun) {
		said := func(user string, kind bridge.UserType) wireInfo {
			j := t.join(user, kind)
			return wireInfo{typeInfo, j.IdleExpires, j.Saved, j.Monitored}
		}
		for user, kind := range map[string]bridge.UserType{"ann": bridge.Agent, "carol": bridge.Client} {
			first := said(user, kind)
			ctx, cancel := context.WithTimeout(t.ctx, infoTime)
			defer cancel()
			s := t.stream(ctx, user, "after=0&info=true")
			defer s.close()
			mustEqual("what the stream of "+user+" says first", first, s.info())
			t.joinAs(wireJoin{wireParty: wireParty{UserID: "sue " + user, UserType: bridge.Supervisor, Visibility: bridge.Vip, ClientVersion: bridge.VersionCurrent}})
			for want := said(user, kind); want != first; first = s.info() {
			}
			t.leave("sue "+user, wireLeave{})
			for want := said(user, kind); want != first; first = s.info() {
			}
		}
	}},
	{name: "a client that names no ClientVersion has 101", feature: featureParties, body: func(t *caseRun) {
		mustEqual("the version", 101, t.joinAs(wireJoin{wireParty: wireParty{UserID: "ann", UserType: bridge.Agent}}).Party.ClientVersion)
	}},
	{name: "eventAttributes are shown from ClientVersion 106 on", feature: featureParties, body: func(t *caseRun) {
		for _, version := range []int64{105, 106} {
			t.joinAs(wireJoin{wireParty: wireParty{UserID: name(version), UserType: bridge.Agent, ClientVersion: version}})
		}
		t.join("ann", bridge.Agent)
		m := message("with attributes")
		m.Attributes = bridge.Data{bridge.List("a", bridge.Data{bridge.Text("b", "c")})}
		stored := t.post("ann", m)
		for version, want := range map[int64]string{105: "", 106: "c"} {
			seen := t.between(name(version), stored.ID-1, stored.ID)
			mustEqual("the attribute that "+name(version)+" gets", want, seen[0].Attributes.In("a").Get("b"))
		}
	}},
	{name: "a party that joins again with a higher ClientVersion is read for that version from then on", feature: featureParties, body: func(t *caseRun) {
		old := wireJoin{wireParty: wireParty{UserID: "bob", UserType: bridge.Agent, ClientVersion: 103}}
		t.joinAs(old)
		stored := t.join("ann", bridge.Agent)
		file := t.post("ann", notice("a.pdf", 1))
		higher := old
		higher.ClientVersion = bridge.VersionCurrent
		mustEqual("the version", bridge.VersionCurrent, t.joinAs(higher).Party.ClientVersion)
		mustEqual("the version after a lower one", bridge.VersionCurrent, t.joinAs(old).Party.ClientVersion)
		seen := t.between("bob", stored.Position, file.ID)
		mustEqual("the file's notice", file.ID, seen[len(seen)-1].ID)
	}},
	{name: "what a party joins with is in its new-party event, but no password and no secure key", feature: featureParties, body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		word := random(16)
		bob := t.joinAs(wireJoin{
			wireParty: wireParty{
				UserID: "bob", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent, PersonID: "e7", TimeZone: -480,
			},
			Text: "hello", Attributes: bridge.Data{bridge.Text("a", "b")},
			UserData: bridge.Data{bridge.Text("c", "d"), bridge.Text("GCTI_Chat_PartyStyle", "BOT"), bridge.Text("GCTI_Chat_SessionPassword", word)},
		})
		e := t.between("ann", bob.Position-1, bob.Position)[0]
		mustEqual("the event's type", bridge.NewParty, e.Type)
		mustEqual("the text", "hello", e.Text)
		mustEqual("the userData", "d", e.Data.Get("c"))
		mustEqual("the attribute", "b", e.Attributes.Get("a"))
		mustEqual("the style", bridge.StyleBot, e.From.Style)
		if e.Info == nil {
			fail("the event has no info")
		}
		mustEqual("the info", bridge.UserInfo{PersonID: "e7", TimeZoneOffset: -480}, *e.Info)
		shown := string(bridge.AppendEvent(nil, e))
		if bob.SecureKey == "" || strings.Contains(shown, word) || strings.Contains(shown, bob.SecureKey) {
			fail("the party has no secure key, or its event shows the key or the password")
		}
	}},
	{name: "a party attaches by its secure key without a second new-party event, and a wrong key is refused and removes nobody", feature: featureParties, body: func(t *caseRun) {
		bob := t.join("bob", bridge.Agent)
		ann := t.join("ann", bridge.Agent)
		by := func(user, key string) wireJoin {
			return wireJoin{wireParty: wireParty{UserID: user, UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}, SecureKey: key}
		}
		again := t.joinAs(by("bob", bob.SecureKey))
		mustEqual("attached", true, again.Attached)
		mustEqual("the position", ann.Position, again.Position)
		for what, c := range map[string]struct {
			user, key string
			code      bridge.Code
		}{
			"a wrong key":               {"bob", random(26), bridge.CodeSecureKey},
			"another party's key":       {"bob", ann.SecureKey, bridge.CodeSecureKey},
			"a party that was never in": {"zoe", bob.SecureKey, bridge.CodeParty},
		} {
			mustRefuse(what, c.code, t.tryJoinAs(by(c.user, c.key), &wireJoined{}))
		}
		t.post("bob", message("still here"))
		t.leave("bob", wireLeave{})
		mustRefuse("the key of a party that has left", bridge.CodeLoggedOut, t.tryJoinAs(by("bob", bob.SecureKey), &wireJoined{}))
		t.session = "conform-" + random(12)
		mustRefuse("a key for a session that never began", bridge.CodeParty, t.tryJoinAs(by("bob", bob.SecureKey), &wireJoined{}))
	}},
	{name: "a proxy takes out only parties that it registered, and those only until a client attaches by their key", feature: featureParties, body: func(t *caseRun) {
		carol := wireJoin{wireParty: wireParty{UserID: "carol", UserType: bridge.Client, ClientVersion: bridge.VersionCurrent}, ByProxy: true}
		gone := wireLeave{Code: bridge.ReasonDisconnected.Code, After: bridge.KeepAlive, ByProxy: true}
		t.join("ann", bridge.Agent)
		mustEqual("attached, of a party that another program registered", true,
			t.joinAs(wireJoin{wireParty: wireParty{UserID: "ann", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}, ByProxy: true}).Attached)
		t.leave("ann", gone)
		t.post("ann", message("still here, because another program registered me"))
		mustEqual("attached, of a party that a proxy registered", false, t.joinAs(carol).Attached)
		t.leave("carol", gone)
		_, err := t.tryPost("carol", message("still here?"))
		mustRefuse("a message of a party that its proxy has taken out", bridge.CodeNotJoined, err)
		key := t.joinAs(carol).SecureKey
		mustEqual("attached, of a party that a proxy registered again", false, t.joinAs(carol).Attached)
		attach := carol
		attach.SecureKey = key
		t.joinAs(attach)
		mustEqual("attached, without the key, after another client has attached by it", true, t.joinAs(carol).Attached)
		t.leave("carol", gone)
		t.post("carol", message("still here, because a client attached by my key"))
		end := gone
		end.After = bridge.CloseIfNoAgents
		mustRefuse("a proxy that would end the session with a party of another program", bridge.CodeForbidden,
			t.callOnce(http.MethodPost, pathOf(pathLeave, t.session, "carol"), end, nil))
		t.leave("carol", wireLeave{Code: bridge.ReasonLeft.Code})
		_, err = t.tryPost("carol", message("still here?"))
		mustRefuse("a message of a party that its own program has taken out", bridge.CodeNotJoined, err)
	}},
	{name: "a party removes another with reason 4, only one that it sees and whose visibilities it has all, and twice is as once", feature: featureParties, body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		t.join("carol", bridge.Client)
		t.join("sue", bridge.Supervisor)
		t.joinAs(wireJoin{wireParty: wireParty{UserID: "ivy", UserType: bridge.Supervisor, Visibility: bridge.Vip, ClientVersion: bridge.VersionCurrent}})
		position := t.join("bob", bridge.Agent).Position
		remove := func(asker, user string) error {
			return t.callOnce(http.MethodPost, pathOf(pathLeave, t.session, user), wireLeave{Code: 4, Asker: asker, Message: "good bye"}, nil)
		}
		mustRefuse("a customer that removes an agent", bridge.CodeForbidden, remove("carol", "ann"))
		mustRefuse("an agent that removes a supervisor", bridge.CodeForbidden, remove("ann", "sue"))
		mustRefuse("an agent that removes a party it may not see", bridge.CodeParty, remove("ann", "ivy"))
		mustRefuse("an agent that removes a party that was never in", bridge.CodeParty, remove("ann", "zoe"))
		mustRefuse("a removal by a party that is not in", bridge.CodeNotJoined, remove("zoe", "carol"))
		must("remove", remove("ann", "bob"))
		must("remove again", remove("ann", "bob"))
		end := t.post("ann", message("the end"))
		seen := t.between("ann", position, end.ID)
		mustEqual("the number of events", 2, len(seen))
		mustEqual("the first event's type", bridge.PartyLeft, seen[0].Type)
		mustEqual("the party", "bob", seen[0].From.UserID)
		mustEqual("the asker", "ann", seen[0].Asker)
		mustEqual("the text", "good bye", seen[0].Text)
	}},
	{name: "a party-left event has its reason's code and a text, and for ClientVersion 106 quit-reason-code", feature: featureParties, body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		for code, after := range map[int64]bridge.AfterAction{0: "", 1: bridge.CloseIfNoAgents, 3: bridge.KeepAlive} {
			position := t.join("bob", bridge.Agent).Position
			t.leave("bob", wireLeave{Code: code, After: after})
			end := t.post("ann", message("the end"))
			left := t.between("ann", position, end.ID)[0]
			if left.Reason == nil || left.Reason.Code != code || left.Reason.Text == "" {
				fail("the reason of code %d is %v", code, left.Reason)
			}
			mustEqual("quit-reason-code", string('0'+rune(code)), left.Attributes.In("GCTI_SYSTEM").Get("quit-reason-code"))
		}
	}},
}

// name is the user id of the party of that version.
func name(version int64) string { return "v" + string('0'+rune(version-100)) }

func (t *caseRun) joinAs(j wireJoin) (joined wireJoined) {
	must("join as "+j.UserID, t.tryJoinAs(j, &joined))
	return joined
}

func (t *caseRun) tryJoinAs(j wireJoin, joined *wireJoined) error {
	return t.callOnce(http.MethodPost, pathOf(pathParties, t.session), j, joined)
}

// between returns the events that the party sees after one position, up to another.
func (t *caseRun) between(user string, after, last int64) (seen []bridge.Event) {
	s := t.follow(t.ctx, user, after)
	defer s.close()
	for {
		e := s.event()
		if e.ID > last {
			fail("%s does not see event %d", user, last)
		}
		seen = append(seen, e)
		if e.ID == last {
			return seen
		}
	}
}
