package proxy

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"attache/bridge"
)

// Config is what a proxy is made of. Fields without a default are required.
type Config struct {
	Chat      ChatServer
	Documents Documents
	Staging   Staging
	Records   Records
	Auth      Authenticator
	Tickets   Tickets

	// Origins are the page origins that may connect, exact: scheme, host and
	// port, as a browser writes them. Default: none.
	Origins []string

	// AgentLimits bind every party that is not a customer; Chat Server limits
	// customers only. Default: bridge.Unlimited().
	AgentLimits *bridge.Limits

	// MaxFileSize bounds one file, in bytes, whoever sends it: what the scanner
	// looks at. 0 or bridge.NoLimit is no limit. Default: none.
	MaxFileSize int64

	// MaxFrame is the payload a frame may have, in bytes: what the staging
	// takes in one piece. Default: bridge.MaxFrame.
	MaxFrame int

	// Seats tells proxies that share an engine of each other's sockets.
	// Default: this proxy is the only one.
	Seats Seats

	// Audit is told of refused offers, of tickets and of each one's first use here,
	// before they happen. Default: nobody is.
	Audit Audit

	// DisconnectTimeout is how long a party stays in the session after its last
	// socket is gone. Default: 45 s, as Chat Server's flex-disconnect-timeout.
	DisconnectTimeout time.Duration

	// HelloTimeout is how long a socket may take to say who it is. Default: 5 s.
	HelloTimeout time.Duration

	// MessageTimeout is how long a message may take from its first byte to its
	// last, beyond the time that bridge.SlowestRate needs for what came of it, and
	// ten times as long at most. Default: 15 s.
	MessageTimeout time.Duration

	// MaxWaiting bounds the sockets that have not said who they are, in all and
	// by address. Where there are as many in all, the one that has waited longest goes;
	// from an address that has as many, no more come in. Defaults: 1024 and 64.
	MaxWaiting        int
	MaxWaitingAddress int

	// MessageRate is how many messages of one party are read a second, over all its
	// sockets here, once it has sent MessageBurst. Frames count only where they are
	// refused. Defaults: 100 and 500.
	MessageRate  float64
	MessageBurst int

	// HistoryRate is how many bytes of its session's transcript a party is sent a
	// second, over all its sockets here, once it was sent HistoryBurst: a page asks for
	// what it has not seen yet, and can ask for all of it again and again. What happens
	// while it is there does not count. Defaults: 512 KiB and 2 MiB.
	HistoryRate  float64
	HistoryBurst int

	// MaxSockets bounds the chat sockets of one party here, and its data sockets.
	// Default: 8 of each.
	MaxSockets int

	// FrameMemory bounds what frames hold that are on their way in, in bytes, of all
	// data sockets together. Default: 16 MiB.
	FrameMemory int64

	// TextRate is how many bytes a second a customer may say, over all its sockets
	// here, once it has said TextBurst; a message counts with its text and 512
	// bytes, and what is more is refused with code busy. Everybody else has eight
	// times as much. Defaults: 16 KiB and 512 KiB.
	TextRate  int
	TextBurst int

	// MaxUnfinished and MaxUnfinishedBytes bound the uploads that a customer may have
	// in a session that are not announced, by number and by the bytes they were offered
	// with; one alone may be of any size. What was taken back counts for 20 s more, as
	// long as it may lie on the disk, and a customer whose files of a session may have
	// less together has twice that for both. MaxLost bounds those of a day that were
	// cancelled or failed. Everybody else may have eight times as many, with 64 times
	// the bytes. What is more is refused with code busy. Defaults: 32, 1 GiB and 500.
	MaxUnfinished      int
	MaxUnfinishedBytes int64
	MaxLost            int

	// TrustedProxies are the addresses and networks (CIDR) of reverse proxys. Of a socket
	// that comes through one, the address is the one that it names in
	// X-Forwarded-For. Default: none is believed, and one counts as one address.
	TrustedProxies []string

	// TicketTime is how long a download may begin after its ticket was given, and
	// DownloadTime how long one that was cut may go on. Defaults: 10 min and 6 h.
	TicketTime, DownloadTime time.Duration

	// Credentials lets pages of the listed origins send cookies and the like along
	// with a download (Access-Control-Allow-Credentials): a reverse proxy may ask for
	// them, the proxy never looks at any. Default: off.
	Credentials bool

	// MaxDownloads bounds the downloads of one session at a time, each of which holds
	// a piece of its file. Default: 32.
	MaxDownloads int

	// PieceTimeout is how long a download may take for 32 KiB; the default, 60 s,
	// is 4 kbit/s.
	PieceTimeout time.Duration

	// Log gets one line per connection and upload. Default: discarded.
	Log *slog.Logger
}

func (c *Config) complete() error {
	if c.Chat == nil || c.Documents == nil || c.Staging == nil || c.Records == nil || c.Auth == nil || c.Tickets == nil {
		return errors.New("a proxy needs Chat, Documents, Staging, Records, Auth and Tickets")
	}
	if c.AgentLimits == nil {
		unlimited := bridge.Unlimited()
		c.AgentLimits = &unlimited
	}
	c.MaxFrame = cmp.Or(c.MaxFrame, bridge.MaxFrame)
	c.DisconnectTimeout = cmp.Or(c.DisconnectTimeout, 45*time.Second)
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
	if c.Audit == nil {
		c.Audit = noAudit{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}
