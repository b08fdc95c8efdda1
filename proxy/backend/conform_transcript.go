package backend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"attache/bridge"
)

var transcriptCases = []contractCase{
	{name: "a transcript has every event of the session, whatever its visibility, in order", feature: featureTranscripts, body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		t.join("carol", bridge.Client)
		var want []int64
		for n := range 20 {
			m := message(fmt.Sprint(n))
			if n%2 == 1 {
				m.Visibility = bridge.Internal
			}
			want = append(want, t.post("ann", m).ID)
		}
		want = append(want, t.post("carol", message("the last one")).ID)
		var got []int64
		for _, e := range t.transcript(0) {
			if e.Type == bridge.Message {
				got = append(got, e.ID)
			}
		}
		mustEqual("the messages' ids", fmt.Sprint(want), fmt.Sprint(got))
	}},
	{name: "a transcript's events have all that they were posted with: a mail needs the name and size of each file", feature: featureTranscripts, body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		notice := bridge.Announcement{
			Name: "größe.pdf", Size: 1234, DocumentID: "0000conform00001", Key: newKey(), Custom: bridge.Data{bridge.Text("case", "42")},
		}.Notice(bridge.All)
		posted := t.post("ann", notice)
		for _, e := range t.transcript(0) {
			if e.ID != posted.ID {
				continue
			}
			mustEqual("the notice type", bridge.SystemCommand, e.NoticeType)
			mustEqual("the text", bridge.FileUploaded, e.Text)
			mustEqual("the sender", "ann", e.From.UserID)
			for _, key := range []string{bridge.KeyFileName, bridge.KeyFileSize, bridge.KeyDocumentID, bridge.KeyFileID, "case"} {
				mustEqual(key, posted.Data.Get(key), e.Data.Get(key))
			}
			return
		}
		fail("the notice is not in the transcript")
	}},
	{name: "a transcript after an event has only the events after it", feature: featureTranscripts, body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		known := t.post("ann", message("one"))
		next := t.post("ann", message("two"))
		events := t.transcript(known.ID)
		mustEqual("the number of events", 1, len(events))
		mustEqual("the event's id", next.ID, events[0].ID)
		mustEqual("the number of events after the last one", 0, len(t.transcript(next.ID)))
	}},
	{name: "a transcript can be read after the session has ended", feature: featureTranscripts, body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		said := t.post("ann", message("goodbye"))
		t.leave("ann", wireLeave{Code: bridge.ReasonForcedClose.Code, After: bridge.ForceClose})
		events := t.transcript(0)
		if !slices.ContainsFunc(events, func(e bridge.Event) bool { return e.ID == said.ID }) {
			fail("the message is not in the transcript")
		}
		mustEqual("the last event's type", bridge.PartyLeft, events[len(events)-1].Type)
	}},
	{name: "a session that has ended is reported, and after its cursor the next one", feature: featureTranscripts, body: func(t *caseRun) {
		cursor := ""
		for range 2 {
			t.session = "conform-" + random(12)
			t.join("ann", bridge.Agent)
			t.leave("ann", wireLeave{Code: bridge.ReasonForcedClose.Code, After: bridge.ForceClose})
			for found := false; !found; {
				page := t.ended(cursor)
				cursor = page.Cursor
				found = slices.Contains(page.Sessions, t.session)
			}
		}
	}},
	{name: "a session that has not ended is not reported", feature: featureTranscripts, body: func(t *caseRun) {
		t.join("ann", bridge.Agent)
		t.join("bob", bridge.Agent)
		t.leave("bob", wireLeave{Code: bridge.ReasonLeft.Code, After: bridge.KeepAlive})
		live := t.session
		cursor := ""
		t.session = "conform-" + random(12) // it ends after the sessions before it, so those are reported first
		t.join("ann", bridge.Agent)
		t.leave("ann", wireLeave{Code: bridge.ReasonForcedClose.Code, After: bridge.ForceClose})
		for found := false; !found; {
			page := t.ended(cursor)
			if slices.Contains(page.Sessions, live) {
				fail("the session is reported")
			}
			cursor = page.Cursor
			found = slices.Contains(page.Sessions, t.session)
		}
	}},
}

// transcript reads the session's transcript page by page.
func (t *caseRun) transcript(position int64) (events []bridge.Event) {
	for {
		var page wireTranscript
		must("read the transcript", transcripts{chatServer{t.Client}}.page(t.ctx, fmt.Sprintf("%s?after=%d", pathOf(pathRecord, t.session), position), &page))
		for _, in := range page.Events {
			var e event
			must("decode an event of the transcript", json.Unmarshal(in, &e))
			if e.ID <= position {
				fail("event %d comes after event %d", e.ID, position)
			}
			position = e.ID
			events = append(events, e.Event)
		}
		if !page.More {
			return events
		}
		if len(page.Events) == 0 {
			fail("a page of the transcript is empty but reports more")
		}
	}
}

func (t *caseRun) ended(cursor string) (page wireEnded) {
	must("ask for ended sessions", t.callOnce(http.MethodGet, pathEnded+"?after="+url.QueryEscape(cursor), nil, &page))
	if len(page.Sessions) > 0 && page.Cursor == cursor {
		fail("the cursor does not advance")
	}
	return page
}
