package deliver

import (
	"errors"
	"math/rand/v2"
	"time"

	"attache/bridge"
)

// permanent reports whether trying again cannot help. A page may join again, but
// nobody joins for an upload whose party was never in.
func permanent(err error) bool {
	var e *bridge.Error
	return errors.As(err, &e) && (!e.Retry || e.Code == bridge.CodeNotJoined)
}

// backOff is the pause before try number n+1, spread so that what failed
// together does not come back together.
func (l *Loop) backOff(n int) time.Duration {
	d := l.cfg.Delay
	for ; n > 1 && d < l.cfg.MaxDelay; n-- {
		d *= 2
	}
	d = min(d, l.cfg.MaxDelay)
	return d/2 + rand.N(d/2+1)
}
