package chat

import (
	"strconv"
	"time"

	"attache/bridge"
	"attache/proxy/named"
)

// NamedOption is one of Chat Server's options that is set by its name.
type NamedOption = named.Option[Options]

// NamedOptions is the table of the options, in the order of the documentation. A name that is
// only clear with the vendor's section has it before a slash. Each fact about the vendor's Chat
// Server that is unknown has a row, so that an installation that knows better can say so.
var NamedOptions = named.Table[Options]{Of: "Chat Server", Rows: []NamedOption{
	named.Bool(func(o *Options) *bool { return &o.EnforcePassword }, NamedOption{
		Name:   "session-password-enforce",
		Help:   "the first party of a session sets its password, and every other needs it: GCTI_Chat_SessionPassword in the userData of the join, or the token's claim password. The vendor's Chat Server makes the password and attaches it to the interaction, which ours does not have",
		Source: "D: ChatSrvAPINoTo, 8.5.1; the difference is ours",
	}),
	named.Bool(func(o *Options) *bool { return &o.WrongKeyRemoves }, NamedOption{
		Name: "secure-key-wrong-removes", Ours: true,
		Help:   "remove a party, with reason 6, when another client gives a wrong secure key for it; any party that knows its user id can then remove it",
		Source: "U: the reason code exists (community), when it is used is unknown",
	}),
	named.Bool(func(o *Options) *bool { return &o.RotateKeys }, NamedOption{
		Name: "secure-key-rotates", Ours: true,
		Help:   "give a party of the flex protocol another secure key with each request; earlier ones are accepted for five minutes more",
		Source: "D: a client takes the latest key, which at present is stable (Platform SDK reference); U: whether any release changes it",
	}),
	named.Bool(func(o *Options) *bool { return &o.AttachTakesOver }, NamedOption{
		Name: "attach-takes-over", Ours: true,
		Help:   "end the earlier connections of a party when a client attaches as it by its secure key",
		Source: "U: whether the vendor's Chat Server keeps both connections is unknown",
	}),
	named.Choice(func(o *Options) *SystemBelow { return &o.SystemBelow103 }, NamedOption{
		Name: "system-below-103", Ours: true,
		Help:   "what a client of a ClientVersion below 103, which does not know the user type SYSTEM, gets of a SYSTEM party: nothing, or its events with another user type",
		Source: "D: the type is new in 103; U: what lower versions get",
	}, SystemHidden, SystemAsExternal, SystemAsAgent),
	named.Bool(func(o *Options) *bool { return &o.VipIsAgent }, NamedOption{
		Name: "vip-is-agent", Ours: true,
		Help:   "count a party that joined with visibility VIP as an agent, for upload-need-agent, close-if-no-agents and what a page is told of agents; a customer then notices silent monitoring",
		Source: "U: the vendor's rule is not published",
	}),
	named.Choice(func(o *Options) *MonitoredFor { return &o.MonitoredFor }, NamedOption{
		Name: "monitored-for", Ours: true,
		Help:   "which parties, at ClientVersion 105 or more, learn that a party with visibility VIP is in: staff, which is every type but CLIENT; those who see it anyway; or all",
		Source: "D: the attribute is new in 105; U: for which parties it is set",
	}, MonitoredForStaff, MonitoredForVip, MonitoredForAll),
	named.Number(func(o *Options) *int64 { return &o.MaxPacket }, 200, 2147482624, NamedOption{
		Name: "xml-request-max-size", Default: strconv.Itoa(bridge.MaxPacket),
		Help:   "the most bytes of the XML of one request: a message or notice that would have more is refused. A file's notice is not, because the file was accepted before. Pages also keep to the default",
		Source: "D: the limit, its default and its range; I: its name",
	}),
	named.Bool(func(o *Options) *bool { return &o.DeletedCounts }, NamedOption{
		Name: "delete-file-odd-counts", Ours: true,
		Help:   "go on counting a customer's file after it was deleted where delete-file is odd; by default its slot and its bytes are given back",
		Source: "O: the token odd, in a captured reply; U: what it means",
	}),
	named.Bool(func(o *Options) *bool { return &o.DeleteOthers }, NamedOption{
		Name: "delete-file-of-others", Ours: true,
		Help:   "let every party that sees a file delete it, and not only its sender",
		Source: "U: which parties the vendor's Chat Server lets delete a file is unknown",
	}),
	named.Text(func(o *Options) *string { return &o.DeletedText }, 64, NamedOption{
		Name: "file-deleted-text", Ours: true, Default: bridge.FileDeleted,
		Help:   "text of the system command that reports a deleted file to the parties",
		Source: "O: its message type in GMS, FileDeleted; U: its text",
	}),
	reasonText(1, "left with request to close if no agents", "a party left, and asked to end the session if no agents remain"),
	reasonText(5, "removed by system", "the server removed it, for example because its workflow ended"),
	reasonText(6, "removed due to wrong secure key", "it, or another client in its name, gave a wrong secure key"),
	reasonText(7, "removed due to inactivity of session", "the session was idle for too long"),
	reasonText(8, "removed while restoring session", "it was gone when the session was restored"),
	named.Bool(func(o *Options) *bool { return &o.Idle.Enabled }, NamedOption{
		Name:   "inactivity-control/enabled",
		Help:   "alert a session in which nothing happens, and then close it",
		Source: "D: ChatServer options, section inactivity-control",
	}),
	named.Seconds(func(o *Options) *time.Duration { return &o.Idle.Alert }, 1, maxIdleSeconds, NamedOption{
		Name: "inactivity-control/timeout-alert", Default: "255",
		Help:   "time from the last activity to the first alert; to join, to leave and to send a message are activity",
		Source: "D: ChatServer options, section inactivity-control",
	}),
	named.Seconds(func(o *Options) *time.Duration { return &o.Idle.Alert2 }, 0, maxIdleSeconds, NamedOption{
		Name: "inactivity-control/timeout-alert2", Default: "0",
		Help:   "time from the first alert to the second; 0: there is no second",
		Source: "D: ChatServer options, section inactivity-control",
	}),
	named.Seconds(func(o *Options) *time.Duration { return &o.Idle.Close }, 1, maxIdleSeconds, NamedOption{
		Name: "inactivity-control/timeout-close", Default: "45",
		Help:   "time from the last alert to the close",
		Source: "D: ChatServer options, section inactivity-control",
	}),
	idleMessage(func(o *Options) *string { return &o.Idle.MessageAlert }, "message-alert", "This chat closes soon, because nobody has written for a while."),
	idleMessage(func(o *Options) *string { return &o.Idle.MessageAlert2 }, "message-alert2", "This chat closes very soon, because nobody has written for a while."),
	idleMessage(func(o *Options) *string { return &o.Idle.MessageClose }, "message-close", "This chat is closed, because nobody has written for a while."),
	named.Choice(func(o *Options) *IncludedNotices { return &o.Idle.Notices }, NamedOption{
		Name:   "inactivity-control/include-notices",
		Help:   "which notices are activity: major is pushed URLs, files and deleted files; major2 adds custom notices, typing adds that a party begins to type; all or none",
		Source: "D: ChatServer options, section inactivity-control",
	}, MajorNotices, Major2Notices, TypingNotices, AllNotices, WithoutNotices),
	named.Bool(func(o *Options) *bool { return &o.Idle.IgnoreUploads }, NamedOption{
		Name: "inactivity-control/ignore-uploads", Ours: true,
		Help:   "bytes of an upload that arrive are not activity; the notice of a file is, as include-notices says",
		Source: "U: the vendor's Chat Server has no bytes, so a long upload may end in a closed session",
	}),
}}

// SetNamed sets the option that a setting NAME=VALUE names.
func (o *Options) SetNamed(setting string) error { return NamedOptions.Set(o, setting) }

func idleMessage(field func(*Options) *string, name, standard string) NamedOption {
	return named.Text(field, 1024, NamedOption{
		Name: "inactivity-control/" + name, Default: standard,
		Help:   "text of the notice; " + NoMessage + ": no notice is sent, where the vendor's option is empty",
		Source: "D: ChatServer options, section inactivity-control; the text is ours",
	})
}

func reasonText(code int64, standard, when string) NamedOption {
	digits := strconv.FormatInt(code, 10)
	return named.Text(func(o *Options) *string { return &o.ReasonTexts[code] }, 256, NamedOption{
		Name: "reason-text-" + digits, Ours: true, Default: standard,
		Help:   "text of reason code " + digits + " in a transcript: " + when,
		Source: "D: the code; U: its text",
	})
}
