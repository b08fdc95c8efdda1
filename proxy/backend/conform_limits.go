package backend

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"attache/bridge"
)

// waitTime is long enough for a backend that does not wait.
const waitTime = 500 * time.Millisecond

func deletion(fileID string) bridge.Event {
	return bridge.Event{
		Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileDeleted, Key: newKey(),
		Data: bridge.Data{bridge.Text(bridge.KeyFileID, fileID)},
	}
}

var limitCases = []contractCase{
	{name: "changes of limits: an unknown cursor is answered at once, with one that the next request may wait with", feature: featureLimitChanges, body: func(t *caseRun) {
		first := t.limitChange("")
		if first == "" {
			fail("the cursor is empty")
		}
		waiting, cancel := context.WithTimeout(t.ctx, waitTime)
		defer cancel()
		var answer wireChanges
		err := t.call(waiting, bridge.CodeChatUnavailable, http.MethodGet, pathChanges+"?after="+url.QueryEscape(first), nil, &answer)
		if err == nil {
			mustEqual("the cursor, although nothing has changed,", first, answer.Cursor)
		} else if waiting.Err() == nil {
			must("wait for a change of limits", err)
		}
		mustEqual("the cursor after an unknown one", first, t.limitChange("unknown-"+random(8)))
	}},
	{name: "the question file-client-cfg-get is answered to its sender with ten texts, and is not an event", feature: featureFileConfig, body: func(t *caseRun) {
		t.joinCustomer()
		position := t.post("ann", message("before")).ID
		answer := t.post("carol", bridge.Event{Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileConfig})
		mustEqual("the answer's id", int64(0), answer.ID)
		mustEqual("the answer's text", bridge.FileConfig, answer.Text)
		want := (bridge.Limits{}).ConfigData()
		mustEqual("the number of keys", len(want), len(answer.Data))
		for _, item := range want {
			if i, ok := answer.Data.Lookup(item.Key); !ok || i == "" && item.Key != "upload-file-types" && item.Key != "delete-file" {
				fail("the answer has no %s", item.Key)
			}
		}
		for _, item := range answer.Data {
			mustEqual("the type of "+item.Key, bridge.TypeString, item.Type)
		}
		s := t.follow(t.ctx, "ann", position)
		defer s.close()
		end := t.post("ann", message("after"))
		mustEqual("the next event", end.ID, s.event().ID)
	}},
	{name: "a deleted file is unknown, its notice reaches the other parties and both notices stay in the transcript", feature: featureFileDeletion, body: func(t *caseRun) {
		t.joinCustomer()
		sent := t.post("carol", notice("a.pdf", 1))
		id := sent.Data.Get(bridge.KeyFileID)
		deleted := t.post("carol", deletion(id))
		mustEqual("the file that the notice names", id, deleted.Data.Get(bridge.KeyFileID))
		mustRefuse("the deleted file", bridge.CodeFileUnknown, t.callOnce(http.MethodGet, pathOf(pathFile, t.session, "ann", id), nil, &event{}))
		s := t.follow(t.ctx, "ann", sent.ID-1)
		defer s.close()
		mustEqual("the first event after the file", sent.ID, s.event().ID)
		mustEqual("the event after that", deleted.ID, s.event().ID)
	}},
	{name: "deleting a file again, under the same key or another, returns the first notice", feature: featureFileDeletion, body: func(t *caseRun) {
		t.joinCustomer()
		t.post("carol", notice("b.pdf", 1))
		id := t.post("carol", notice("a.pdf", 1)).Data.Get(bridge.KeyFileID)
		d := deletion(id)
		first := t.post("carol", d)
		mustEqual("the id under the same key", first.ID, t.post("carol", d).ID)
		mustEqual("the id under another key", first.ID, t.post("carol", deletion(id)).ID)
	}},
	{name: "a file that a party may not see cannot be deleted by it: file-unknown", feature: featureFileDeletion, body: func(t *caseRun) {
		t.joinCustomer()
		n := notice("a.pdf", 1)
		n.Visibility = bridge.Internal
		id := t.post("ann", n).Data.Get(bridge.KeyFileID)
		_, err := t.tryPost("carol", deletion(id))
		mustRefuse("the deletion of an agents' file by a customer", bridge.CodeFileUnknown, err)
		must("find the file", t.callOnce(http.MethodGet, pathOf(pathFile, t.session, "ann", id), nil, &event{}))
	}},
	{name: "a deleted file gives its share of the limits back once, or not at all", feature: featureFileDeletion, body: func(t *caseRun) {
		t.joinCustomer()
		t.post("carol", notice("b.pdf", 2))
		before := t.sharesUsed()
		id := t.post("carol", notice("a.pdf", 1)).Data.Get(bridge.KeyFileID)
		t.post("carol", deletion(id))
		after := t.sharesUsed()
		if after.UsedFiles < before.UsedFiles || after.UsedTotalSize < before.UsedTotalSize {
			fail("%d files of %d bytes are used after a deletion, and %d of %d before the file", after.UsedFiles, after.UsedTotalSize, before.UsedFiles, before.UsedTotalSize)
		}
		t.post("carol", deletion(id))
		mustEqual("the files used after another deletion", after.UsedFiles, t.sharesUsed().UsedFiles)
		mustEqual("the bytes used after another deletion", after.UsedTotalSize, t.sharesUsed().UsedTotalSize)
	}},
}

// sharesUsed is used for a backend that may have no allowances.
func (t *caseRun) sharesUsed() bridge.Limits {
	if !t.has(featureAllowances) {
		return bridge.Limits{}
	}
	return t.used()
}

func (t *caseRun) limitChange(cursor string) string {
	var answer wireChanges
	must("ask for changes of limits", t.callOnce(http.MethodGet, pathChanges+"?after="+url.QueryEscape(cursor), nil, &answer))
	return answer.Cursor
}
