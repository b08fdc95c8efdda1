package main

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"reflect"
	"time"

	"attache/bridge"
	"attache/test/chaos/oracle"
	"attache/wasm/page"
)

// How long the checker waits once no more harm is done.
const (
	settleTimeout = 30 * time.Second // from the last recovery to the last final state
	checkTime     = 15 * time.Second // for one transcript, and for one document
)

// drained waits until a final state of every upload is known, and reports those
// without one in time. The time counts from the last recovery, which may come
// while it waits or before the last file was sent. It returns the time from there
// to the last final state.
func (f *field) drained(ctx context.Context, sessions []*chatSession, recovered func() time.Time) time.Duration {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for len(f.journal.open()) > 0 && ctx.Err() == nil {
		select {
		case <-f.journal.news:
		case <-tick.C:
			for _, r := range sessions {
				r.remind(ctx)
			}
		case <-ctx.Done():
		}
		if took := time.Since(recovered()); took > f.drain && len(f.journal.open()) > 0 {
			f.overdue(ctx, sessions)
			return took
		}
	}
	took := max(0, f.journal.lastSettled().Sub(recovered()))
	if took > f.drain {
		f.findings.add(undrained, "the last final state came %s after the last recovery", took)
	}
	return took
}

// at is the recovery of a scenario in which no process dies.
func at(then time.Time) func() time.Time { return func() time.Time { return then } }

// recovered returns when one of the processes last began to serve.
func recovered(all []*process) func() time.Time {
	return func() (last time.Time) {
		for _, p := range all {
			if t := p.lastServed(); t.After(last) {
				last = t
			}
		}
		return last
	}
}

