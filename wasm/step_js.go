package main

import (
	"time"

	"attache/bridge"
)

// progressTime is the shortest time between two words on an upload's progress.
const progressTime = 100 * time.Millisecond

func (u *upload) where() bridge.Step {
	return bridge.Step{
		Key: u.offer.Key, State: u.state, Name: u.name,
		Sent: u.sent, Stored: u.stored, Total: u.offer.Size,
		At: time.Now().UnixMilli(),
	}
}

func (u *upload) step(e *bridge.Event, err *bridge.Error) {
	step := u.where()
	step.Event, step.Error, step.Over = e, err, u.over
	u.tellStep(step)
}

// resume tells that it goes on after a break, of this page's connection or
// between this page and an earlier one.
func (u *upload) resume() {
	if u.state.May(bridge.Receiving) {
		u.state = bridge.Receiving
	}
	step := u.where()
	step.Resumed = true
	u.tellStep(step)
}

func (u *upload) tellStep(step bridge.Step) {
	u.s.tell(wordUpload, u.call, bridge.AppendStep(nil, step, u.s.party.UserID))
}

// progress tells how far it is, ten times a second at most.
func (u *upload) progress() {
	if wait := progressTime - (u.s.page.now() - u.told); wait > 0 {
		if u.telling == nil {
			u.telling = u.s.page.turns.after(wait, u.tellProgress, u.s.failed)
		}
		return
	}
	u.tellProgress()
}

func (u *upload) tellProgress() {
	u.telling.stop()
	u.telling, u.told = nil, u.s.page.now()
	u.s.tell(wordProgress, u.call, bridge.AppendProgress(nil, u.where()))
}
