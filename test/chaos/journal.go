package main

import (
	"crypto/sha256"
	"sync"
	"time"

	"attache/bridge"
	"attache/wasm/page"
)

// intent is one upload as its driver meant it, and the states that pages were sent.
type intent struct {
	key, session, user, name string
	size                     int64
	digest                   [sha256.Size]byte

	mustFail bridge.Code // the code that it must fail with; empty: it must be announced

	state    bridge.UploadState // the furthest that was reported
	failed   bool               // reported as failed, whatever else was reported
	code     bridge.Code
	event    int64  // the notice's id, once reported as announced
	document string // that the notice names
	complete time.Time
	accepted time.Time
	seen     time.Time // when the driver first knew that it is announced
	upload   *page.Upload
}

// journal is the checker's own log of what it sent and what pages were sent. It uses
// nothing that the product writes.
type journal struct {
	mu      sync.Mutex
	intents map[string]*intent
	settled time.Time // when the last upload became final
	news    chan struct{}
}

func newJournal() *journal {
	return &journal{intents: map[string]*intent{}, news: make(chan struct{}, 1)}
}

func (j *journal) mean(i *intent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.intents[i.key] = i
}

// heard records a state that the proxy sent to a page.
func (j *journal) heard(key string, m *bridge.Upload) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := j.intents[key]
	if i == nil || m.State.Incoming() {
		return
	}
	if i.accepted.IsZero() {
		i.accepted = time.Now()
	}
	if m.State == bridge.Failed || m.State == bridge.Cancelled {
		i.failed = true
	}
	if m.Error != nil {
		i.code = m.Error.Code
	}
	if i.state.Final() && m.State != bridge.Announced {
		return
	}
	j.became(i, m.State)
	if m.State == bridge.Announced {
		j.announced(i)
		if m.Event != nil {
			i.event = m.Event.ID
		}
	}
	j.wake()
}

// saw records that a sender's page got the notice.
func (j *journal) saw(session, user string, e bridge.Event) {
	if !e.IsFile() {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	i := j.intents[e.Key]
	if i == nil || i.session != session || i.user != user {
		return
	}
	i.event = e.ID
	j.became(i, bridge.Announced)
	j.announced(i)
	j.wake()
}

func (j *journal) became(i *intent, state bridge.UploadState) {
	if !i.state.Final() && state.Final() {
		j.settled = time.Now()
	}
	i.state = state
}

// state returns the upload's last state that a page was sent.
func (j *journal) state(i *intent) bridge.UploadState {
	j.mu.Lock()
	defer j.mu.Unlock()
	return i.state
}

func (j *journal) lastSettled() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.settled
}

func (j *journal) announced(i *intent) {
	if i.seen.IsZero() {
		i.seen = time.Now()
	}
}

// sent records the outcome of Send.
func (j *journal) sent(i *intent, u *page.Upload) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i.upload, i.complete = u, u.Complete
	if i.accepted.IsZero() {
		i.accepted = u.Accepted
	}
	if !i.state.Final() && u.State != "" {
		j.became(i, u.State)
		if u.State == bridge.Failed {
			i.failed, i.code = true, u.Code
		}
	}
	j.wake()
}

func (j *journal) wake() {
	select {
	case j.news <- struct{}{}:
	default:
	}
}

// open returns the intents without a final state.
func (j *journal) open() (open []intent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, i := range j.intents {
		if !i.state.Final() {
			open = append(open, *i)
		}
	}
	return open
}

// of returns copies of a session's intents by key, because pages go on reporting.
func (j *journal) of(session string) map[string]intent {
	j.mu.Lock()
	defer j.mu.Unlock()
	some := map[string]intent{}
	for key, i := range j.intents {
		if i.session == session {
			some[key] = *i
		}
	}
	return some
}

// find returns the intent of that key, of any session.
func (j *journal) find(key string) *intent {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.intents[key]
}

// named records the document that an upload's notice in the transcript names.
func (j *journal) named(key, document string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.intents[key].document = document
}

// documents returns the intents whose notices name a document, by its id.
func (j *journal) documents() map[string]*intent {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := map[string]*intent{}
	for _, i := range j.intents {
		if i.document != "" {
			all[i.document] = i
		}
	}
	return all
}
