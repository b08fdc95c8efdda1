package client

import (
	"time"

	"attache/bridge"
)

const (
	maxTries     = 5
	maxDoublings = 3 // of the pause between tries: 2 s at most

	// How long an outage of the proxy's backend is waited out: a person who has just chosen a
	// file gets an answer soon; one whose file is half there has nothing to do.
	firstPatience = 30 * time.Second
	patience      = 5 * time.Minute
)

// onFail handles a fail of the chat socket. A temporary one is retried.
func (u *upload) onFail(err *bridge.Error) {
	if !u.mayRetry(err) {
		u.fail(err)
		return
	}
	u.stopSending()
	u.awaitAccept()
	pause := backoff{tries: min(u.tries, maxDoublings)}
	u.tried()
	u.retryAlarm.stop()
	u.retryAlarm = u.s.after(pause.next(u.s.client.host.Random), u.propose)
}

// onFrameFail handles a fail of the data socket. Once the upload is being offered
// again, a fail there is about a frame that was sent before.
func (u *upload) onFrameFail(err *bridge.Error) {
	if u.phase != sending {
		return
	}
	if !damaged(err) || !u.mayRetry(err) {
		u.onFail(err)
		return
	}
	// Frames after the damaged one may still be in flight, and would count as damaged
	// too. They end with their socket.
	u.tried()
	u.s.data.lost(err)
}

func damaged(err *bridge.Error) bool {
	return err.Code == bridge.CodeFrameChecksum || err.Code == bridge.CodeFrameOffset
}

func (u *upload) tried() {
	if u.tries == 0 {
		u.since = u.s.now()
	}
	u.tries++
	u.s.pass()
}

// mayRetry reports whether to retry after a refusal. One that reports an outage of the
// proxy's backend is not about this upload, and is waited out; so is a full store, once the
// upload has begun, because a person who has just chosen a file gets that answer at once.
// Other temporary refusals are retried a few times, once the upload has begun.
func (u *upload) mayRetry(err *bridge.Error) bool {
	switch err.Code {
	case bridge.CodeStorageUnavailable, bridge.CodeChatUnavailable, bridge.CodeTimeout, bridge.CodeBusy:
		return u.tries == 0 || u.s.now()-u.since < u.patience()
	}
	if damaged(err) { // on its way: it says nothing about the upload
		return u.tries < maxTries
	}
	if err.Code == bridge.CodeStorageFull && u.begun {
		return u.tries == 0 || u.s.now()-u.since < patience
	}
	return err.Retry && u.begun && u.tries < maxTries
}

func (u *upload) patience() time.Duration {
	if u.begun {
		return patience
	}
	return firstPatience
}
