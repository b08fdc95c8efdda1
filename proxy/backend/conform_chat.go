package backend

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"attache/bridge"
)

// random returns n random letters and digits.
func random(n int) string { return strings.ToLower(rand.Text()[:n]) }

func newKey() string {
	var k bridge.Key
	rand.Read(k[:])
	return k.String()
}

// callOnce does not retry, because a case checks the first response.
func (t *caseRun) callOnce(method, path string, body, answer any) error {
	return t.call(t.ctx, bridge.CodeChatUnavailable, method, path, body, answer)
}

func (t *caseRun) join(user string, kind bridge.UserType) wireJoined {
	j, err := t.tryJoin(user, kind)
	must("join as "+user, err)
	return j
}

func (t *caseRun) tryJoin(user string, kind bridge.UserType) (j wireJoined, err error) {
	err = t.callOnce(http.MethodPost, pathOf(pathParties, t.session), wireParty{UserID: user, Nickname: user, UserType: kind, ClientVersion: bridge.VersionCurrent}, &j)
	return j, err
}

func (t *caseRun) leave(user string, l wireLeave) {
	must("leave as "+user, t.callOnce(http.MethodPost, pathOf(pathLeave, t.session, user), l, nil))
}

func (t *caseRun) post(user string, e bridge.Event) bridge.Event {
	stored, err := t.tryPost(user, e)
	must("post as "+user, err)
	return stored
}

func (t *caseRun) tryPost(user string, e bridge.Event) (bridge.Event, error) {
	if e.Visibility == "" {
		e.Visibility = bridge.All
	}
	e.From = bridge.Party{UserID: user, UserType: bridge.System}
	var stored event
	err := t.callOnce(http.MethodPost, pathOf(pathEvents, t.session, user), &event{e}, &stored)
	return stored.Event, err
}

// mustRefuse ends the case unless err has that code.
func mustRefuse(request string, code bridge.Code, err error) {
	if err == nil {
		fail("%s is not refused; the code should be %s", request, code)
	}
	if got := bridge.CodeOf(err); got != code {
		fail("%s is refused with %q (%w); the code should be %s", request, got, err, code)
	}
}

func message(text string) bridge.Event {
	return bridge.Event{Type: bridge.Message, Text: text, Key: newKey()}
}

// notice is a file-uploaded notice as the proxy posts it.
func notice(name string, size int64) bridge.Event {
	key := newKey()
	return bridge.Announcement{
		Name: name, Size: size, DocumentID: "0000" + random(12), UploadType: bridge.FromFileSystem, Key: key,
		Custom: bridge.Data{bridge.Text("case-number", "4711 – Größe 😀")},
	}.Notice(bridge.All)
}

var helloCases = []contractCase{
	{name: "without the secret every request is answered with 401", body: func(t *caseRun) {
		stranger := *t.Client
		stranger.cfg.Secret = []byte("not-" + random(20))
		for _, path := range []string{pathHello, pathOf(pathKey, t.session, newKey()), pathOf(pathDocument, "0000"+random(12))} {
			req, err := stranger.request(t.ctx, http.MethodGet, path, nil)
			must("make the request", err)
			res, err := t.http.Do(req)
			must("send the request without the secret", err)
			drain(res)
			mustEqual("the status of "+path+" without the secret", http.StatusUnauthorized, res.StatusCode)
		}
	}},
	{name: "an error response's body is {\"error\":{\"code\",\"message\"}} with a code of the catalogue", body: func(t *caseRun) {
		req, err := t.request(t.ctx, http.MethodPost, pathOf(pathParties, t.session), strings.NewReader("not JSON"))
		must("make the request", err)
		res, err := t.http.Do(req)
		must("send a body that is not JSON", err)
		defer drain(res)
		mustEqual("the status class", 4, res.StatusCode/100)
		var w wireError
		if json.NewDecoder(res.Body).Decode(&w) != nil || w.Error == nil || w.Error.Code != bridge.CodeMessage || w.Error.Message == "" {
			panic(caseFailure{errNoBody})
		}
	}},
}

