package backend

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"attache/bridge"
)

// random is n letters and digits.
func random(n int) string { return strings.ToLower(rand.Text()[:n]) }

func newKey() string {
	var k bridge.Key
	rand.Read(k[:])
	return k.String()
}

// once asks without patience: what a backend answers at once is what is judged.
func (t *trial) once(method, path string, body, answer any) error {
	return t.ask(t.ctx, bridge.CodeChatUnavailable, method, path, body, answer)
}

func (t *trial) join(user string, kind bridge.UserType) wireJoined {
	j, err := t.tryJoin(user, kind)
	need("join as "+user, err)
	return j
}

func (t *trial) tryJoin(user string, kind bridge.UserType) (j wireJoined, err error) {
	err = t.once(http.MethodPost, at(pathParties, t.session), wireParty{UserID: user, Nickname: user, UserType: kind}, &j)
	return j, err
}

func (t *trial) leave(user string, l wireLeave) {
	need("leave as "+user, t.once(http.MethodPost, at(pathLeave, t.session, user), l, nil))
}

func (t *trial) post(user string, e bridge.Event) bridge.Event {
	stored, err := t.tryPost(user, e)
	need("post as "+user, err)
	return stored
}

func (t *trial) tryPost(user string, e bridge.Event) (bridge.Event, error) {
	if e.Visibility == "" {
		e.Visibility = bridge.All
	}
	e.From = bridge.Party{UserID: user, UserType: bridge.System}
	var stored event
	err := t.once(http.MethodPost, at(pathEvents, t.session, user), &event{e}, &stored)
	return stored.Event, err
}

