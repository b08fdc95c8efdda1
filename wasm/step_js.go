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
	step.Event, step.Error = e, err
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