var chatCases = []contractCase{
	{name: "join returns the party, its limits and the id of the session's last event", body: func(t *caseRun) {
		for user, kind := range map[string]bridge.UserType{"ann": bridge.Agent, "carol": bridge.Client} {
			j := t.join(user, kind)
			mustEqual("the user id", user, j.Party.UserID)
			mustEqual("the user type", kind, j.Party.UserType)
			_, err := parseLimits(j.Limits)
			must("read the limits", err)
			if j.Position < 1 {
				fail("the position is %d, although the party's own new-party event has an id", j.Position)
			}
		}
	}},
	{name: "unknown members are ignored", body: func(t *caseRun) {
		later := map[string]any{"of": []float64{-1.5}}
		var j wireJoined
		must("join with an additional member", t.callOnce(http.MethodPost, pathOf(pathParties, t.session),
			map[string]any{"userId": "ann", "userType": bridge.Agent, "later": later}, &j))
		mustEqual("the user id", "ann", j.Party.UserID)
		var stored event
		must("post with an additional member", t.callOnce(http.MethodPost, pathOf(pathEvents, t.session, "ann"), map[string]any{
			"id": 0, "type": bridge.Message, "at": 0, "from": map[string]any{"userId": "ann", "userType": bridge.System, "later": later},
			"visibility": bridge.All, "text": "hello", "key": newKey(), "later": later,
		}, &stored))
		mustEqual("the text", "hello", stored.Text)
	}},
	{name: "an agent that a customer may not see is neither in its agentHere nor in its events", body: func(t *caseRun) {
		t.join("carol", bridge.Client)
		must("join hidden", t.callOnce(http.MethodPost, pathOf(pathParties, t.session), wireParty{
			UserID: "sue", Nickname: "sue", UserType: bridge.Supervisor, Visibility: bridge.Vip,
		}, new(wireJoined)))
		again := t.join("carol", bridge.Client)
		l, err := parseLimits(again.Limits)
		must("read the limits", err)
		mustEqual("agentHere", false, l.AgentHere)
		t.join("ann", bridge.Agent)
		s := t.follow(t.ctx, "carol", 0)
		defer s.close()
		for _, user := range []string{"carol", "ann"} {
			mustEqual("the party that joined", user, s.event().From.UserID)
		}
	}},
	{name: "joining again adds no second new-party event", body: func(t *caseRun) {
		first := t.join("ann", bridge.Agent)
		mustEqual("the position", first.Position, t.join("ann", bridge.Agent).Position)
	}},
	{name: "joining again with another nickname renames the party: a notice, no new-party event, and the new nickname in later events", body: func(t *caseRun) {
		t.join("bob", bridge.Agent)
		position := t.join("ann", bridge.Agent).Position
		s := t.follow(t.ctx, "bob", position)
		defer s.close()
		var j wireJoined
		must("join under another nickname", t.callOnce(http.MethodPost, pathOf(pathParties, t.session),
			wireParty{UserID: "ann", Nickname: "Ann L.", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}, &j))
		mustEqual("the nickname", "Ann L.", j.Party.Nickname)
		e := s.event()
		mustEqual("the event's type", bridge.Notice, e.Type)
		mustEqual("the notice's type", bridge.UpdateNick, e.NoticeType)
		mustEqual("the notice's text", "Ann L.", e.Text)
		mustEqual("the sender of the next message", "Ann L.", t.post("ann", message("it is me")).From.Nickname)
	}},
	{name: "user ids of any characters are distinguished", body: func(t *caseRun) {
		for _, user := range []string{"a/b", "a%2Fb", "ä ö", "a?b#c"} {
			mustEqual("the user id", user, t.join(user, bridge.Agent).Party.UserID)
			mustEqual("the sender", user, t.post(user, message("hello")).From.UserID)
		}
	}},
	{name: "post returns the event as stored: with id, time and sender", body: func(t *caseRun) {
		position := t.join("ann", bridge.Agent).Position
		e := t.post("ann", message("héllo – 😀"))
		mustEqual("the text", "héllo – 😀", e.Text)
		mustEqual("the sender", "ann", e.From.UserID)
		if e.ID <= position || e.At == 0 {
			fail("the event has id %d after %d and time %d", e.ID, position, e.At)
		}
	}},
	{name: "an event whose key is in the transcript is not appended again: post returns the first one", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		m := message("once")
		first := t.post("ann", m)
		mustEqual("the id of the second", first.ID, t.post("ann", m).ID)
		mustEqual("the number of messages", 1, len(t.messages("ann", "once")))
	}},
	{name: "eight concurrent posts of one key append one event", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		m := message("once")
		ids, errs := make([]int64, 8), make([]error, 8)
		var posts sync.WaitGroup
		for n := range ids {
			posts.Go(func() {
				e, err := t.tryPost("ann", m)
				ids[n], errs[n] = e.ID, err
			})
		}
		posts.Wait()
		for n := range ids {
			must("post", errs[n])
			mustEqual("the id", ids[0], ids[n])
		}
		mustEqual("the number of messages", 1, len(t.messages("ann", "once")))
	}},
	{name: "posting under the key of another party's event is refused with upload-conflict", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		t.join("bob", bridge.Agent)
		m := message("mine")
		t.post("ann", m)
		_, err := t.tryPost("bob", m)
		mustRefuse("bob's event with ann's key", bridge.CodeUploadConflict, err)
	}},
	{name: "a file-uploaded notice gets a file-id, keeps every key, and is found by the file-id", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		n := notice("Größe 😀.pdf", 4711)
		stored := t.post("ann", n)
		f, err := bridge.DecodeFile(stored)
		must("read the notice", err)
		if f.ID == "" {
			fail("the notice has no %s", bridge.KeyFileID)
		}
		for _, item := range n.Data {
			mustEqual("the value of "+item.Key, item.Text, stored.Data.Get(item.Key))
		}
		var found event
		must("find the file", t.callOnce(http.MethodGet, pathOf(pathFile, t.session, "ann", f.ID), nil, &found))
		mustEqual("the notice's id", stored.ID, found.ID)
	}},
	{name: "a file-id of another session is unknown", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		f, err := bridge.DecodeFile(t.post("ann", notice("a.pdf", 1)))
		must("read the notice", err)
		t.session = "conform-" + random(12)
		t.join("ann", bridge.Agent)
		mustRefuse("the other session's file", bridge.CodeFileUnknown, t.callOnce(http.MethodGet, pathOf(pathFile, t.session, "ann", f.ID), nil, &event{}))
	}},
	{name: "a party that has left finds no file, and after the session's end no party does", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		t.join("bob", bridge.Agent)
		f, err := bridge.DecodeFile(t.post("ann", notice("a.pdf", 1)))
		must("read the notice", err)
		find := func(user string) error {
			return t.callOnce(http.MethodGet, pathOf(pathFile, t.session, user, f.ID), nil, &event{})
		}
		must("find the file", find("bob"))
		t.leave("bob", wireLeave{After: bridge.KeepAlive})
		mustRefuse("the file, for a party that has left,", bridge.CodeNotJoined, find("bob"))
		t.leave("ann", wireLeave{After: bridge.ForceClose})
		if err := find("ann"); err == nil {
			fail("the file is found in a session that has ended")
		}
	}},
	{name: "an event is found by its key at once, and an unknown key is null", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		n := notice("a.pdf", 1)
		stored := t.post("ann", n)
		var found wireFound
		must("find the key", t.callOnce(http.MethodGet, pathOf(pathKey, t.session, n.Key), nil, &found))
		if found.Event == nil {
			fail("the key that was just stored is not found")
		}
		mustEqual("the event's id", stored.ID, found.Event.ID)
		found = wireFound{}
		must("find another key", t.callOnce(http.MethodGet, pathOf(pathKey, t.session, newKey()), nil, &found))
		if found.Event != nil {
			fail("an unused key is found")
		}
	}},
	{name: "a backend that vouches does so for no party that a proxy registered, and not because a post says so", feature: featureVouches, body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		t.join("carol", bridge.Client)
		n := notice("a.pdf", 1)
		n.Vouched = true
		stored := t.post("carol", n)
		var found struct{ Event *event }
		must("look up the key", t.callOnce(http.MethodGet, pathOf(pathKey, t.session, n.Key), nil, &found))
		if found.Event == nil {
			fail("the key of a notice is not found")
		}
		var file event
		must("find the file", t.callOnce(http.MethodGet, pathOf(pathFile, t.session, "ann", stored.Data.Get(bridge.KeyFileID)), nil, &file))
		s := t.follow(t.ctx, "ann", stored.ID-1)
		defer s.close()
		for where, e := range map[string]bridge.Event{
			"the answer to its post": stored, "its key": found.Event.Event, "its file-id": file.Event, "the stream of events": s.event(),
		} {
			mustEqual("the id by "+where, stored.ID, e.ID)
			mustEqual("vouched by "+where, false, e.Vouched)
		}
	}},
	{name: "a party that is not in the session cannot post to it", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		_, err := t.tryPost("stranger", message("hello"))
		mustRefuse("a stranger's message", bridge.CodeNotJoined, err)
	}},
	{name: "a party that has left can still announce its file", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		t.join("bob", bridge.Agent)
		t.leave("bob", wireLeave{Code: bridge.ReasonDisconnected.Code, After: bridge.KeepAlive})
		mustEqual("the sender", "bob", t.post("bob", notice("a.pdf", 1)).From.UserID)
		_, err := t.tryPost("bob", message("hello"))
		mustRefuse("a message of a party that has left", bridge.CodeNotJoined, err)
	}},
	{name: "a session that has ended accepts nothing new, and still returns the event of a known key", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		n := notice("a.pdf", 1)
		stored := t.post("ann", n)
		t.leave("ann", wireLeave{After: bridge.ForceClose})
		mustEqual("the id of the known notice", stored.ID, t.post("ann", n).ID)
		_, err := t.tryPost("ann", notice("b.pdf", 1))
		mustRefuse("a notice for an ended session", bridge.CodeSessionEnded, err)
		_, err = t.tryJoin("bob", bridge.Agent)
		mustRefuse("joining an ended session", bridge.CodeSessionEnded, err)
	}},
}

// messages reads the transcript and returns the messages with that text.
func (t *caseRun) messages(user, text string) (found []bridge.Event) {
	end := t.post(user, message("the end "+random(8)))
	s := t.follow(t.ctx, user, 0)
	defer s.close()
	for {
		e := s.event()
		switch {
		case e.ID == end.ID:
			return found
		case e.Text == text:
			found = append(found, e)
		}
	}
}
