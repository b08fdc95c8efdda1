package inspect

import "time"

// Used is how many bytes the spool takes, and how many documents it has.
func (i *Inspector) Used() (bytes int64, files int) { return i.spool.Used() }

// Sweep is what happens by itself after a while.
func (i *Inspector) Sweep(now time.Time) { i.sweep(now) }

// Abandon holds the lease for bytes with that SHA-256 as a proxy that was killed.
func (i *Inspector) Abandon(sum [32]byte) error {
	_, err := i.verdicts.take(i.ctx, leaseSubject(sum), 0)
	return err
}

// SetBeat sets the interval of a lease's beats.
func (i *Inspector) SetBeat(d time.Duration) { i.verdicts.beat = d }
