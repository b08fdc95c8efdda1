package gms

import (
	"time"

	"attache/proxy/named"
)

// NamedOptions is the table of what the vendor has not published of GMS' Chat API, so that an
// installation that knows better can say so. All names are ours.
var NamedOptions = named.Table[Options]{Of: "GMS' Chat API", Rows: []named.Option[Options]{
	named.Text(func(o *Options) *string { return &o.Alias }, 64, named.Option[Options]{
		Name: "alias", Ours: true, Default: "1",
		Help:   "the alias in every reply. Requests with another one, an old one or none are answered alike, because every proxy knows every session",
		Source: "D: the name of the Chat Server instance, which may change during a session; U: its form",
	}),
	named.Choice(func(o *Options) *Zero { return &o.RestZero }, named.Option[Options]{
		Name: "rest-position-zero", Ours: true,
		Help:   "what transcriptPosition 0, or none, asks for over REST: nothing, or the whole transcript",
		Source: "O: 0 is none and 1 is everything, in one client; U: for every operation",
	}, ZeroNone, ZeroAll),
	named.Choice(func(o *Options) *Zero { return &o.CometZero }, named.Option[Options]{
		Name: "cometd-position-zero", Ours: true,
		Help:   "the same over CometD, of requestNotifications",
		Source: "O: 0 or absent is everything, in three clients",
	}, ZeroAll, ZeroNone),
	named.Choice(func(o *Options) *PositionIs { return &o.PositionIs }, named.Option[Options]{
		Name: "position-is", Ours: true,
		Help:   "what a transcriptPosition above 0 is, and so nextPosition: the index of the next message, or that of the last one",
		Source: "D: nextPosition is the index for the next request; I: that this message is included",
	}, PositionNext, PositionLast),
	named.Choice(func(o *Options) *WithoutEvents { return &o.WithoutEvents }, named.Option[Options]{
		Name: "next-position-without-transcript", Ours: true,
		Help:   "nextPosition of a reply in which no transcript was asked for: the one after the log's last event, or none, for a client that takes it from every reply and would miss what it has not read",
		Source: "U: unknown",
	}, NextAfterLast, NextOmitted),
	named.Choice(func(o *Options) *Allowed { return &o.RequestChatPath }, named.Option[Options]{
		Name: "request-chat-path", Ours: true,
		Help:   "whether a chat may also be requested at /genesys/2/chat/{service}/request-chat",
		Source: "D: the path ends with the service; U: whether any release has this one",
	}, Accept, Refuse),
	named.Bool(func(o *Options) *bool { return &o.KeyInQuery }, named.Option[Options]{
		Name: "secure-key-in-query", Ours: true,
		Help:   "take the secure key from the query as well, where reverse proxies log it",
		Source: "D: parameters are in the body; U: whether GMS reads the query",
	}),
	named.Choice(func(o *Options) *IdleTimer { return &o.IdleTimer }, named.Option[Options]{
		Name: "idle-timer-expire", Ours: true,
		Help:   "what idleTimerExpire is, of a session that is closed when it is idle: seconds that are left, seconds or milliseconds since 1970, or absent",
		Source: "O: the member, in one client; D: Chat Server's idleTimeExpire is an int of 32 bits; U: its unit",
	}, IdleSecondsLeft, IdleSeconds, IdleMillis, IdleHidden),
	named.Choice(func(o *Options) *Attached { return &o.NamesInData }, named.Option[Options]{
		Name: "names-in-user-data", Ours: true,
		Help:   "put firstName and lastName of a requested chat into its user data, as FirstName and LastName",
		Source: "I: agents' desktops show these keys; U: whether GMS writes them",
	}, Attach, NotAttach),
	named.Choice(func(o *Options) *SystemIs { return &o.SystemIs }, named.Option[Options]{
		Name: "system-is", Ours: true,
		Help:   "from.type of a party of type SYSTEM",
		Source: "O: Client, Agent, Supervisor and External, in clients; I: System",
	}, "System", "External", "Agent"),
	named.Bool(func(o *Options) *bool { return &o.AlwaysOK }, named.Option[Options]{
		Name: "http-status-200", Ours: true,
		Help:   "answer with HTTP status 200 whatever is wrong, except to pages of unlisted origins, for a client that reads the reply only then",
		Source: "D: refusals have 200, and other HTTP codes exist; U: which",
	}),
	named.Number(func(o *Options) *int { return &o.ChatsPerMinute }, 1, 1_000_000, named.Option[Options]{
		Name: "chats-per-minute", Ours: true, Default: "60",
		Help:   "chats that one address may request in a minute, all at once if need be",
		Source: "U: the vendor's GMS limits them at its gateway, if at all",
	}),
	code(func(o *Options) *int { return &o.CodeFileTooLarge }, "code-file-too-large", "202",
		"a single file is too large", "O: the widget checks it itself and has no number for it; U: the server's"),
	code(func(o *Options) *int { return &o.CodeDownloads }, "code-downloads-used-up", "249",
		"no download attempt is left", "U: unknown"),
	code(func(o *Options) *int { return &o.CodeNeedAgent }, "code-agent-needed", "249",
		"a file is sent before an agent has joined, where upload-need-agent is set", "U: unknown"),
	code(func(o *Options) *int { return &o.CodeFileUnknown }, "code-file-unknown", "404",
		"there is no such file in the chat", "U: unknown"),
	named.Seconds(func(o *Options) *time.Duration { return &o.UploadWait }, 1, 600, named.Option[Options]{
		Name: "upload-wait", Ours: true, Default: "25",
		Help:   "seconds that the reply to an upload waits until the file is announced, because it has the file's id; after that it has status 1, and a client that sends the file again waits for the first. Gateways time out after 30 seconds",
		Source: "O: the reply has the file-id; U: how long GMS takes",
	}),
	named.Bool(func(o *Options) *bool { return &o.LimitsAtTop }, named.Option[Options]{
		Name: "limits-at-top-level", Ours: true,
		Help:   "put the limits of files into the reply's own userData as well as into that of its first message",
		Source: "O: the first message has them in a capture, and nearly all clients read them there; one reads the top level",
	}),
	named.Bool(func(o *Options) *bool { return &o.DownloadsByGet }, named.Option[Options]{
		Name: "download-by-get", Ours: true,
		Help:   "serve downloads to GET requests as well, with the party's identity in the query",
		Source: "D: every request is a POST",
	}),
	named.Bool(func(o *Options) *bool { return &o.DownloadsOK }, named.Option[Options]{
		Name: "failed-download-200", Ours: true,
		Help:   "answer a download that fails with HTTP status 200, as every other refusal. A widget that looks at the status only saves the reply as the file",
		Source: "U: unknown",
	}),
}}

func code(field func(*Options) *int, name, standard, when, source string) named.Option[Options] {
	return named.Number(field, 1, 9999, named.Option[Options]{
		Name: name, Ours: true, Default: standard, Help: "code of the error when " + when, Source: source,
	})
}
