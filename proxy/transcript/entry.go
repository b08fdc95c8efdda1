package transcript

import "attache/bridge"

// Reenter is the type of an entry that says that parties were in the session again after it was
// restored. Ours is never restored, so [bridge] has no event of that type.
const Reenter bridge.EventType = "reenter"

// Entry is one entry of a transcript.
type Entry struct {
	bridge.Event
	Agents, Clients UserStatus // of a reenter: what became of the parties of that type
}

// UserStatus is PSDK's enum of that name. The tokens are not published.
type UserStatus string

const (
	On   UserStatus = "ON"
	Off  UserStatus = "OFF"
	Keep UserStatus = "KEEP"
)

// Header is what a transcript says of its session.
type Header struct {
	Session string
	Started int64 // milliseconds since 1970, a whole second
}

// startLayout is that of startAt, in UTC.
const startLayout = "2006-01-02T15:04:05Z"

// The tokens of an item's type, beside those that [bridge.ItemType] has.
const (
	typeString = "string"
	typeUTF    = "utf"
)

// The type of a message whose sender named none.
const plainText = "text"

// Where event attributes say that a party is a bot.
const (
	keySystem    = "GCTI_SYSTEM"
	keyPartyInfo = "party-info"
	keyStyle     = "style"
)
