package backend

import (
	"net/http"

	"attache/bridge"
)

var idleCases = []contractCase{
	{name: "an idle session is alerted, then closed with reason 7, at the times that an agent sets", feature: featureIdle, body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		position := t.join("carol", bridge.Client).Position
		s := t.follow(t.ctx, "carol", position)
		defer s.close()
		set := t.post("ann", bridge.Event{
			Type: bridge.Notice, NoticeType: bridge.IdleControlSet, Key: newKey(),
			Data: bridge.Data{bridge.Int("timeout-alert", 2), bridge.Int("timeout-alert2", 0), bridge.Int("timeout-close", 1)},
		})
		mustEqual("the id of the notice on the stream", set.ID, s.event().ID)
		alert := s.event()
		mustEqual("the first event after it", bridge.IdleControlAlert, alert.NoticeType)
		mustEqual("its sender's type", bridge.System, alert.From.UserType)
		if alert.At-set.At < 2000 {
			fail("the alert comes %d ms after the last activity, although it has 2 s", alert.At-set.At)
		}
		closed := s.event()
		mustEqual("the event after the alert", bridge.IdleControlClose, closed.NoticeType)
		if closed.At-alert.At < 1000 {
			fail("the close comes %d ms after the alert, although it has 1 s", closed.At-alert.At)
		}
		for _, user := range []string{"ann", "carol"} {
			left := s.event()
			mustEqual("the type of the event after the close", bridge.PartyLeft, left.Type)
			mustEqual("the party that left", user, left.From.UserID)
			mustEqual("its reason", 7, left.Reason.Code)
		}
		mustRefuse("the rest of the stream", bridge.CodeSessionEnded, s.end())
		_, err := t.tryPost("ann", message("too late"))
		mustRefuse("a post after the close", bridge.CodeSessionEnded, err)
	}},
	{name: "a join says when the idle session is closed, and activity postpones that", feature: featureIdle, body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		set := t.post("ann", bridge.Event{
			Type: bridge.Notice, NoticeType: bridge.IdleControlSet, Key: newKey(),
			Data: bridge.Data{bridge.Int("timeout-alert", 3600), bridge.Int("timeout-alert2", 10), bridge.Int("timeout-close", 20)},
		})
		mustEqual("idleExpires", set.At+3630_000, t.join("ann", bridge.Agent).IdleExpires)
		said := t.post("ann", message("hello"))
		mustEqual("idleExpires after a message", said.At+3630_000, t.join("ann", bridge.Agent).IdleExpires)
		must("say that bytes arrive", t.callOnce(http.MethodPost, pathOf(pathActive, t.session, "ann"), nil, nil))
		t.post("ann", bridge.Event{
			Type: bridge.Notice, NoticeType: bridge.IdleControlSet, Key: newKey(), Data: bridge.Data{bridge.Text("enabled", "false")},
		})
		mustEqual("idleExpires of a session that is not controlled", 0, t.join("ann", bridge.Agent).IdleExpires)
	}},
	{name: "a customer does not change when an idle session is closed", feature: featureIdle, body: func(t *caseRun) {
		t.join("carol", bridge.Client)
		_, err := t.tryPost("carol", bridge.Event{
			Type: bridge.Notice, NoticeType: bridge.IdleControlSet, Key: newKey(), Data: bridge.Data{bridge.Text("enabled", "false")},
		})
		mustRefuse("a customer's IDLE_CONTROL_SET", bridge.CodeForbidden, err)
	}},
}
