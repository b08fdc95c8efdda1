package deliver

import (
	"errors"
	"math/rand/v2"
	"time"

	"attache/bridge"
)

// permanent reports whether a retry cannot help. A party that has left may join
// again; for an upload whose party was never in, a retry is useless.
//
// The content of an accepted upload is durable. A store that does not find it has perhaps
// just been started, so that is no reason to give the upload up.
func permanent(err error) bool {
	var e *bridge.Error
	if !errors.As(err, &e) || e.Code == bridge.CodeDocument {
		return false
	}
	return !e.Retry || e.Code == bridge.CodeNotJoined
}

// backOff is the pause before try n+1. It is randomised, so that uploads that failed
// together are not retried together.
func (l *Loop) backOff(n int) time.Duration {
	d := l.cfg.Delay
	for ; n > 1 && d < l.cfg.MaxDelay; n-- {
		d *= 2
	}
	d = min(d, l.cfg.MaxDelay)
	return d/2 + rand.N(d/2+1)
}
