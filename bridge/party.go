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

// The versions of the chat protocol (the attribute ClientVersion).
const (
	versionUpdateNick     = 102 // the lowest that gets USER_UPDATE_NICK notices
	VersionSystemCommands = 104 // the lowest that gets SYS_COMMAND notices, and so files
	VersionCurrent        = 106
	versionOldest         = 101
)

// Party is a member of a chat session.
type Party struct {
	UserID        string
	Nickname      string
	UserType      UserType
	Visibility    Visibility // that it joined with; empty is ALL
	ClientVersion int64      // 0 is VersionCurrent
}

// Check fills in defaults and refuses impossible parties: codes message-invalid,
// forbidden and version-unsupported.
func (p *Party) Check() error {
	if p.ClientVersion == 0 {
		p.ClientVersion = VersionCurrent
	}
	if p.Visibility == "" {
		p.Visibility = All
	}
	switch {
	case p.UserID == "" || len(p.UserID) > maxID || !printable(p.UserID) || p.UserID == "." || p.UserID == "..":
		return NewError(CodeMessage, "the user id is empty, \".\", \"..\", longer than "+strconv.Itoa(maxID)+" bytes, or holds control characters")
	case len(p.Nickname) > maxNickname || !printable(p.Nickname):
		return NewError(CodeMessage, "the nickname is longer than "+strconv.Itoa(maxNickname)+" bytes or holds control characters")
	case !oneOf(string(p.UserType), userTypes):
		return NewError(CodeMessage, "the user type is not CLIENT, AGENT, SUPERVISOR, EXTERNAL or SYSTEM")
	case !p.UserType.MaySend(p.Visibility):
		return NewError(CodeForbidden, "a party of this type may not join with that visibility")
	case p.ClientVersion < versionOldest:
		return NewError(CodeVersion, "the ClientVersion is older than "+strconv.Itoa(versionOldest))
	}
	return nil
}

// Sees reports whether the party may see e: by its visibility and by the
// party's ClientVersion.
func (p Party) Sees(e Event) bool {
	if !p.UserType.MaySee(e.Visibility) && e.From.UserID != p.UserID {
		return false
	}
	switch e.NoticeType {
	case SystemCommand:
		return p.ClientVersion >= VersionSystemCommands
	case UpdateNick:
		return p.ClientVersion >= versionUpdateNick
	}
	return true
}

const (
	maxID       = 64
	maxNickname = 256
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

func oneOf(s string, list []string) bool {
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
}
