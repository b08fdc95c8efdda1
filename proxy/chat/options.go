package chat

import (
	"cmp"
	"log/slog"
	"time"

	"attache/bridge"
)

// Options say how Chat Server behaves where its documentation leaves a choice. The zero
// value is the vendor's behaviour, as far as it is published.
type Options struct {
	// CustomerLimits bind parties of type CLIENT, all of a session together; their Used
	// counters and AgentHere are ignored. nil is [bridge.VendorLimits]. Not published, and
	// therefore chosen here: the default of MaxDownloads (download-attempts; 2 is a
	// captured value); that an empty Types list allows every type; that types compare
	// without case; that a size equal to its limit passes; that NeedAgent
	// (upload-need-agent) means an AGENT or SUPERVISOR in the session that the customer may
	// see (one that joined with INT or VIP does not count); that uploads count from the
	// reservation on, so that parallel ones cannot exceed a limit together.
	CustomerLimits *bridge.Limits

	// AgentLimits are announced to every other party, and checked when one of them
	// reserves. Chat Server itself has none for agents, so a notice is never refused
	// because of them. nil is [bridge.Unlimited].
	AgentLimits *bridge.Limits

	// CustomerText and AgentText bound what one party may add to a session's log, in bytes,
	// as a CLIENT and as any other type; all of a session's customers together, and all
	// other parties together, may add twice that. Everything that stays in the log counts,
	// plus 512 bytes of overhead each: messages, notices, joining and leaving, reservations
	// and attempts; an abandoned upload counts 8 KiB, for its record. Beyond the bound, new
	// entries are refused with code chat-full; promised ones (a notice of a reserved file,
	// a release, leaving) are not, and joining has a quarter more. Not published. 0 is
	// 4 MiB and 64 MiB; [bridge.NoLimit] is no limit.
	CustomerText, AgentText int64

	// AdmitText is called before a new entry of a customer is stored. It fails with code
	// storage-full if the remaining disk space is for agents and for promised entries.
	// nil never fails.
	AdmitText func() error

	// Retention is how long an event is stored, and so the longest that a session can last:
	// one whose beginning is gone has ended. 0 is 30 days.
	Retention time.Duration

	// ReservationTTL is how long a reservation lasts if neither a notice nor a release
	// follows. 0 is 24 hours, a little more than an idle upload's record lives. Not
	// published.
	ReservationTTL time.Duration

	// RetryFor is how long an append is retried while the store is unavailable. 0 is
	// 10 seconds: NATS takes 4 to 8 to replace a node that leads.
	RetryFor time.Duration

	// IdleSessions is how many sessions that are not in use stay in memory. 0 is 1,000.
	IdleSessions int

	// Log receives failures that no call returns; nil drops them.
	Log *slog.Logger

	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	o.CustomerLimits = cmp.Or(o.CustomerLimits, new(bridge.VendorLimits()))
	o.AgentLimits = cmp.Or(o.AgentLimits, new(bridge.Unlimited()))
	if o.AdmitText == nil {
		o.AdmitText = func() error { return nil }
	}
	o.CustomerText = cmp.Or(o.CustomerText, 4<<20)
	o.AgentText = cmp.Or(o.AgentText, 64<<20)
	o.Retention = cmp.Or(o.Retention, 30*24*time.Hour)
	o.ReservationTTL = cmp.Or(o.ReservationTTL, 24*time.Hour)
	o.RetryFor = cmp.Or(o.RetryFor, 10*time.Second)
	o.IdleSessions = cmp.Or(o.IdleSessions, 1000)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
