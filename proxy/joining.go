package proxy

import (
	"strconv"

	"attache/bridge"
)

// Joining is what a party joins a session with.
type Joining struct {
	bridge.Party

	// SecureKey is the key that the party got when it was registered, here or by another
	// program such as the agent's desktop: the party attaches as the one that is in. A wrong
	// key is refused. Empty: the caller vouches for the party.
	SecureKey string
	Password  string // of the session, if it has one

	// A new session is routed by them.
	QueueKey string
	Subject  string
	UserData bridge.Data

	Text       string // that the new-party event has
	Attributes bridge.Data

	// ByProxy says that a proxy joins the party, and takes it out again when it is gone. A party
	// that joins without it is another program's.
	ByProxy bool
	// Beside says that the connection belongs to one that has attached by the key already: it ends
	// no other connection of the party.
	Beside bool
}

// Keys of the userData of a join, by the vendor's names.
const (
	keyPartyStyle = "GCTI_Chat_PartyStyle"
	keyPassword   = "GCTI_Chat_SessionPassword"

	// Under it, the vendor's Chat Server attaches a session's password to its interaction.
	keyInteractionPassword = "ChatServerSessionPassword"
)

// Bounds of what a party joins with, in bytes, beside those of [bridge.Data.Check].
const (
	maxSecret   = 256
	maxRouting  = 256
	maxJoinText = bridge.MaxText / 2 // so that it fits one packet together with its collections
)

// Prepared returns j as a Chat Server takes it: checked, with defaults, and without
// characters that XML cannot carry. A password in the userData is in Password and nowhere
// else, because userData is stored and shown. A party is a bot if its userData or its
// attributes say so, and it is of a type that can be one; then the attributes say it.
// Codes: those of [bridge.Party.Check] and [bridge.Data.Check], and message-invalid.
func (j Joining) Prepared() (Joining, error) {
	if err := j.Party.Check(); err != nil {
		return j, err
	}
	if j.UserID == bridge.ServerID {
		return j, bridge.NewError(bridge.CodeMessage, "the user id "+bridge.ServerID+" is Chat Server's own")
	}
	j.Text, j.Subject, j.QueueKey = bridge.XMLText(j.Text), bridge.XMLText(j.Subject), bridge.XMLText(j.QueueKey)
	j.UserData, j.Attributes = j.UserData.XMLText(), j.Attributes.XMLText()
	if given, ok := j.UserData.Lookup(keyPassword); ok && j.Password == "" {
		j.Password = given
	}
	j.UserData = WithoutPasswords(j.UserData)
	j.Attributes = WithoutPasswords(j.Attributes)
	for what, s := range map[string]string{"secure key": j.SecureKey, "password": j.Password} {
		if len(s) > maxSecret {
			return j, joinError("the "+what, maxSecret)
		}
	}
	switch {
	case len(j.Text) > maxJoinText:
		return j, joinError("the text", maxJoinText)
	case len(j.Subject) > maxRouting:
		return j, joinError("the subject", maxRouting)
	case len(j.QueueKey) > maxRouting:
		return j, joinError("the queue key", maxRouting)
	}
	if err := j.UserData.Check(); err != nil {
		return j, err
	}
	j.style()
	return j, j.Attributes.Check()
}

func joinError(what string, max int) error {
	return bridge.NewError(bridge.CodeMessage, what+" of the join is longer than "+strconv.Itoa(max)+" bytes")
}

// style sets the party's style.
func (j *Joining) style() {
	bot := j.Style == bridge.StyleBot || j.UserData.Get(keyPartyStyle) == string(bridge.StyleBot) ||
		j.Attributes.Style() == bridge.StyleBot
	if j.Style = ""; bot && (j.UserType == bridge.Agent || j.UserType == bridge.Supervisor) {
		j.Style = bridge.StyleBot
		j.Attributes = j.Attributes.WithStyle(bridge.StyleBot)
	}
}

// WithoutPasswords returns d without a session's password, at any depth. A Chat Server
// applies it to everything that it stores.
func WithoutPasswords(d bridge.Data) bridge.Data {
	var out bridge.Data
	for _, item := range d {
		if item.Key == keyPassword || item.Key == keyInteractionPassword {
			continue
		}
		item.List = WithoutPasswords(item.List)
		out = append(out, item)
	}
	return out
}
