package backend

import (
	"net/http"
	"reflect"

	"attache/bridge"
)

// noticeCases are of messages and notices that are not files.
var noticeCases = []contractCase{
	{name: "a notice of any other type is kept as it was sent: its text, and its data with lists and bytes", feature: featureNotices, body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		position := t.join("carol", bridge.Client).Position
		data := bridge.Data{
			bridge.Text("a", "Größe 😀"), bridge.Int("n", 7),
			bridge.List("l", bridge.Data{bridge.List("inner", bridge.Data{bridge.Text("b", "c")}), bridge.Binary("raw", []byte{0, 255})}),
		}
		for _, e := range []bridge.Event{
			{NoticeType: bridge.UserCustom, Text: "anything", Data: data},
			{NoticeType: bridge.PushURL, Text: "https://example.com/?a=b&c"},
			{NoticeType: bridge.UpdateUserData, Data: data},
		} {
			e.Type, e.Key = bridge.Notice, newKey()
			stored := t.post("ann", e)
			again := t.post("ann", e)
			mustEqual("the id of a repeated "+e.NoticeType, stored.ID, again.ID)
			stream := t.follow(t.ctx, "carol", position)
			seen := stream.event()
			stream.close()
			position = seen.ID
			for where, got := range map[string]bridge.Event{"the response": stored, "the stream": seen} {
				mustEqual("the id in "+where, stored.ID, got.ID)
				mustEqual("the notice type in "+where, e.NoticeType, got.NoticeType)
				mustEqual("the text in "+where, e.Text, got.Text)
				if !reflect.DeepEqual(e.Data, got.Data) {
					fail("the data in %s is %v, but should be %v", where, got.Data, e.Data)
				}
			}
		}
	}},
	{name: "a message keeps its type, its treatment and its attributes", feature: featureNotices, body: func(t *caseRun) {
		position := t.join("ann", bridge.Agent).Position
		e := message("the chat is recorded")
		e.MessageType, e.TreatAs = "text", bridge.TreatSystem
		e.Attributes = bridge.Data{bridge.List("app", bridge.Data{bridge.Text("a", "b")})}
		t.post("ann", e)
		stream := t.follow(t.ctx, "ann", position)
		defer stream.close()
		got := stream.event()
		mustEqual("the message type", e.MessageType, got.MessageType)
		mustEqual("the treatment", e.TreatAs, got.TreatAs)
		mustEqual("the attribute", "b", got.Attributes.In("app").Get("a"))
	}},
	{name: "a notice USER_UPDATE_NICK renames its sender, and joining again with the former nickname does not take that back", feature: featureNotices, body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		position := t.join("carol", bridge.Client).Position
		renamed := t.post("ann", bridge.Event{Type: bridge.Notice, NoticeType: bridge.UpdateNick, Text: "Ann L.", Key: newKey()})
		mustEqual("the sender's nickname in the response", "Ann L.", renamed.From.Nickname)
		mustEqual("the nickname in the response to joining again", "Ann L.", t.join("ann", bridge.Agent).Party.Nickname)
		last := t.post("ann", message("it is me"))
		stream := t.follow(t.ctx, "carol", position)
		defer stream.close()
		for _, id := range []int64{renamed.ID, last.ID} {
			e := stream.event()
			mustEqual("the id of the event on the stream", id, e.ID)
			mustEqual("its sender's nickname", "Ann L.", e.From.Nickname)
		}
	}},
	{name: "a direct message is seen by its receiver and its sender, and by no other party", feature: featureNotices, body: func(t *caseRun) {
		users := []string{"ann", "bob", "carol"}
		var position int64
		for _, user := range users {
			position = t.join(user, bridge.Agent).Position
		}
		e := message("between us")
		e.Receiver = "bob"
		direct := t.post("ann", e)
		mustEqual("the receiver in the response", "bob", direct.Receiver)
		last := t.post("ann", message("for all"))
		for _, user := range users {
			stream := t.follow(t.ctx, user, position)
			want := direct.ID
			if user == "carol" {
				want = last.ID
			}
			mustEqual("the id of the first event on "+user+"'s stream", want, stream.event().ID)
			stream.close()
		}
	}},
	{name: "a direct message to a party that is not in the session, or that its sender may not see, is refused with party-unknown", feature: featureNotices, body: func(t *caseRun) {
		t.join("carol", bridge.Client)
		must("join hidden", t.callOnce(http.MethodPost, pathOf(pathParties, t.session), wireParty{
			UserID: "sue", Nickname: "sue", UserType: bridge.Supervisor, Visibility: bridge.Vip,
		}, new(wireJoined)))
		for _, receiver := range []string{"nobody", "sue"} {
			e := message("psst")
			e.Receiver = receiver
			_, err := t.tryPost("carol", e)
			mustRefuse("a direct message to "+receiver, bridge.CodeParty, err)
		}
	}},
}
