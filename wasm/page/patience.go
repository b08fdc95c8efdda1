//go:build !js

package page

import (
	"errors"
	"math/rand/v2"
	"time"

	"attache/bridge"
)

// How the browser's module bears refusals (wasm/upload_js.go), which a page with
// Options.Module mirrors. What says that something behind the proxy is away is
// waited out, for so long before the first accept and after it. Anything else
// that may pass is tried again a few times, once the upload has begun. Progress
// makes up for all of it.
const (
	firstPatience = 30 * time.Second
	patience      = 5 * time.Minute
	mostTries     = 5

	firstWait   = 250 * time.Millisecond
	longestWait = 2 * time.Second
)

// trial is how often an upload was refused since it last made progress.
type trial struct {
	module bool
	begun  bool // accepted before
	tries  int
	since  time.Time     // of the first of these
	wait   time.Duration // before it is offered again
}

// bears reports whether the upload is to be offered again after a refusal, and
// counts that.
func (t *trial) bears(err *bridge.Error, now time.Time) bool {
	if !t.module {
		return err.Retry
	}
	if !t.may(err, now) {
		return false
	}
	if t.tries == 0 {
		t.since = now
	}
	t.wait = min(firstWait<<min(t.tries, 10), longestWait)
	t.wait = t.wait/2 + rand.N(t.wait/2)
	t.tries++
	return true
}

func (t *trial) may(err *bridge.Error, now time.Time) bool {
	switch err.Code {
	case bridge.CodeStorageUnavailable, bridge.CodeChatUnavailable, bridge.CodeTimeout, bridge.CodeBusy:
		most := firstPatience
		if t.begun {
			most = patience
		}
		return t.tries == 0 || now.Sub(t.since) < most
	}
	return err.Retry && t.begun && t.tries < mostTries
}

// damaged reports whether a frame has failed, and with it those after it.
func damaged(err *bridge.Error) bool {
	return err.Code == bridge.CodeFrameChecksum || err.Code == bridge.CodeFrameOffset
}

var errAgain = errors.New("offer again")

// refused judges a refusal; left when the upload has failed by it.
func (u *Upload) refused(err *bridge.Error) (left bool, again error) {
	if u.trial.bears(err, time.Now()) {
		return false, errAgain
	}
	u.State, u.Code = bridge.Failed, err.Code
	return true, nil
}
