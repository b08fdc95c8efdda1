package bugs

// List is every bug, the bytes' first.
var List = []Bug{
	{
		Name: "ack-before-storing", Does: "a frame is acknowledged when it comes, a moment before it is durable",
		Shows: []string{"regressed"},
		Changes: []Change{{
			"proxy/data.go", "	came := time.Now()\n",
			"	came := time.Now()\n	d.noteAck(bridge.Ack{Key: key, Stored: f.Offset + int64(len(payload))})\n	time.Sleep(20 * time.Millisecond)\n",
		}},
		Trial: Trial{Moment: Acked},
	},
	{
		Name: "ignore-checksum", Does: "a frame is kept though its checksum does not fit",
		Shows: []string{"corrupted"},
		Changes: []Change{{
			"proxy/data.go", "	if err := f.Verify(payload); err != nil {\n		return false, err\n	}\n", "",
		}},
	},
	{
		Name: "ignore-offset", Does: "a frame is kept wherever it belongs",
		Shows: []string{"corrupted"},
		Changes: []Change{{
			"proxy/upload.go", "	case f.Offset != u.writer.Offset():", "	case f.Offset < 0:",
		}},
	},
	{
		Name: "resume-at-wrong-offset", Does: "an upload goes on in the middle of what is stored",
		Shows: []string{"regressed"},
		Changes: []Change{{
			"proxy/session.go", "Offset: offset, Digest: digest}", "Offset: offset / 2, Digest: digest[:0]}",
		}},
		Trial: Trial{Moment: Acked, MinSize: 1 << 20},
	},
	{
		Name: "drop-stored-bytes", Does: "a repeated offer drops what was stored",
		Shows: []string{"regressed"},
		Changes: []Change{{
			"proxy/upload.go", "	return us.resume(ctx, record)\n}\n\nfunc (us *uploads) wait()",
			"	us.proxy.Staging.Discard(ctx, record.DocumentID)\n	return us.resume(ctx, record)\n}\n\nfunc (us *uploads) wait()",
		}},
		Trial: Trial{Moment: Acked, MinSize: 1 << 20},
	},
	{
		Name: "accept-half", Does: "an upload is accepted when half of it is there",
		Shows: []string{"refused", "corrupted"},
		Changes: []Change{{
			"proxy/upload.go", "		if err == nil && n == u.size {", "		if err == nil && n >= u.size/2 {",
		}},
		Trial: Trial{Moment: Acked, MinSize: 1 << 20},
	},
	{
		Name: "ignore-digest", Does: "a file is accepted though it is not the one announced",
		Shows: []string{"corrupted"},
		Changes: []Change{{
			"proxy/upload.go", "	if u.record.Digest != \"\" && u.record.Digest != digest {\n		return u.fail(ctx, bridge.CodeDigest)\n	}\n", "",
		}},
	},
	{
		Name: "lose-the-record", Does: "one accepted upload in eight is never delivered",
		Shows: []string{"undrained", "unreported"},
		Changes: []Change{{
			"proxy/deliver/loop.go", "	if idle(record) {", "	if idle(record) || record.Key[0] < '2' {",
		}},
	},
	{
		Name: "take-repeated-for-done", Does: "what another has held before is taken for done",
		Shows: []string{"undrained", "unreported"},
		Changes: []Change{{
			"proxy/deliver/job.go", "	j.settle(j.run(ctx))", "	if !j.fresh() {\n		m.Ack()\n		return\n	}\n	j.settle(j.run(ctx))",
		}},
		Trial: Trial{Border: "stored"},
	},
	{
		Name: "announce-before-storing", Does: "the notice goes out before there is a document",
		Shows: []string{"premature"},
		Changes: []Change{{
			"proxy/deliver/steps.go", `		if kept, err := j.store(ctx); kept || err != nil {
			return err
		}
	}
	if err := j.awaitEarlier(ctx); err != nil {
		return err
	}
	e, err := j.announce()
	if err != nil {
		return err
	}
	return j.conclude(e)
`, `	}
	if err := j.awaitEarlier(ctx); err != nil {
		return err
	}
	e, err := j.announce()
	if err != nil {
		return err
	}
	if kept, err := j.store(ctx); kept || err != nil {
		return err
	}
	return j.conclude(e)
`,
		}},
		Trial: Trial{Moment: Announced},
	},
	{
		Name: "announce-before-scanning", Does: "nobody waits for the scanner's verdict",
		Shows: []string{"unscanned"},
		Changes: []Change{{
			"proxy/deliver/steps.go", `		if kept, err := j.scan(ctx); kept || err != nil {
			return err
		}
`, "",
		}},
		Trial: Trial{Scanner: true},
	},
	{
		Name: "release-the-infected", Does: "a bad verdict is taken for a good one",
		Shows: []string{"unscanned"},
		Changes: []Change{{
			"proxy/deliver/steps.go", "	switch r.Verdict {\n	case proxy.Clean:\n", "	if r.Verdict == proxy.Infected {\n		r.Verdict = proxy.Clean\n	}\n	switch r.Verdict {\n	case proxy.Clean:\n",
		}},
		Trial: Trial{Scanner: true},
	},
	{
		Name: "announce-twice", Does: "neither is the transcript searched nor a second notice refused",
		Shows: []string{"twice"},
		Changes: []Change{
			{"proxy/deliver/steps.go", "	if !j.fresh() {", "	if false {"},
			{"proxy/chat/post.go", "	if known, ok := f.keys[e.Key]; ok {", "	if known, ok := f.keys[e.Key]; ok && !e.IsFile() {"},
		},
		Trial: Trial{Border: "announced"},
	},
	{
		Name: "wrong-session", Does: "a notice goes where the one before it belonged",
		Shows: []string{"wrongSession"},
		Changes: []Change{{
			"proxy/deliver/steps.go", "j.Chat.Post(ctx, r.Session, r.UserID,", "j.Chat.Post(ctx, elsewhere(r.Session), r.UserID,",
		}, {
			"proxy/deliver/elsewhere.go", "", `package deliver

var before = make(chan string, 1)

func elsewhere(session string) string {
	other := session
	select {
	case other = <-before:
	default:
	}
	select {
	case before <- session:
	default:
	}
	return other
}
`,
		}},
	},
	{
		Name: "tell-another-session", Does: "a live notice is sent to a page of another session too",
		Shows: []string{"wrongSession"},
		Changes: []Change{{
			"proxy/tell.go", "		if err := s.send(ctx, &bridge.Happened{Event: e}); err != nil {\n			return err\n		}\n",
			`		for _, e := range astray(s, e) {
			if err := s.send(ctx, &bridge.Happened{Event: e}); err != nil {
				return err
			}
		}
`,
		}, {
			"proxy/astray.go", "", `package proxy

import "attache/bridge"

type straying struct {
	session string
	event   bridge.Event
}

var before = make(chan straying, 1)

func astray(s *session, e bridge.Event) []bridge.Event {
	if !e.IsFile() || e.ID <= s.joined {
		return []bridge.Event{e}
	}
	all := []bridge.Event{e}
	select {
	case other := <-before:
		if other.session != s.who.Session {
			all = append(all, other.event)
		}
	default:
	}
	select {
	case before <- straying{s.who.Session, e}:
	default:
	}
	return all
}
`,
		}},
	},
	{
		Name: "tell-another-document", Does: "a live notice names another document than the transcript",
		Shows: []string{"contradicted"},
		Changes: []Change{{
			"proxy/tell.go", "		if err := s.send(ctx, &bridge.Happened{Event: e}); err != nil {",
			"		if e.IsFile() && e.ID > s.joined {\n			e.Data = slices.Clone(e.Data).Set(bridge.Text(bridge.KeyDocumentID, \"another\"))\n		}\n		if err := s.send(ctx, &bridge.Happened{Event: e}); err != nil {",
		}, {
			"proxy/tell.go", "	\"context\"\n", "	\"context\"\n	\"slices\"\n",
		}},
	},
	{
		Name: "remove-the-document", Does: "a document is removed though its notice stands",
		Shows: []string{"premature", "lost"},
		Changes: []Change{{
			"proxy/deliver/steps.go", "			step(\"concluded\")\n",
			"			step(\"concluded\")\n			if r.Key[0] < '4' {\n				j.Documents.Remove(ctx, r.DocumentID)\n			}\n",
		}},
	},
	{
		Name: "deny-what-is-announced", Does: "a page that offers again what is announced is told that it failed",
		Shows: []string{"contradicted"},
		Changes: []Change{{
			"proxy/offer.go", "	if !known.State.Incoming() {\n		return known, nil, nil\n",
			"	if known.State == bridge.Announced {\n		return Record{}, nil, bridge.NewError(bridge.CodeUploadConflict, \"\")\n	}\n	if !known.State.Incoming() {\n		return known, nil, nil\n",
		}},
		Trial: Trial{Moment: Acked},
	},
	{
		Name: "drop-an-event", Does: "one event in three is not sent to pages that are there",
		Shows: []string{"unseen"},
		Changes: []Change{{
			"proxy/tell.go", "		if err := s.send(ctx, &bridge.Happened{Event: e}); err != nil {",
			"		if e.IsFile() && e.ID > s.joined && e.ID%3 == 0 {\n			return nil\n		}\n		if err := s.send(ctx, &bridge.Happened{Event: e}); err != nil {",
		}},
	},
	{
		Name: "repeat-events", Does: "a page that comes back is sent what it has",
		Shows: []string{"seenTwice"},
		Changes: []Change{{
			"proxy/tell.go", "	position := s.hello.Position\n", "	position := max(s.hello.Position-2, 0)\n",
		}},
	},
	{
		Name: "skip-what-was-missed", Does: "a page that comes back is not sent what happened meanwhile",
		Shows: []string{"unseen"},
		Changes: []Change{{
			"proxy/tell.go", "	position := s.hello.Position\n", "	position := s.hello.Position\n	if position > 0 {\n		position = s.joined\n	}\n",
		}},
		Trial: Trial{Moment: Accepted},
	},
}
