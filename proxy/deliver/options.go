package deliver

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"attache/proxy"
)

// Options say what a Loop works with and how patient it is. The first five are
// required.
type Options struct {
	Records   *Records
	Staging   proxy.Staging
	Documents proxy.Documents
	Chat      proxy.ChatServer
	// Scanner judges every file. There is no default: whoever wants no scanner says
	// so with proxy.NoScanner.
	Scanner proxy.Scanner

	// Audit is told of verdicts that let a file not pass, before it fails for
	// them, and of each upload's end, before the end's message is let go: at
	// least once. Default: nobody is.
	Audit proxy.Audit

	// Workers is how many uploads are delivered at once. Default: 16.
	Workers int

	// Lease is how long a message stays with a loop that is not heard of: what a
	// killed proxy costs the uploads it was delivering. Default: 2 s.
	Lease time.Duration

	// Tries bounds the attempts at one step. With the default delays, the
	// default of 250 is 45 minutes and as many times what a try takes. A store
	// that is full is waited for without a bound.
	Tries int

	// Delay is the pause before the second try; it doubles up to MaxDelay, and
	// each is spread over its half and its whole. Defaults: 100 ms, 15 s.
	Delay, MaxDelay time.Duration

	// ScanTime, StoreTime and AnnounceTime bound one try of a step. To scan, and to
	// store elsewhere than the content lies, may take a second more for each
	// 256 KiB of the file. Defaults: 5 min, 1 min, 15 s.
	ScanTime, StoreTime, AnnounceTime time.Duration

	// Order is how long an upload that is ready to be announced waits, at most, for
	// the one that is to be announced before it. Default: 30 s, twice MaxDelay: when a
	// scanner that was away is back, the earlier one may be asked about last.
	Order time.Duration

	// Grace is how long the document of an upload that failed or was cancelled
	// is kept while its notice may still be on its way. It is at least as long as
	// a try to announce, and to store where the content lies. Default: 1 min.
	Grace time.Duration

	// Idle is how long an upload may lie without a byte while its party is there.
	// Default: 24 h.
	Idle time.Duration

	// Away is how long an unfinished upload is kept after its last byte when its party
	// has left the session, so that a page may come back to it; CheckEvery is the time
	// between two looks at unfinished uploads. Defaults: 10 min, 1 min.
	Away, CheckEvery time.Duration

	// Keep is how long the record of an upload that came to nothing stays, to
	// answer a page that comes back; KeepAnnounced that of an announced one,
	// which vouches for its document. Defaults: 24 h, 30 days.
	Keep, KeepAnnounced time.Duration

	// Sweep is the time between two rounds of the janitor. Default: 1 h.
	Sweep time.Duration

	// Log gets one line for each upload that ends and for each try that fails.
	// Default: discarded.
	Log *slog.Logger
}

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
	o.Keep = cmp.Or(o.Keep, 24*time.Hour)
	o.KeepAnnounced = cmp.Or(o.KeepAnnounced, 30*24*time.Hour)
	o.Sweep = cmp.Or(o.Sweep, time.Hour)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}
