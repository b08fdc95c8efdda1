package gms

import (
	"cmp"
	"time"
)

// FileOptions bound what uploads may cost.
type FileOptions struct {
	// Drain bounds how much of the body of a refused upload is read and dropped, if the size
	// limit plus 1 MiB is less, and DrainTime for how long: a browser that is still sending
	// shows no answer. Defaults: 65 MiB and 10 s.
	Drain     int64
	DrainTime time.Duration

	// PauseTime is how long a body may pause. On average it may not be slower than
	// [bridge.SlowestRate]. Default: 30 s.
	PauseTime time.Duration

	// A file that comes before the party's identity is spooled in SpoolDir until that is known:
	// up to SpoolSize bytes, and SpoolAddress bytes of one address at a time. Defaults: the
	// system's directory for temporary files, 64 MiB, 128 MiB.
	SpoolDir                string
	SpoolSize, SpoolAddress int64
}

func (o *FileOptions) complete() {
	o.Drain = cmp.Or(o.Drain, 65<<20)
	o.DrainTime = cmp.Or(o.DrainTime, 10*time.Second)
	o.PauseTime = cmp.Or(o.PauseTime, 30*time.Second)
	o.SpoolSize = cmp.Or(o.SpoolSize, 64<<20)
	o.SpoolAddress = cmp.Or(o.SpoolAddress, 128<<20)
}
