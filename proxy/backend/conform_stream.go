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

// watched is a stream of events that a case reads.
type watched struct {
	res    *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func (t *trial) follow(ctx context.Context, user string, after int64) *watched {
	ctx, cancel := context.WithCancel(ctx)
	req, err := t.request(ctx, http.MethodGet, fmt.Sprintf("%s?after=%d", at(pathEvents, t.session, user), after), nil)
	need("ask for the events", err)
	res, err := t.send(req, bridge.CodeChatUnavailable)
	if err != nil {
		cancel()
	}
	need("ask for the events", err)
	s := &watched{res: res, lines: bufio.NewScanner(res.Body), cancel: cancel}
	s.lines.Buffer(nil, maxLine)
	return s
}

func (s *watched) close() {
	s.cancel()
	s.res.Body.Close()
}

// next is the next line: an event, an error, or neither when it is empty.
func (s *watched) next() (*event, error) {
	if !s.lines.Scan() {
		fail("the stream ended without an error line (%v)", s.lines.Err())
	}
	line := s.lines.Bytes()
	if len(line) == 0 {
		return nil, nil
	}
	if err := told(line); err != nil {
		return nil, err
	}
	e := &event{}
	need("read an event", json.Unmarshal(line, e))
	return e, nil
}

// event is the next event.
func (s *watched) event() bridge.Event {
	for {
		e, err := s.next()
		need("the stream ended", err)
		if e != nil {
			return e.Event
		}
	}
}

// end reads to the stream's last line.
func (s *watched) end() error {
	for {
		if _, err := s.next(); err != nil {
			return err
		}
	}
}

var streamCases = []aCase{
	{holds: "a stream brings the history in order, each event once, and then what happens", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		for n := range 5 {
			t.post("ann", message(fmt.Sprint("before ", n)))
		}
		s := t.follow(t.ctx, "ann", 0)
		defer s.close()
		e := s.event()
		same("the first event's type", bridge.NewParty, e.Type)
		last := e.ID
		for n := range 10 {
			if n >= 5 {
				t.post("ann", message(fmt.Sprint("after ", n)))
			}
			e := s.event()
			same("the text", fmt.Sprint([]string{"before ", "after "}[n/5], n), e.Text)
			if e.ID <= last {
				fail("event %d comes behind event %d", e.ID, last)
			}
			last = e.ID
		}
	}},
	{holds: "a stream from a position brings what is behind it and nothing else", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		t.post("ann", message("one"))
		known := t.post("ann", message("two"))
		next := t.post("ann", message("three"))
		s := t.follow(t.ctx, "ann", known.ID)
		defer s.close()
		same("the first event's id", next.ID, s.event().ID)
	}},
	{holds: "two hundred events posted while nobody looks are all brought", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		var ids []int64
		for n := range 200 {
			ids = append(ids, t.post("ann", message(fmt.Sprint(n))).ID)
		}
		s := t.follow(t.ctx, "ann", ids[0])
		defer s.close()
		for _, id := range ids[1:] {
			same("the event's id", id, s.event().ID)
		}
	}},
	{holds: "an empty line comes within ten seconds of silence", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		s := t.follow(t.ctx, "ann", 0)
		defer s.close()
		s.event()
		ctx, cancel := context.WithTimeout(t.ctx, 2*beatEvery)
		defer cancel()
		defer context.AfterFunc(ctx, s.cancel)()
		e, err := s.next()
		if e != nil || err != nil {
			fail("what came was no empty line: %v %v", e, err)
		}
	}},
	{holds: "customers see no event of visibility INT, nor see its id jump back", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		t.join("carol", bridge.Client)
		secret := message("between us")
		secret.Visibility = bridge.Internal
		hidden := t.post("ann", secret)
		shown := t.post("ann", message("for all"))
		s := t.follow(t.ctx, "carol", hidden.ID-1)
		defer s.close()
		same("the event's id", shown.ID, s.event().ID)
		inside := t.follow(t.ctx, "ann", hidden.ID-1)
		defer inside.close()
		same("the agent's event's id", hidden.ID, inside.event().ID)
	}},
	{holds: "a party's own leaving is its stream's last event, and not-joined the last line", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		position := t.join("bob", bridge.Agent).Position
		s := t.follow(t.ctx, "bob", position)
		defer s.close()
		t.leave("bob", wireLeave{Code: bridge.ReasonLeft.Code, Text: bridge.ReasonLeft.Text, After: bridge.KeepAlive})
		e := s.event()
		same("the type", bridge.PartyLeft, e.Type)
		same("who left", "bob", e.From.UserID)
		refused("the rest of the stream", bridge.CodeNotJoined, s.end())
	}},
	{holds: "a stream of who is not in the session ends with not-joined", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		refused("a stranger's stream", bridge.CodeNotJoined, t.endOf("stranger"))
	}},
	{holds: "a stream after an id that no event has brings nothing but its end", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		t.join("bob", bridge.Agent)
		s := t.follow(t.ctx, "bob", bridge.MaxInteger)
		defer s.close()
		t.post("ann", message("hello"))
		t.leave("bob", wireLeave{Code: bridge.ReasonLeft.Code, Text: bridge.ReasonLeft.Text, After: bridge.KeepAlive})
		for {
			e, err := s.next()
			if err != nil {
				refused("the rest of the stream", bridge.CodeNotJoined, err)
				return
			}
			if e != nil {
				fail("event %d came", e.ID)
			}
		}
	}},
	{holds: "a stream ends with session-ended when the session does", run: func(t *trial) {
		t.join("ann", bridge.Agent)
		position := t.join("bob", bridge.Agent).Position
		s := t.follow(t.ctx, "bob", position)
		defer s.close()
		t.leave("ann", wireLeave{Code: bridge.ReasonForcedClose.Code, After: bridge.ForceClose})
		refused("the stream", bridge.CodeSessionEnded, s.end())
	}},
}

// endOf is the error of a stream, whether the answer's or its last line's.
func (t *trial) endOf(user string) error {
	req, err := t.request(t.ctx, http.MethodGet, at(pathEvents, t.session, user)+"?after=0", nil)
	need("ask for the events", err)
	res, err := t.send(req, bridge.CodeChatUnavailable)
	if err != nil {
		return err
	}
	s := &watched{res: res, lines: bufio.NewScanner(res.Body), cancel: func() {}}
	defer s.close()
	defer time.AfterFunc(conformTime, s.close).Stop()
	return s.end()
}