// overdue reports uploads that are not drained in time, each as late or as stuck.
func (f *field) overdue(ctx context.Context, sessions []*chatSession) {
	open := f.journal.open()
	for range int(f.drain / time.Second) {
		if len(f.journal.open()) == 0 || f.findings.enough != nil {
			break
		}
		for _, r := range sessions {
			r.remind(ctx)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	stuck := map[string]bool{}
	for _, i := range f.journal.open() {
		stuck[i.key] = true
	}
	for _, i := range open {
		f.findings.add(undrained, "%s of %s was %q after %s; still not final after twice that: %t", i.key, i.session, i.state, f.drain, stuck[i.key])
	}
}

// remind makes oracles ask for the state of accepted uploads that no report has
// followed. The client asks by itself when it has reconnected.
func (r *chatSession) remind(ctx context.Context) {
	for _, i := range r.journal.open() {
		if i.session != r.session || i.accepted.IsZero() {
			continue
		}
		for n, user := range r.users {
			if user == i.user {
				if o, ok := r.pages[n].(*oracle.Page); ok {
					o.Remind(ctx, i.key, i.name, i.size)
				}
			}
		}
	}
}

// verify compares a session's transcript, its files and the events of its pages
// with the journal.
func (r *chatSession) verify(ctx context.Context) {
	number := len(r.journal.of(r.session))
	ctx, cancel := context.WithTimeout(ctx, time.Minute+time.Duration(number)*time.Second)
	defer cancel()
	reader, err := r.enter("reader", bridge.Agent, pageRef{chatSession: r})
	if err != nil {
		r.findings.add(lost, "the transcript of %s: %v", r.session, err)
		return
	}
	defer reader.Close()
	patient, stop := context.WithTimeout(ctx, checkTime)
	defer stop()
	if _, err := reader.Position(patient); err != nil {
		r.findings.add(unseen, "a new page of %s did not get the whole transcript: %v", r.session, err)
	}
	notices := r.transcript(reader)
	r.shown(ctx, notices)
	for key, i := range r.journal.of(r.session) {
		r.judge(ctx, reader, i, notices[key])
	}
}

// transcript returns the session's notices by key. The reader, as every page, has
// checked whose they are.
func (r *chatSession) transcript(reader *page.Page) map[string]bridge.Event {
	notices := map[string]bridge.Event{}
	for _, s := range reader.Sights() {
		e := s.Event
		if !e.IsFile() {
			continue
		}
		if _, again := notices[e.Key]; again {
			r.findings.add(twice, "%s is twice in %s", e.Key, r.session)
			continue
		}
		notices[e.Key] = e
	}
	return notices
}

// whose checks a file's event or an upload's state when it reaches a page: the
// upload must be of this session, and a state must be of this user.
func (r *chatSession) whose(key, user string) {
	i := r.journal.find(key)
	switch {
	case i == nil:
		r.findings.add(phantom, "a page of %s was sent %q, which nobody uploaded", r.session, key)
	case i.session != r.session:
		r.findings.add(wrongSession, "%s of %s was sent to a page of %s", key, i.session, r.session)
	case user != "" && i.user != user:
		r.findings.add(wrongSession, "the state of %s of %s was sent to %s", key, i.user, user)
	}
}

// shown compares the events of each live page with the transcript.
func (r *chatSession) shown(ctx context.Context, notices map[string]bridge.Event) {
	var last int64
	for _, e := range notices {
		last = max(last, e.ID)
	}
	for n, p := range r.pages {
		patient, stop := context.WithTimeout(ctx, checkTime)
		p.CatchUp(patient, last)
		stop()
		had := map[string]bool{}
		for _, s := range p.Sights() {
			if s.Times > 1 {
				r.findings.add(seenTwice, "%s was sent event %d %d times", r.users[n], s.Event.ID, s.Times)
			}
			had[s.Event.Key] = true
			i := r.journal.find(s.Event.Key)
			if !s.Event.IsFile() || i == nil || i.session != r.session {
				continue // whose has reported that already
			}
			if notice := notices[s.Event.Key]; !reflect.DeepEqual(s.Event, notice) {
				r.findings.add(contradicted, "%s was sent event %d with %s, but the transcript has %+v", r.users[n], s.Event.ID, s.Event.Key, notice)
			}
		}
		for key := range notices {
			if !had[key] {
				r.findings.add(unseen, "%s was never sent the notice of %s", r.users[n], key)
			}
		}
	}
}

// judge compares one upload with its notice and its document.
func (r *chatSession) judge(ctx context.Context, reader *page.Page, i intent, notice bridge.Event) {
	switch {
	case i.mustFail == bridge.CodeInfected && notice.ID != 0:
		r.findings.add(unscanned, "%s is infected, but was announced", i.key)
		return
	case i.mustFail != "" && notice.ID != 0:
		r.findings.add(corrupted, "%s was announced instead of failing with %s", i.key, i.mustFail)
		return
	case i.failed && notice.ID != 0:
		r.findings.add(contradicted, "%s was reported to have failed with %s, but was announced", i.key, i.code)
		return
	case i.failed && i.mustFail != "" && i.code == i.mustFail:
		return
	case i.failed:
		r.findings.add(refused, "%s failed: %s", i.key, i.code)
		return
	case i.mustFail != "" && !i.accepted.IsZero():
		r.findings.add(undrained, "%s should have failed with %s, but no failure was reported", i.key, i.mustFail)
		return
	case notice.ID == 0 && !i.seen.IsZero():
		r.findings.add(contradicted, "%s was shown as event %d, but %s has no notice", i.key, i.event, r.session)
		return
	case notice.ID == 0 && !i.accepted.IsZero():
		r.findings.add(unreported, "%s was accepted, but %s has no notice", i.key, r.session)
		return
	case notice.ID == 0:
		return // found when it was sent
	case i.event != 0 && i.event != notice.ID:
		r.findings.add(twice, "%s was shown as event %d and is event %d of the transcript", i.key, i.event, notice.ID)
	}
	f, err := bridge.DecodeFile(notice)
	if err != nil {
		r.findings.add(corrupted, "the notice of %s: %v", i.key, err)
		return
	}
	r.journal.named(i.key, f.DocumentID)
	if f.Size != i.size || f.Name.Text != i.name {
		r.findings.add(corrupted, "%s was sent as %s of %d bytes and announced as %s of %d", i.key, i.name, i.size, f.Name.Text, f.Size)
	}
	patient, stop := context.WithTimeout(ctx, checkTime)
	defer stop()
	got, err := reader.Download(patient, f.ID, freshKey())
	switch {
	case err != nil:
		r.findings.add(lost, "%s was announced, but its download fails: %v", i.key, err)
	case got.Size != i.size || got.SHA256 != i.digest:
		r.findings.add(corrupted, "%s: %d bytes with another digest than the %d sent", i.key, got.Size, i.size)
	}
}

func freshKey() string {
	var k bridge.Key
	crand.Read(k[:])
	return fmt.Sprint(k)
}
