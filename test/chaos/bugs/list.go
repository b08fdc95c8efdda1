package bugs

import (
	"go/token"
	"slices"
)

// List is every bug.
var List = slices.Concat(anyStore, plainFiles, objects, relay)

// anyStore are the bugs outside of the stores: first those of an upload's bytes, then of
// its delivery, then of what pages see.
var anyStore = []Bug{
	{
		Name: "ack-before-storing", Does: "a frame is acknowledged when it comes, a moment before it is durable",
		Shows: []string{"regressed"},
		Changes: []Change{
			{"proxy", "data.store", Before(Call("Append"), "plantedAck($r, $3, $2.Offset+int64(len($4)))")},
			{"proxy", "planted_ack.go", File(earlyAck)},
		},
		Trial: Trial{Moment: Acked},
	},
	{
		Name: "ignore-checksum", Does: "a frame is kept though its checksum does not fit",
		Shows:   []string{"corrupted"},
		Changes: []Change{{"proxy", "data.verify", Replace(Call("Verify"), "error(nil)")}},
	},
	{
		Name: "ignore-offset", Does: "a frame is kept at whatever offset it belongs",
		Shows:   []string{"corrupted"},
		Changes: []Change{{"proxy", "upload.append", Replace(Comparison(token.NEQ, "offset"), "$left < 0")}},
	},
	{
		Name: "resume-at-wrong-offset", Does: "an upload resumes in the middle of what is stored",
		Shows: []string{"regressed"},
		Changes: []Change{
			{"proxy", "session.answerOffer", Replace(Field("Accept", "Offset"), "$x / 2")},
			{"proxy", "session.answerOffer", Replace(Field("Accept", "Digest"), "$x[:0]")},
		},
		Trial: Trial{Moment: Acked, MinSize: 1 << 20},
	},
	{
		Name: "drop-stored-bytes", Does: "a repeated offer drops what was stored",
		Shows: []string{"regressed"},
		Changes: []Change{
			{"proxy", "opening.begin", Before(Call("Begin"), "$r.uploads.transfers.cfg.Staging.Discard($r.ctx, $r.record.DocumentID)")},
		},
		Trial: Trial{Moment: Acked, MinSize: 1 << 20},
	},
	{
		Name: "accept-half", Does: "an upload is accepted when half of it is there",
		Shows:   []string{"refused", "corrupted"},
		Changes: []Change{{"proxy", "upload.append", Replace(Comparison(token.EQL, "size"), "$left >= $right/2")}},
		Trial:   Trial{Moment: Acked, MinSize: 1 << 20},
	},
	{
		Name: "ignore-digest", Does: "a file is accepted though it is not the one announced",
		Shows:   []string{"corrupted"},
		Changes: []Change{{"proxy", "Record.Accept", Replace(Comparison(token.NEQ, "digest"), "false")}},
	},
	{
		Name: "lose-the-record", Does: "one accepted upload in eight is never delivered",
		Shows:   []string{"undrained", "unreported"},
		Changes: []Change{{"proxy/deliver", "Loop.dispatch", Replace(Call("idle"), "$x || $a1.Key[0] < '2'")}},
	},
	{
		Name: "take-repeated-for-done", Does: "an upload that another loop has held before counts as done",
		Shows: []string{"undrained", "unreported"},
		Changes: []Change{
			{"proxy/deliver", "Loop.work", Before(Call("settle"), "if !$on.fresh() {\n$on.message.Ack()\nreturn\n}")},
		},
		Trial: Trial{Border: "stored"},
	},
	{
		Name: "announce-before-storing", Does: "the notice goes out before there is a document",
		Shows: []string{"premature"},
		Changes: []Change{
			{"proxy/deliver", "job.deliver", Delete(Call("store"))},
			{"proxy/deliver", "job.deliver", Before(Call("conclude"), "if $r.record.State != bridge.Stored {\nif kept, err := $r.store($1); kept || err != nil {\nreturn err\n}\n}")},
		},
		Trial: Trial{Moment: Announced},
	},
	{
		Name: "announce-before-scanning", Does: "delivery does not wait for the scanner's verdict",
		Shows:   []string{"unscanned"},
		Changes: []Change{{"proxy/deliver", "job.deliver", Delete(Call("scan"))}},
		Trial:   Trial{Scanner: true},
	},
	{
		Name: "release-the-infected", Does: "a bad verdict is taken for a good one",
		Shows:   []string{"unscanned"},
		Changes: []Change{{"proxy/deliver", "job.scan", Before(Call("applyVerdict"), "if $a1.Verdict == proxy.Infected {\n$a1.Verdict = proxy.Clean\n}")}},
		Trial:   Trial{Scanner: true},
	},
	{
		Name: "announce-twice", Does: "neither is the transcript searched nor a second notice refused",
		Shows: []string{"twice"},
		Changes: []Change{
			{"proxy/deliver", "job.announce", Replace(Call("fresh"), "true")},
			{"proxy/chat", "Server.postEntry", Replace(Condition("keys"), "$x && !$3.IsFile()")},
		},
		Trial: Trial{Border: "announced"},
	},
	{
		Name: "wrong-session", Does: "a notice goes where the one before it belonged",
		Shows: []string{"wrongSession"},
		Changes: []Change{
			{"proxy/deliver", "job.post", Replace(Argument(2, "Post"), "plantedSession($x)")},
			{"proxy/deliver", "planted_session.go", File(sessionBefore)},
		},
	},
	{
		Name: "tell-another-session", Does: "a live notice is sent to a page of another session too",
		Shows: []string{"wrongSession"},
		Changes: []Change{
			{"proxy", "session.sendEvents", Around(Field("EventAdded", "Event"), "for _, $x := range plantedEvents($r, $x) {\n$stmt\n}")},
			{"proxy", "planted_stray.go", File(strayEvent)},
		},
	},
	{
		Name: "tell-another-document", Does: "a live notice names another document than the transcript",
		Shows: []string{"contradicted"},
		Changes: []Change{
			{"proxy", "session.sendEvents", Replace(Field("EventAdded", "Event"), "plantedDocument($r, $x)")},
			{"proxy", "planted_document.go", File(anotherDocument)},
		},
	},
	{
		Name: "remove-the-document", Does: "a document is removed though its notice is in the transcript",
		Shows: []string{"premature", "lost"},
		Changes: []Change{
			{"proxy/deliver", "job.conclude", After(Call("crashPoint"), "if $r.record.Key[0] < '4' {\n$r.cfg.Documents.Remove($r.working, $r.record.DocumentID)\n}")},
		},
	},
	{
		Name: "deny-what-is-announced", Does: "a page that offers an announced upload again is sent that it failed",
		Shows: []string{"contradicted"},
		Changes: []Change{
			{"proxy", "Transfers.continueOffer", Before(Call("Incoming"), "if $on == bridge.Announced {\nreturn taken{}, bridge.NewError(bridge.CodeUploadConflict, \"\")\n}")},
		},
		Trial: Trial{Moment: Acked},
	},
	{
		Name: "drop-an-event", Does: "one event in three is not sent to pages that are there",
		Shows: []string{"unseen"},
		Changes: []Change{
			{"proxy", "session.sendEvents", Before(Field("EventAdded", "Event"), "if $x.IsFile() && $x.ID > $r.joined && $x.ID%3 == 0 {\nreturn nil\n}")},
		},
	},
	{
		Name: "repeat-events", Does: "a page that comes back is sent what it has",
		Shows:   []string{"seenTwice"},
		Changes: []Change{{"proxy", "session.sendEvents", Replace(Mention("Position"), "max($x-2, 0)")}},
	},
	{
		Name: "skip-what-was-missed", Does: "a page that comes back is not sent what happened meanwhile",
		Shows: []string{"unseen"},
		Changes: []Change{
			{"proxy", "session.sendEvents", Replace(Mention("Position"), "plantedNews($r, $x)")},
			{"proxy", "planted_news.go", File(onlyNews)},
		},
		Trial: Trial{Moment: Accepted},
	},
}
