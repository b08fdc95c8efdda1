package main

import (
	"time"

	"attache/bridge"
)

const (
	mostTries = 5
	slowest   = 3 // doublings of the pause between tries: 2 s at most

	// How long an outage behind the proxy is waited out: a person who has just
	// chosen a file is told soon, one whose file is half there need not do a thing.
	firstPatience = 30 * time.Second
	patience      = 5 * time.Minute
)

// refused takes a fail of the proxy's on the chat's socket. What may pass is
// tried again.
func (u *upload) refused(err *bridge.Error) {
	if !u.mayRetry(err) {
		u.fail(err)
		return
	}
	u.halt()
	u.unsettle()
	wait := backoff{tries: min(u.tries, slowest)}
	u.tried()
	u.again.stop()
	u.again = u.s.page.turns.after(wait.next(), u.propose, u.s.failed)
}

// broken takes a fail of the data socket's. Once the upload is being offered
// again, such fails are of frames sent before.
func (u *upload) broken(err *bridge.Error) {
	if u.phase != sending {
		return
	}
	if damaged := err.Code == bridge.CodeFrameChecksum || err.Code == bridge.CodeFrameOffset; !damaged || !u.mayRetry(err) {
		u.refused(err)
		return
	}
	// Frames after the damaged one may still be under way, and would be taken
	// for damaged too. They end with their socket.
	u.tried()
	u.s.data.lost(err)
}

func (u *upload) tried() {
	if u.tries == 0 {
		u.since = u.s.page.now()
	}
	u.tries++
	u.s.pass()
}

// mayRetry judges a refusal. One that says that something behind the proxy is
// away is about no upload in particular, and is waited out; others that may pass
// are tried a few times, once the upload has begun.
func (u *upload) mayRetry(err *bridge.Error) bool {
	switch err.Code {
	case bridge.CodeStorageUnavailable, bridge.CodeChatUnavailable, bridge.CodeTimeout, bridge.CodeBusy:
		return u.tries == 0 || u.s.page.now()-u.since < u.patience()
	}
	return err.Retry && u.begun && u.tries < mostTries
}

func (u *upload) patience() time.Duration {
	if u.begun {
		return patience
	}
	return firstPatience
}
