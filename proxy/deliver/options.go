package deliver

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"attache/proxy"
)

// Options configure a Loop. The first five are required.
type Options struct {
	Records   *Records
	Staging   proxy.Staging
	Documents proxy.Documents
	Chat      proxy.ChatServer
	// Scanner scans every file. It has no default: use proxy.NoScanner to scan nothing.
	Scanner proxy.Scanner

	// Audit records verdicts that reject a file, before the upload fails because of them, and
	// each upload's end, before its message is acknowledged: at least once. Default: nothing
	// is recorded.
	Audit proxy.Audit

	// Workers is how many uploads are delivered at the same time. Default: 16.
	Workers int

	// Lease is how long a message stays with a loop that has gone silent: the delay that a
	// killed proxy causes to the uploads it was delivering. Default: 2 s.
	Lease time.Duration

	// Tries bounds the tries of one step. With the default delays, the default of 250 takes
	// 45 minutes plus the time of the tries. A full store is waited for without limit.
	Tries int

	// Delay is the pause before the second try; it doubles up to MaxDelay, and each pause is
	// random between half of it and all of it. Defaults: 100 ms, 15 s.
	Delay, MaxDelay time.Duration

	// ScanTime, StoreTime and AnnounceTime bound one try of a step. Scanning, and storing
	// outside of the staging store, may take a second more for each 256 KiB of the file.
	// Defaults: 5 min, 1 min, 15 s.
	ScanTime, StoreTime, AnnounceTime time.Duration

	// Order is the longest time that a ready upload waits for the upload that is to
	// be announced before it. Default: 30 s, twice MaxDelay: after a scanner's
	// outage, the
	// earlier upload may be retried last.
	Order time.Duration

	// Grace is how long the document of a failed or cancelled upload is kept while its notice
	// may still be on its way. It must be at least as long as a try to announce, and to store
	// in the staging store. Default: 1 min.
	Grace time.Duration

	// Idle is how long an upload may receive no byte while its party is in the session.
	// Default: 24 h.
	Idle time.Duration

	// Away is how long an unfinished upload is kept after its last byte when its party has
	// left the session, so that a page may resume it; CheckEvery is the interval of the checks
	// of unfinished uploads. Defaults: 10 min, 1 min.
	Away, CheckEvery time.Duration

	// Silence is how long the record of an upload that cannot be resumed may stay unwritten: its
	// request writes it every [proxy.OpenTouch]. Default: 1 min.
	Silence time.Duration

	// Keep is how long the record of a failed or cancelled upload is kept, to answer a page
	// that comes back; KeepAnnounced that of an announced one, which vouches for its document.
	// Defaults: 24 h, 30 days.
	Keep, KeepAnnounced time.Duration

	// Sweep is the interval of the janitor. Default: 1 h.
	Sweep time.Duration

	// Log receives one line for each upload that ends and for each try that fails. Default:
	// discarded.
	Log *slog.Logger
}

// complete sets the defaults. It fails if a required option is missing.
func (o *Options) complete() error {
	if o.Records == nil || o.Staging == nil || o.Documents == nil || o.Chat == nil || o.Scanner == nil {
		return errors.New("a delivery loop needs Records, Staging, Documents, Chat and Scanner")
	}
	o.Workers = cmp.Or(o.Workers, 16)
	o.Lease = cmp.Or(o.Lease, 2*time.Second)
	o.Tries = cmp.Or(o.Tries, 250)
	o.Delay = cmp.Or(o.Delay, 100*time.Millisecond)
	o.MaxDelay = cmp.Or(o.MaxDelay, 15*time.Second)
	o.ScanTime = cmp.Or(o.ScanTime, 5*time.Minute)
	o.StoreTime = cmp.Or(o.StoreTime, time.Minute)
	o.AnnounceTime = cmp.Or(o.AnnounceTime, 15*time.Second)
	o.Order = cmp.Or(o.Order, 30*time.Second)
	o.Grace = cmp.Or(o.Grace, time.Minute)
	o.Idle = cmp.Or(o.Idle, 24*time.Hour)
	o.Away = cmp.Or(o.Away, 10*time.Minute)
	o.CheckEvery = cmp.Or(o.CheckEvery, time.Minute)
	o.Silence = cmp.Or(o.Silence, time.Minute)
	o.Keep = cmp.Or(o.Keep, 24*time.Hour)
	o.KeepAnnounced = cmp.Or(o.KeepAnnounced, 30*24*time.Hour)
	o.Sweep = cmp.Or(o.Sweep, time.Hour)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return nil
}
