package bridge

import "strconv"

// UserType is a party's role, by Chat Server's names (PSDK enum UserType).
type UserType string

// A bot is an Agent or Supervisor whose party style says so.
const (
	Client     UserType = "CLIENT"
	Agent      UserType = "AGENT"
	Supervisor UserType = "SUPERVISOR"
	External   UserType = "EXTERNAL"
	System     UserType = "SYSTEM"
)

var userTypes = []string{string(Client), string(Agent), string(Supervisor), string(External), string(System)}

// person names a party of type t in a message for people.
func (t UserType) person() string {
	if t == Client {
		return "a customer"
	}
	return "a party of type " + string(t)
}

// Trusted reports whether a file that such a party announces may be downloaded even
// if the proxy has not delivered it. A customer's may not: a notice can name any
// document id, and Chat Server does not check it.
func (t UserType) Trusted() bool { return t == Agent || t == Supervisor || t == System }

// Visibility is the audience of an event (PSDK enum Visibility).
type Visibility string

const (
	All      Visibility = "ALL" // all parties: conference
	Internal Visibility = "INT" // not the customer: coaching
	Vip      Visibility = "VIP" // supervisors only: monitoring
)

var visibilities = []string{string(All), string(Internal), string(Vip)}

// MaySend reports whether a party of type t may send with visibility v: a
// CLIENT only ALL, an AGENT also INT, every other type also VIP. That includes
// EXTERNAL, by the vendor's own list (ESChat Administrator's Guide, user types and
// visibility); the signer of the tokens decides which parties get that type.
func (t UserType) MaySend(v Visibility) bool {
	switch v {
	case All:
		return true
	case Internal:
		return t != Client
	}
	return v == Vip && t != Client && t != Agent
}

// MaySee reports whether a party of type t sees events of visibility v: those that
// it may send.
func (t UserType) MaySee(v Visibility) bool { return t.MaySend(v) }

// MayRemove reports whether a party of type t may take one of that type out of the session:
// if it has every visibility that the other has. So an AGENT removes CLIENTs and AGENTs,
// the types above it every other, and a CLIENT nobody. Chat Server's own rule is not
// published.
func (t UserType) MayRemove(other UserType) bool {
	if t == Client {
		return false
	}
	for _, v := range visibilities {
		if other.MaySend(Visibility(v)) && !t.MaySend(Visibility(v)) {
			return false
		}
	}
	return true
}

// Party is a member of a chat session.
type Party struct {
	UserID        string
	Nickname      string
	UserType      UserType
	Visibility    Visibility // that it joined with; empty is ALL
	ClientVersion int64      // 0 is VersionDefault

	Style PartyStyle
	UserInfo
}

// UserInfo is what Chat Server's userInfo says of a party beyond that; only the party's
// new-party event has it.
type UserInfo struct {
	PersonID       string       // of an employee
	TimeZoneOffset int64        // minutes east of UTC
	Protocol       ProtocolType // empty is Basic
}

func (i *UserInfo) fields(f fields) {
	f.optional("personId", &i.PersonID, maxID)
	f.signed("timeZone", &i.TimeZoneOffset)
	f.choiceOr("protocol", (*string)(&i.Protocol), protocolTypes)
}

// ProtocolType is how a party is connected to Chat Server (PSDK enum ProtocolType).
type ProtocolType string

const (
	Basic        ProtocolType = "BASIC" // by a connection
	Flex         ProtocolType = "FLEX"  // by requests, through GMS
	Esp          ProtocolType = "ESP"   // a server, such as one that runs a strategy
	NoneProtocol ProtocolType = "NONE"  // Chat Server itself
)

var protocolTypes = []string{string(Basic), string(Flex), string(Esp), string(NoneProtocol)}

// PartyStyle tells a bot from a person: GCTI_Chat_PartyStyle in the userData of a join,
// GCTI_SYSTEM.party-info.style in eventAttributes.
type PartyStyle string

const StyleBot PartyStyle = "BOT"

var partyStyles = []string{string(StyleBot)}

// ServerID is the user id of Chat Server's own events, such as the alerts of idle control. No
// party has it.
const ServerID = "chat-server"

// Check fills in defaults and refuses impossible parties: codes message-invalid,
// forbidden and version-unsupported.
func (p *Party) Check() error {
	if p.ClientVersion == 0 {
		p.ClientVersion = VersionDefault
	}
	if p.Visibility == "" {
		p.Visibility = All
	}
	switch {
	case p.UserID == "" || len(p.UserID) > maxID || !printable(p.UserID) || p.UserID == "." || p.UserID == "..":
		return NewError(CodeMessage, "the user id is empty, \".\", \"..\", longer than "+strconv.Itoa(maxID)+" bytes, or holds control characters")
	case len(p.Nickname) > maxNickname || !undirected(p.Nickname):
		return NewError(CodeMessage, "the nickname is longer than "+strconv.Itoa(maxNickname)+" bytes or holds control characters")
	case !oneOf(string(p.UserType), userTypes):
		return NewError(CodeMessage, "the user type is not CLIENT, AGENT, SUPERVISOR, EXTERNAL or SYSTEM")
	case !p.UserType.MaySend(p.Visibility):
		return NewError(CodeForbidden, "a party of this type may not join with that visibility")
	case p.ClientVersion < VersionDefault:
		return NewError(CodeVersion, "the ClientVersion is older than "+strconv.Itoa(VersionDefault))
	}
	return p.UserInfo.check()
}

func (i *UserInfo) check() error {
	switch {
	case len(i.PersonID) > maxID || !printable(i.PersonID):
		return NewError(CodeMessage, "the person id is longer than "+strconv.Itoa(maxID)+" bytes or holds control characters")
	case i.TimeZoneOffset < -maxTimeZone || i.TimeZoneOffset > maxTimeZone:
		return NewError(CodeMessage, "the time zone is not within 24 hours of UTC, in minutes")
	case i.Protocol != "" && !oneOf(string(i.Protocol), protocolTypes):
		return NewError(CodeMessage, "the protocol type is not BASIC, FLEX, ESP or NONE")
	}
	return nil
}

const (
	maxID       = 64
	maxNickname = 256
	maxTimeZone = 24 * 60 // minutes
)

// ValidSession reports whether id can name a chat session: 1 to 64 letters,
// digits, hyphens and underscores. Session ids become subjects of the engine.
func ValidSession(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := 0; i < len(id); i++ {
		switch c := id[i]; {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

func oneOf[T comparable](s T, list []T) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

func (p *Party) fields(f fields) {
	f.text("userId", &p.UserID, maxID)
	f.optional("nickname", &p.Nickname, maxNickname)
	f.choice("userType", (*string)(&p.UserType), userTypes)
	f.choiceOr("style", (*string)(&p.Style), partyStyles)
}
