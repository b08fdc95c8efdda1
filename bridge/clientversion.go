package bridge

// The versions of the chat protocol (the attribute ClientVersion), each with what it is the
// first to know. Chat Server sends a client nothing that its version does not know
// (Chat Server API, selected notes and topics).
const (
	VersionDefault        = 101 // of a client that names none
	versionUpdateNick     = 102 // USER_UPDATE_NICK
	VersionIdleControl    = 103 // IDLE_CONTROL_SET, _ALERT and _CLOSE; idleTimeExpire; SYSTEM; NONE
	VersionSystemCommands = 104 // SYS_COMMAND, and so files; userData of a notice in flex
	VersionMonitored      = 105 // monitored
	VersionAttributes     = 106 // eventAttributes
	VersionCurrent        = VersionAttributes
)

// knows reports whether a client of that version knows notices of that type.
func knows(version int64, notice string) bool {
	switch notice {
	case UpdateNick:
		return version >= versionUpdateNick
	case IdleControlSet, IdleControlAlert, IdleControlClose:
		return version >= VersionIdleControl
	case SystemCommand:
		return version >= VersionSystemCommands
	}
	return true
}

// Sees reports whether the party may see e: by its visibility, its receiver, and what the
// party's ClientVersion knows.
func (p Party) Sees(e Event) bool {
	own := e.From.UserID == p.UserID
	switch {
	case !own && !p.UserType.MaySee(e.Visibility):
		return false
	case !own && e.Receiver != "" && e.Receiver != p.UserID:
		return false
	case e.From.UserType == System && p.ClientVersion < VersionIdleControl && !own:
		return false
	}
	return knows(p.ClientVersion, e.NoticeType)
}

// View returns e as the party may see it, and whether it may see it at all. It is the only
// place where an event is cut for a party. Members that the party may not have are absent:
//
//   - eventAttributes below ClientVersion 106
//   - the protocol type NONE below 103
//   - for a customer and for every flex party, what the flex protocol has no field for: user
//     info, how a message is to be treated, and the userData of all events but notices; and
//     that of notices too, below 104
//
// A party's style is in every event, because userData says it, too, which every version has.
func (p Party) View(e Event) (Event, bool) {
	if !p.Sees(e) {
		return Event{}, false
	}
	if p.ClientVersion < VersionAttributes {
		e.Attributes = nil
	}
	if p.flat() {
		e.Info, e.TreatAs = nil, ""
		if e.Type != Notice || p.ClientVersion < VersionSystemCommands {
			e.Data = nil
		}
	}
	if e.Info != nil && e.Info.Protocol == NoneProtocol && p.ClientVersion < VersionIdleControl {
		info := *e.Info
		info.Protocol = ""
		e.Info = &info
	}
	return e, true
}

// flat reports whether the party gets only what the flex protocol carries. A customer does,
// whichever way it is connected: the vendor's Chat Server starts no other one.
func (p Party) flat() bool { return p.UserType == Client || p.Protocol == Flex }
