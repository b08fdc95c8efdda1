package proxy

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"attache/bridge"
)

// Config is the configuration of a proxy. Fields without a default are required.
type Config struct {
	Chat      ChatServer
	Documents Documents
	Staging   Staging
	Records   Records
	Auth      Authenticator
	Tickets   Tickets

	// Library holds the standard responses. Default: there are none.
	Library Library

	// Origins are the page origins that may connect, exact: scheme, host and
	// port, as a browser writes them. Default: none.
	Origins []string

	// AgentLimits returns the limits that bind every party that is not a customer; Chat Server
	// limits customers only. Default: bridge.Unlimited.
	AgentLimits func() bridge.Limits

	// CountAgents says that Chat counts the files of parties that are not customers too: their
	// limits for all files of a session apply. Otherwise only those for each file do.
	CountAgents bool

	// WatchLimits calls changed, which does not block, whenever the limits of parties may have
	// changed otherwise than by what happens in their sessions, until stop is called. Default:
	// they never do.
	WatchLimits func(changed func()) (stop func())

	// MaxFileSize bounds one file of any party, in bytes: as much as the scanner scans. 0
	// or bridge.NoLimit is no limit. Default: none.
	MaxFileSize int64

	// MaxFrame bounds the payload of a frame, in bytes: as much as the staging takes in
	// one piece. Default: bridge.MaxFrame.
	MaxFrame int

	// Seats lets proxies that share an engine know of each other's sockets.
	// Default: this proxy is the only one.
	Seats Seats

	// Audit records refused offers, tickets and each ticket's first use here, before they
	// happen. Default: nothing is recorded.
	Audit Audit

	// TrustCustomerFiles lets parties download a file that a customer announced although our
	// own delivery did not store it, unless that customer joined through a proxy of ours: as
	// if the Chat Server vouched for all of them. Only where customers cannot name a document
	// id themselves (T15). Default: only a Chat Server that is a Voucher decides.
	TrustCustomerFiles bool

	// Registry is needed where a Chat Server vouches, and with TrustCustomerFiles: without it,
	// nobody vouches. Default: none.
	Registry Registry

	// Inspector scans documents that our own delivery did not scan. Default: they are handed
	// out unscanned, as without a scanner.
	Inspector Inspector

	// ShowDocumentIDs sends customers the keys file-source and file-document-id of notices.
	// Default: they are hidden. What the vendor's GMS sends its customers is not documented.
	ShowDocumentIDs bool

	// DisconnectTimeout is how long a party stays in the session after its last
	// socket is gone. Default: 45 s.
	DisconnectTimeout time.Duration

	// FlexDisconnectTimeout is how long a party of [Flex] stays after its last request: Chat
	// Server's flex-disconnect-timeout. Default: 45 s.
	FlexDisconnectTimeout time.Duration

	// HelloTimeout is how long a socket may take to authenticate. Default: 5 s.
	HelloTimeout time.Duration

	// MessageTimeout is how long a message may take from its first byte to its last, beyond
	// the time that its bytes take at bridge.SlowestRate, and ten times as long at most.
	// Default: 15 s.
	MessageTimeout time.Duration

	// MaxWaiting bounds the sockets that have not authenticated, and MaxWaitingAddress those
	// of one address. At MaxWaiting, a new socket replaces the one that has waited
	// longest; at MaxWaitingAddress, the address gets no more. Defaults: 1024 and 64.
	MaxWaiting        int
	MaxWaitingAddress int

	// MessageRate is how many messages of one party are read a second, over all its
	// sockets here, once it has sent MessageBurst. Only refused frames count. Defaults: 100
	// and 500.
	MessageRate  float64
	MessageBurst int

	// HistoryRate is how many bytes of its session's transcript a party is sent a second,
	// over all its sockets here, once it was sent HistoryBurst: a page asks for the events
	// that it has not seen yet, and can ask for all of them again and again. Live events do
	// not count. Defaults: 512 KiB and 2 MiB.
	HistoryRate  float64
	HistoryBurst int

	// MaxSockets bounds the chat sockets of one party here, and its data sockets.
	// Default: 8 of each.
	MaxSockets int

	// FrameMemory bounds the memory of incoming frames, of all data sockets together, in
	// bytes. Default: 16 MiB.
	FrameMemory int64

	// TextRate is how many bytes of messages a customer may send a second, over all its
	// sockets here, once it has sent TextBurst; a message counts with its text and 512
	// bytes, and beyond that it is refused with code busy. Every other party may send
	// eight times as much. Defaults: 16 KiB and 512 KiB.
	TextRate  int
	TextBurst int

	// MaxUnfinished and MaxUnfinishedBytes bound the uploads of a customer in a session
	// that are not announced, by number and by their offered sizes; one alone may be of any
	// size. A cancelled one counts for 20 s more, as long as it may be on the disk; a
	// customer whose total size is limited to less has twice that limit instead. MaxLost
	// bounds uploads of one day that were cancelled or failed. Every other party may
	// have eight times as many, with 64 times the bytes. Beyond that an offer is
	// refused with code
	// busy. Defaults: 32, 1 GiB and 500.
	MaxUnfinished      int
	MaxUnfinishedBytes int64
	MaxLost            int

	// TrustedProxies are the addresses and networks (CIDR) of reverse proxies. A connection
	// through one of them counts for the address that it names in X-Forwarded-For. Default:
	// none, so all connections through a reverse proxy count for one address.
	TrustedProxies []string

	// TicketTime is how long after its ticket was issued a download may begin, and
	// DownloadTime how long after that time one that was cut may resume. Defaults: 10 min
	// and 6 h.
	TicketTime, DownloadTime time.Duration

	// Credentials lets pages of the listed origins send cookies with a download
	// (Access-Control-Allow-Credentials), because a reverse proxy may require them; the
	// proxy reads none. Default: off.
	Credentials bool

	// MaxDownloads bounds the concurrent downloads of one session, because each holds a
	// piece of its file in memory. Default: 32.
	MaxDownloads int

	// PieceTimeout is how long a download may take for 32 KiB; the default, 60 s,
	// is 4 kbit/s.
	PieceTimeout time.Duration

	// Log receives a line for each connection and upload. Default: discarded.
	Log *slog.Logger
}