// refused ends the case unless err is the backend's own refusal with that code.
func refused(what string, code bridge.Code, err error) {
	if err == nil {
		fail("%s is not refused; the code should be %s", what, code)
	}
	if got := bridge.CodeOf(err); got != code {
		fail("%s is refused with %q (%w), and the code should be %s", what, got, err, code)
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

var helloCases = []aCase{
	{holds: "without the secret nothing is answered but 401", run: func(t *trial) {
		stranger := *t.Client
		stranger.Secret = []byte("not-" + random(20))
		for _, path := range []string{pathHello, at(pathKey, t.session, newKey()), at(pathDocument, "0000"+random(12))} {
			req, err := stranger.request(t.ctx, http.MethodGet, path, nil)
			need("ask", err)
			res, err := t.http.Do(req)
			need("ask without the secret", err)
			finish(res)
			same("the status of "+path+" without the secret", http.StatusUnauthorized, res.StatusCode)
		}
	}},
	{holds: "a refusal's body is {\"error\":{\"code\",\"message\"}} with a code of the catalogue", run: func(t *trial) {
		req, err := t.request(t.ctx, http.MethodPost, at(pathParties, t.session), strings.NewReader("no JSON"))
		need("ask", err)
		res, err := t.http.Do(req)
		need("send what is no JSON", err)
		defer finish(res)
		same("the status's class", 4, res.StatusCode/100)
		var w wireError
		if json.NewDecoder(res.Body).Decode(&w) != nil || w.Error == nil || w.Error.Code != bridge.CodeMessage || w.Error.Message == "" {
			panic(broken{errNoBody})
		}
	}},
}

var chatCases = []aCase{
	{holds: "join answers the party, its limits and the position of the session's last event", run: func(t *trial) {
		for user, kind := range map[string]bridge.UserType{"ann": bridge.Agent, "carol": bridge.Client} {
			j := t.join(user, kind)
			same("the user id", user, j.Party.UserID)
			same("the user type", kind, j.Party.UserType)
			_, err := parseLimits(j.Limits)
			need("read the limits", err)
			if j.Position < 1 {
				fail("the position is %d, and the party's own new-party event has an id", j.Position)
			}
		}
	}},
	{holds: "members that nobody knows are ignored", run: func(t *trial) {
		later := map[string]any{"of": []float64{-1.5}}
		var j wireJoined
		need("join with a member more", t.once(http.MethodPost, at(pathParties, t.session),
			map[string]any{"userId": "ann", "userType": bridge.Agent, "later": later}, &j))
		same("the user id", "ann", j.Party.UserID)
		var stored event
		need("post with a member more", t.once(http.MethodPost, at(pathEvents, t.session, "ann"), map[string]any{
			"id": 0, "type": bridge.Message, "at": 0, "from": map[string]any{"userId": "ann", "userType": bridge.System, "later": later},
			"visibility": bridge.All, "text": "hello", "key": newKey(), "later": later,
		}, &stored))
		same("the text", "hello", stored.Text)
	}},
	{holds: "an agent whom a customer may not see is nobody to it: neither in agentHere nor in its events", run: func(t *trial) {
		t.join("carol", bridge.Client)
		need("join hidden", t.once(http.MethodPost, at(pathParties, t.session), wireParty{
			UserID: "sue", Nickname: "sue", UserType: bridge.Supervisor, Visibility: bridge.Vip,
		}, new(wireJoined)))
		again := t.join("carol", bridge.Client)
		l, err := parseLimits(again.Limits)
		need("read the limits", err)
		same("whether an agent is there", false, l.AgentHere)
		t.join("ann", bridge.Agent)
		s := t.follow(t.ctx, "carol", 0)
		defer s.close()
		for _, user := range []string{"carol", "ann"} {
			same("who came", user, s.event().From.UserID)
		}
	}},
	{holds: "joining again re-attaches and makes no second new-party event", run: func(t *trial) {
		first := t.join("ann", bridge.Agent)
		same("the position", first.Position, t.join("ann", bridge.Agent).Position)
	}},
	{holds: "joining again with another nickname renames: no new-party event, but a notice, and the new nickname in what follows", run: func(t *trial) {
		t.join("bob", bridge.Agent)
		position := t.join("ann", bridge.Agent).Position
		s := t.follow(t.ctx, "bob", position)
		defer s.close()
		var j wireJoined
		need("join under another nickname", t.once(http.MethodPost, at(pathParties, t.session),
			wireParty{UserID: "ann", Nickname: "Ann L.", UserType: bridge.Agent}, &j))
		same("the nickname", "Ann L.", j.Party.Nickname)
		e := s.event()
		same("the event's type", bridge.Notice, e.Type)
		same("the notice's type", bridge.UpdateNick, e.NoticeType)
		same("the notice's text", "Ann L.", e.Text)
		same("the sender of what follows", "Ann L.", t.post("ann", message("it is me")).From.Nickname)
	}},
	{holds: "user ids of any characters are told apart", run: func(t *trial) {
		for _, user := range []string{"a/b", "a%2Fb", "ä ö", "a?b#c"} {
			same("the user id", user, t.join(user, bridge.Agent).Party.UserID)
			same("who sent it", user, t.post(user, message("hello")).From.UserID)
		}
	}},
	{holds: "post answers the event as stored: with id, time and sender", run: func(t *trial) {
		position := t.join("ann", bridge.Agent).Position
		e := t.post("ann", message("héllo – 😀"))
		same("the text", "héllo – 😀", e.Text)
		same("the sender", "ann", e.From.UserID)
		if e.ID <= position || e.At == 0 {
			fail("the event has id %d behind %d and time %d", e.ID, position, e.At)
		}
	}},
	{holds: "an event with a key that stands in the transcript is not appended again: the first one is answered", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		m := message("once")
		first := t.post("ann", m)
		same("the id of the second", first.ID, t.post("ann", m).ID)
		same("the messages", 1, len(t.messages("ann", "once")))
	}},
	{holds: "eight posts of one key at once are one event", run: func(t *trial) {
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
			need("post", errs[n])
			same("the id", ids[0], ids[n])
		}
		same("the messages", 1, len(t.messages("ann", "once")))
	}},
	{holds: "a key of another party's event is refused with upload-conflict", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		t.join("bob", bridge.Agent)
		m := message("mine")
		t.post("ann", m)
		_, err := t.tryPost("bob", m)
		refused("bob's event with ann's key", bridge.CodeUploadConflict, err)
	}},
	{holds: "a file-uploaded notice gets a file-id, keeps every key, and is found by the file-id", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		n := notice("Größe 😀.pdf", 4711)
		stored := t.post("ann", n)
		f, err := bridge.DecodeFile(stored)
		need("read the notice", err)
		if f.ID == "" {
			fail("the notice has no %s", bridge.KeyFileID)
		}
		for _, item := range n.Data {
			same("the value of "+item.Key, item.Text, stored.Data.Get(item.Key))
		}
		var found event
		need("find the file", t.once(http.MethodGet, at(pathFile, t.session, "ann", f.ID), nil, &found))
		same("the notice's id", stored.ID, found.ID)
	}},
	{holds: "a file-id of another session is unknown", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		f, err := bridge.DecodeFile(t.post("ann", notice("a.pdf", 1)))
		need("read the notice", err)
		t.session = "conform-" + random(12)
		t.join("ann", bridge.Agent)
		refused("the other session's file", bridge.CodeFileUnknown, t.once(http.MethodGet, at(pathFile, t.session, "ann", f.ID), nil, &event{}))
	}},
	{holds: "a party that has left finds no file, and after the session's end nobody does", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		t.join("bob", bridge.Agent)
		f, err := bridge.DecodeFile(t.post("ann", notice("a.pdf", 1)))
		need("read the notice", err)
		find := func(user string) error {
			return t.once(http.MethodGet, at(pathFile, t.session, user, f.ID), nil, &event{})
		}
		need("find the file", find("bob"))
		t.leave("bob", wireLeave{After: bridge.KeepAlive})
		refused("the file, for one that has left", bridge.CodeNotJoined, find("bob"))
		t.leave("ann", wireLeave{After: bridge.ForceClose})
		if err := find("ann"); err == nil {
			fail("the file is found in a session that has ended")
		}
	}},
	{holds: "an event is found by its key at once, and an unknown key is null", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		n := notice("a.pdf", 1)
		stored := t.post("ann", n)
		var found wireFound
		need("find the key", t.once(http.MethodGet, at(pathKey, t.session, n.Key), nil, &found))
		if found.Event == nil {
			fail("the key that was just stored is not found")
		}
		same("the event's id", stored.ID, found.Event.ID)
		found = wireFound{}
		need("find another key", t.once(http.MethodGet, at(pathKey, t.session, newKey()), nil, &found))
		if found.Event != nil {
			fail("a key that nobody used is found")
		}
	}},
	{holds: "who is not in the session cannot post to it", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		_, err := t.tryPost("stranger", message("hello"))
		refused("a stranger's message", bridge.CodeNotJoined, err)
	}},
	{holds: "the file of a party that has left meanwhile is announced all the same", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		t.join("bob", bridge.Agent)
		t.leave("bob", wireLeave{Code: bridge.ReasonDisconnected.Code, After: bridge.KeepAlive})
		same("the sender", "bob", t.post("bob", notice("a.pdf", 1)).From.UserID)
		_, err := t.tryPost("bob", message("hello"))
		refused("a message of a party that has left", bridge.CodeNotJoined, err)
	}},
	{holds: "a session that was closed takes nothing more, and answers a known key as before", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		n := notice("a.pdf", 1)
		stored := t.post("ann", n)
		t.leave("ann", wireLeave{After: bridge.ForceClose})
		same("the id of the known notice", stored.ID, t.post("ann", n).ID)
		_, err := t.tryPost("ann", notice("b.pdf", 1))
		refused("a notice for an ended session", bridge.CodeSessionEnded, err)
		_, err = t.tryJoin("bob", bridge.Agent)
		refused("joining an ended session", bridge.CodeSessionEnded, err)
	}},
}

// messages reads the transcript and returns the messages with that text.
func (t *trial) messages(user, text string) (found []bridge.Event) {
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
