package chat

import (
	"cmp"
	"log/slog"
	"time"

	"attache/bridge"
)

// Options say how Chat Server behaves where its papers leave a choice. The zero
// value is the vendor's behaviour, as far as it is published.
type Options struct {
	// CustomerLimits bind parties of type CLIENT, all of a session together;
	// their Used counters and AgentHere are ignored. nil is
	// [bridge.VendorLimits]. Not published, and therefore chosen here:
	// the default of MaxDownloads (download-attempts; 2 is a captured value);
	// that an empty Types list allows every type; that types compare without
	// case; that a size equal to its limit passes; that NeedAgent
	// (upload-need-agent) means an AGENT or SUPERVISOR in the session whom
	// the customer may see (one who joined with INT or VIP is nobody to it); that
	// uploads count from the reservation on, so that parallel ones cannot
	// exceed a limit together.
	CustomerLimits *bridge.Limits

	// AgentLimits are announced to everybody else, and judged when one of them
	// reserves. Chat Server itself has none for agents, so a notice is never
	// refused for them. nil is [bridge.Unlimited].
	AgentLimits *bridge.Limits

	// CustomerText and AgentText bound what one party may add to a session's log,
	// in bytes, as a CLIENT and as anybody else; all of a session's customers
	// together, and everybody else together, may add twice that. Whatever stays
	// in the log counts, with 512 bytes for what is kept beside it: messages,
	// notices, joining and leaving, reservations and attempts; an upload that was
	// given up counts with 8 KiB, for its record. Beyond the bound what is new is refused
	// with code chat-full; what was promised before (a notice of a reserved file,
	// a release, leaving) is not, and joining has a quarter more.
	// Not published. 0 is 4 MiB and 64 MiB; [bridge.NoLimit] is no limit.
	CustomerText, AgentText int64

	// Room is asked before anything new of a customer is stored, and fails with
	// code storage-full where what is left is for agents and for what was
	// promised. nil: it never is.
	Room func() error

	// Retention is how long an event is kept, and so the longest that a session
	// can last: one whose beginning is gone has ended. 0 is 30 days.
	Retention time.Duration

	// ReservationTTL is how long an upload's place is held when neither a
	// notice nor a release comes. 0 is 24 hours, a little more than an idle
	// upload's record lives. Not published.
	ReservationTTL time.Duration

	// Patience is how long an event is tried to be stored while the store is
	// away. 0 is 10 seconds: NATS takes 4 to 8 to replace a node that leads.
	Patience time.Duration

	// Replicas of the stream; 0 is 1.
	Replicas int

	// IdleSessions is how many sessions nobody is using at the moment stay in
	// memory. 0 is 1,000.
	IdleSessions int

	// Log receives what goes wrong behind the calls; nil drops it.
	Log *slog.Logger

	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.CustomerLimits == nil {
		limits := bridge.VendorLimits()
		o.CustomerLimits = &limits
	}
	if o.AgentLimits == nil {
		limits := bridge.Unlimited()
		o.AgentLimits = &limits
	}
	if o.Room == nil {
		o.Room = func() error { return nil }
	}
	o.CustomerText = cmp.Or(o.CustomerText, 4<<20)
	o.AgentText = cmp.Or(o.AgentText, 64<<20)
	o.Retention = cmp.Or(o.Retention, 30*24*time.Hour)
	o.ReservationTTL = cmp.Or(o.ReservationTTL, 24*time.Hour)
	o.Patience = cmp.Or(o.Patience, 10*time.Second)
	o.IdleSessions = cmp.Or(o.IdleSessions, 1000)
	o.Replicas = cmp.Or(o.Replicas, 1)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