func (c *Config) complete() error {
	if c.Chat == nil || c.Documents == nil || c.Staging == nil || c.Records == nil || c.Auth == nil || c.Tickets == nil {
		return errors.New("a proxy needs Chat, Documents, Staging, Records, Auth and Tickets")
	}
	if c.AgentLimits == nil {
		c.AgentLimits = bridge.Unlimited
	}
	if c.WatchLimits == nil {
		c.WatchLimits = func(func()) func() { return func() {} }
	}
	c.MaxFrame = cmp.Or(c.MaxFrame, bridge.MaxFrame)
	c.DisconnectTimeout = cmp.Or(c.DisconnectTimeout, 45*time.Second)
	c.FlexDisconnectTimeout = cmp.Or(c.FlexDisconnectTimeout, 45*time.Second)
	c.HelloTimeout = cmp.Or(c.HelloTimeout, 5*time.Second)
	c.MessageTimeout = cmp.Or(c.MessageTimeout, 15*time.Second)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, 1024)
	c.MaxWaitingAddress = cmp.Or(c.MaxWaitingAddress, 64)
	c.MessageRate = cmp.Or(c.MessageRate, 100)
	c.MessageBurst = cmp.Or(c.MessageBurst, 500)
	c.HistoryRate = cmp.Or(c.HistoryRate, 512<<10)
	c.HistoryBurst = cmp.Or(c.HistoryBurst, 2<<20)
	c.MaxSockets = cmp.Or(c.MaxSockets, 8)
	c.FrameMemory = cmp.Or(c.FrameMemory, 16<<20)
	c.TextRate = cmp.Or(c.TextRate, 16<<10)
	c.TextBurst = cmp.Or(c.TextBurst, 512<<10)
	c.MaxUnfinished = cmp.Or(c.MaxUnfinished, 32)
	c.MaxUnfinishedBytes = cmp.Or(c.MaxUnfinishedBytes, 1<<30)
	c.MaxLost = cmp.Or(c.MaxLost, 500)
	c.TicketTime = cmp.Or(c.TicketTime, 10*time.Minute)
	c.DownloadTime = cmp.Or(c.DownloadTime, 6*time.Hour)
	c.MaxDownloads = cmp.Or(c.MaxDownloads, 32)
	c.PieceTimeout = cmp.Or(c.PieceTimeout, time.Minute)
	if c.Library == nil {
		c.Library = noLibrary{}
	}
	if c.Audit == nil {
		c.Audit = noAudit{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}
