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

	// Limits, if not nil, take the place of CustomerLimits and AgentLimits, and may change at
	// any time. A change binds what is asked for after it; reservations that are held stay.
	Limits Limits

	// DeletedCounts says that a file which its sender deleted still counts where the token
	// of delete-file is odd. By default its slot and its bytes are given back. What the token
	// means to the vendor's is not published.
	DeletedCounts bool

	// DeleteOthers lets every party delete the files of others. By default only the sender
	// may. The vendor's rule is not published.
	DeleteOthers bool

	// DeletedText is the text of the notice of a deleted file in the transcript. The vendor's
	// is not published; empty is [bridge.FileDeleted], after the message type FileDeleted of
	// GMS' clients. Our pages know only that one.
	DeletedText string

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

	// The options from here to ReasonTexts have names; see [NamedOptions] for what they mean.
	EnforcePassword bool
	WrongKeyRemoves bool
	RotateKeys      bool
	AttachTakesOver bool
	SystemBelow103  SystemBelow
	VipIsAgent      bool
	MonitoredFor    MonitoredFor
	ReasonTexts     [9]string // by reason code; empty is the default

	// Idle is also set by names.
	Idle IdleControl

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

	// MaxPacket is the most bytes that the request for one message or notice may have as XML,
	// by [bridge.PacketSize]; more has code message-too-large. The notice of a file that was
	// accepted is never refused by it. 0 is [bridge.MaxPacket], Chat Server's default.
	MaxPacket int64

	// IdleSessions is how many sessions that are not in use stay in memory. 0 is 1,000.
	IdleSessions int

	// Log receives failures that no call returns; nil drops them.
	Log *slog.Logger

	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// SystemBelow says what a ClientVersion below 103 gets of a SYSTEM party.
type SystemBelow string

const (
	SystemHidden     SystemBelow = "hide"
	SystemAsExternal SystemBelow = "EXTERNAL"
	SystemAsAgent    SystemBelow = "AGENT"
)

// MonitoredFor says which parties learn of silent monitoring.
type MonitoredFor string

const (
	MonitoredForStaff MonitoredFor = "staff"
	MonitoredForVip   MonitoredFor = "vip" // that may see it anyway
	MonitoredForAll   MonitoredFor = "all"
)

// Limits are limits that may change.
type Limits interface {
	// Limits returns those of parties of type CLIENT, and those of all others.
	Limits() (customers, agents bridge.Limits)
	// Watch calls changed, which must not block, after every change until stop is called.
	Watch(changed func()) (stop func())
}

// fixedLimits never change.
type fixedLimits struct{ customers, agents bridge.Limits }

func (l fixedLimits) Limits() (customers, agents bridge.Limits) { return l.customers, l.agents }

func (fixedLimits) Watch(func()) (stop func()) { return func() {} }

func (o Options) withDefaults() Options {
	NamedOptions.Preset(&o)
	for _, r := range []bridge.Reason{bridge.ReasonLeft, bridge.ReasonForcedClose, bridge.ReasonDisconnected, bridge.ReasonRemoved} {
		o.ReasonTexts[r.Code] = cmp.Or(o.ReasonTexts[r.Code], r.Text)
	}
	if o.Limits == nil {
		o.CustomerLimits = cmp.Or(o.CustomerLimits, new(bridge.VendorLimits()))
		o.AgentLimits = cmp.Or(o.AgentLimits, new(bridge.Unlimited()))
		o.Limits = fixedLimits{*o.CustomerLimits, *o.AgentLimits}
	}
	if o.AdmitText == nil {
		o.AdmitText = func() error { return nil }
	}
	o.CustomerText = cmp.Or(o.CustomerText, 4<<20)
	o.AgentText = cmp.Or(o.AgentText, 64<<20)
	o.Retention = cmp.Or(o.Retention, 30*24*time.Hour)
	o.ReservationTTL = cmp.Or(o.ReservationTTL, 24*time.Hour)
	o.RetryFor = cmp.Or(o.RetryFor, 10*time.Second)
	o.MaxPacket = cmp.Or(o.MaxPacket, bridge.MaxPacket)
	o.IdleSessions = cmp.Or(o.IdleSessions, 1000)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
