package client

import (
	"time"

	"attache/bridge"
)

// progressTime is the shortest time between two reports of an upload's progress.
const progressTime = 100 * time.Millisecond

func (u *upload) step() bridge.Step {
	return bridge.Step{
		Key: u.offer.Key, State: u.state, Name: u.name,
		Sent: u.sent, Stored: u.stored, Total: u.offer.Size,
		At: u.s.client.host.Date(),
	}
}

// report reports a new state.
func (u *upload) report(e *bridge.Event, err *bridge.Error) {
	step := u.step()
	step.Event, step.Error, step.Over = e, err, u.over
	u.reportStep(step)
}

// resume reports that the upload continues after a break: this page reconnected, or
// it resumes an earlier page's upload.
func (u *upload) resume() {
	if u.state.May(bridge.Receiving) {
		u.state = bridge.Receiving
	}
	step := u.step()
	step.Resumed = true
	u.reportStep(step)
}

func (u *upload) reportStep(step bridge.Step) {
	u.s.report(WordUpload, u.call, bridge.AppendStep(nil, step, u.s.party.UserID))
}

// progress reports how much is sent and stored, ten times a second at most.
func (u *upload) progress() {
	if wait := progressTime - (u.s.now() - u.reported); wait > 0 {
		if u.progressAlarm == nil {
			u.progressAlarm = u.s.after(wait, u.reportProgress)
		}
		return
	}
	u.reportProgress()
}

func (u *upload) reportProgress() {
	u.progressAlarm.stop()
	u.progressAlarm, u.reported = nil, u.s.now()
	u.s.report(WordProgress, u.call, bridge.AppendProgress(nil, u.step()))
}
