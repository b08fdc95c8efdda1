package backend

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"attache/bridge"
)

// caseStream is a stream of events that a case reads.
type caseStream struct {
	res    *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func (t *caseRun) follow(ctx context.Context, user string, after int64) *caseStream {
	return t.stream(ctx, user, fmt.Sprint("after=", after))
}

func (t *caseRun) stream(ctx context.Context, user, query string) *caseStream {
	ctx, cancel := context.WithCancel(ctx)
	req, err := t.request(ctx, http.MethodGet, pathOf(pathEvents, t.session, user)+"?"+query, nil)
	must("open the stream of events", err)
	res, err := t.send(req, bridge.CodeChatUnavailable)
	if err != nil {
		cancel()
	}
	must("open the stream of events", err)
	s := &caseStream{res: res, lines: bufio.NewScanner(res.Body), cancel: cancel}
	s.lines.Buffer(nil, maxLine)
	return s
}

func (s *caseStream) close() {
	s.cancel()
	s.res.Body.Close()
}

// next returns the next line: an event, an error, or neither if it is empty.
func (s *caseStream) next() (*event, error) {
	if !s.lines.Scan() {
		fail("the stream ended without an error line (%v)", s.lines.Err())
	}
	line := s.lines.Bytes()
	if len(line) == 0 {
		return nil, nil
	}
	if err := decodeError(line); err != nil {
		return nil, err
	}
	e := &event{}
	must("read an event", json.Unmarshal(line, e))
	return e, nil
}

// event returns the next event.
func (s *caseStream) event() bridge.Event {
	for {
		e, err := s.next()
		must("the stream ended", err)
		if e != nil {
			return e.Event
		}
	}
}

// info returns the next line that says what is known of the session.
func (s *caseStream) info() (w wireInfo) {
	for {
		if !s.lines.Scan() {
			fail("the stream ended before it said what is known of the session (%v)", s.lines.Err())
		}
		must("the stream ended", decodeError(s.lines.Bytes()))
		if json.Unmarshal(s.lines.Bytes(), &w) == nil && w.Type == typeInfo {
			return w
		}
	}
}

// end reads up to the stream's last line and returns its error.
func (s *caseStream) end() error {
	for {
		if _, err := s.next(); err != nil {
			return err
		}
	}
}

var streamCases = []contractCase{
	{name: "a stream brings the history in order, each event once, and then new events", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		for n := range 5 {
			t.post("ann", message(fmt.Sprint("before ", n)))
		}
		s := t.follow(t.ctx, "ann", 0)
		defer s.close()
		e := s.event()
		mustEqual("the first event's type", bridge.NewParty, e.Type)
		last := e.ID
		for n := range 10 {
			if n >= 5 {
				t.post("ann", message(fmt.Sprint("after ", n)))
			}
			e := s.event()
			mustEqual("the text", fmt.Sprint([]string{"before ", "after "}[n/5], n), e.Text)
			if e.ID <= last {
				fail("event %d comes after event %d", e.ID, last)
			}
			last = e.ID
		}
	}},
	{name: "a stream from a position brings only the events after it", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		t.post("ann", message("one"))
		known := t.post("ann", message("two"))
		next := t.post("ann", message("three"))
		s := t.follow(t.ctx, "ann", known.ID)
		defer s.close()
		mustEqual("the first event's id", next.ID, s.event().ID)
	}},
	{name: "a stream brings all of two hundred events that were posted before it", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		var ids []int64
		for n := range 200 {
			ids = append(ids, t.post("ann", message(fmt.Sprint(n))).ID)
		}
		s := t.follow(t.ctx, "ann", ids[0])
		defer s.close()
		for _, id := range ids[1:] {
			mustEqual("the event's id", id, s.event().ID)
		}
	}},
	{name: "an empty line comes within ten seconds of silence", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		s := t.follow(t.ctx, "ann", 0)
		defer s.close()
		s.event()
		ctx, cancel := context.WithTimeout(t.ctx, 2*heartbeat)
		defer cancel()
		defer context.AfterFunc(ctx, s.cancel)()
		e, err := s.next()
		if e != nil || err != nil {
			fail("the line is not empty: %v %v", e, err)
		}
	}},
	{name: "customers see no event of visibility INT, and ids never go back", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		t.join("carol", bridge.Client)
		secret := message("between us")
		secret.Visibility = bridge.Internal
		hidden := t.post("ann", secret)
		shown := t.post("ann", message("for all"))
		s := t.follow(t.ctx, "carol", hidden.ID-1)
		defer s.close()
		mustEqual("the event's id", shown.ID, s.event().ID)
		inside := t.follow(t.ctx, "ann", hidden.ID-1)
		defer inside.close()
		mustEqual("the id of the agent's event", hidden.ID, inside.event().ID)
	}},
	{name: "a transient notice has no id, comes once to every other party that may see it, and is not in the history", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		t.join("bob", bridge.Agent)
		position := t.join("carol", bridge.Client).Position
		typing := func(e bridge.Event) {
			e.Type, e.NoticeType = bridge.Notice, bridge.TypingStarted
			if stored := t.post("ann", e); !stored.Transient() {
				fail("the notice has id %d", stored.ID)
			}
		}
		streams := map[string]*caseStream{}
		for _, user := range []string{"ann", "bob", "carol"} {
			streams[user] = t.follow(t.ctx, user, position)
			defer streams[user].close()
		}
		// The streams have begun once they bring an event.
		first := t.post("ann", message("first"))
		for user, s := range streams {
			mustEqual("the first event's id on "+user+"'s stream", first.ID, s.event().ID)
		}
		typing(bridge.Event{Text: "for all"})
		typing(bridge.Event{Text: "for agents", Visibility: bridge.Internal})
		typing(bridge.Event{Text: "for bob", Receiver: "bob"})
		typing(bridge.Event{Text: "for carol", Receiver: "carol"})
		keys := map[string]string{}
		for user, texts := range map[string][]string{"bob": {"for all", "for agents", "for bob"}, "carol": {"for all", "for carol"}} {
			for _, text := range texts {
				e := streams[user].event()
				if known, ok := keys[text]; e.Key == "" || ok && known != e.Key {
					fail("the key of the notice %q is %q on one stream and %q on another", text, known, e.Key)
				}
				keys[text] = e.Key
				mustEqual("the text of the next notice on "+user+"'s stream", text, e.Text)
				mustEqual("its id", 0, e.ID)
				mustEqual("its sender", "ann", e.From.UserID)
			}
		}
		last := t.post("ann", message("last"))
		for user, s := range streams {
			mustEqual("the last event's id on "+user+"'s stream", last.ID, s.event().ID)
		}
		again := t.follow(t.ctx, "bob", position)
		defer again.close()
		mustEqual("the id of the history's first event", first.ID, again.event().ID)
		mustEqual("the id of the history's second event", last.ID, again.event().ID)
	}},
	{name: "a party's own party-left is its stream's last event, and not-joined the last line", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		position := t.join("bob", bridge.Agent).Position
		s := t.follow(t.ctx, "bob", position)
		defer s.close()
		// A backend may begin to answer before it looks bob up.
		mustEqual("the first event's id", t.post("ann", message("hello")).ID, s.event().ID)
		t.leave("bob", wireLeave{Code: bridge.ReasonLeft.Code, Text: bridge.ReasonLeft.Text, After: bridge.KeepAlive})
		e := s.event()
		mustEqual("the type", bridge.PartyLeft, e.Type)
		mustEqual("the party that left", "bob", e.From.UserID)
		mustRefuse("the rest of the stream", bridge.CodeNotJoined, s.end())
	}},
	{name: "the stream of a party that is not in the session ends with not-joined", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		mustRefuse("a stranger's stream", bridge.CodeNotJoined, t.endOf("stranger"))
	}},
	{name: "a stream after an id beyond every event brings only its end", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		t.join("bob", bridge.Agent)
		s := t.follow(t.ctx, "bob", bridge.MaxInteger)
		defer s.close()
		t.post("ann", message("hello"))
		t.leave("bob", wireLeave{Code: bridge.ReasonLeft.Code, Text: bridge.ReasonLeft.Text, After: bridge.KeepAlive})
		for {
			e, err := s.next()
			if err != nil {
				mustRefuse("the rest of the stream", bridge.CodeNotJoined, err)
				return
			}
			if e != nil {
				fail("event %d came", e.ID)
			}
		}
	}},
	{name: "a stream ends with session-ended when the session ends", body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		position := t.join("bob", bridge.Agent).Position
		s := t.follow(t.ctx, "bob", position)
		defer s.close()
		t.leave("ann", wireLeave{Code: bridge.ReasonForcedClose.Code, After: bridge.ForceClose})
		mustRefuse("the stream", bridge.CodeSessionEnded, s.end())
	}},
}

// endOf returns the error of a stream: the response's, or its last line's.
func (t *caseRun) endOf(user string) error {
	req, err := t.request(t.ctx, http.MethodGet, pathOf(pathEvents, t.session, user)+"?after=0", nil)
	must("open the stream of events", err)
	res, err := t.send(req, bridge.CodeChatUnavailable)
	if err != nil {
		return err
	}
	s := &caseStream{res: res, lines: bufio.NewScanner(res.Body), cancel: func() {}}
	defer s.close()
	defer time.AfterFunc(caseTimeout, s.close).Stop()
	return s.end()
}
