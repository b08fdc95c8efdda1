package transcript

import (
	"fmt"
	"slices"

	"attache/bridge"
	"attache/proxy"
)

// Audience says how much of a session is in its transcript. A viewer of the XML cannot tell what
// was left out: ids have gaps anyway.
type Audience string

const (
	// Everything is every event, also what supervisors and the two ends of a direct message
	// alone have seen.
	Everything Audience = "all"
	// Staff is what an agent may see: ALL and INT.
	Staff Audience = "internal"
	// Customer is what a party of type CLIENT may see, without the keys that name the store and
	// the document of a file.
	Customer Audience = "customer"
)

// Audiences is the closed list, the widest first.
var Audiences = []Audience{Everything, Staff, Customer}

// ParseAudience returns the audience of that name.
func ParseAudience(s string) (Audience, error) {
	for _, a := range Audiences {
		if s == string(a) {
			return a, nil
		}
	}
	err := bridge.NewError(bridge.CodeMessage, fmt.Sprintf("the visibility must be one of %s, %s, %s", Everything, Staff, Customer))
	err.Hint = fmt.Sprintf("write visibility=%s, %s or %s", Everything, Staff, Customer)
	return "", err
}

// viewers are parties that see what an audience sees. Their user id can be nobody's, because it
// is a control character: a direct message to nobody is seen by nobody.
var viewers = map[Audience]bridge.Party{
	Staff:    {UserID: "\x00", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent},
	Customer: {UserID: "\x00", UserType: bridge.Client, ClientVersion: bridge.VersionCurrent},
}

// View returns e as the audience may see it, and whether it may see it at all.
func (a Audience) View(e bridge.Event) (bridge.Event, bool) {
	if e.Transient() {
		return e, false
	}
	if a == Everything {
		return e, true
	}
	viewer, ok := viewers[a]
	if !ok {
		return e, false
	}
	seen, ok := viewer.View(e)
	if a == Customer {
		// As in the chat: a customer needs neither, and ids of documents are not for guessing.
		seen.Data = seen.Data.Without(bridge.KeyFileSource, bridge.KeyDocumentID)
	}
	return seen, ok
}

// rights are those that permit an audience.
var rights = map[Audience]bridge.Right{
	Everything: bridge.RightTranscriptAll, Staff: bridge.RightTranscriptInternal, Customer: bridge.RightTranscriptCustomer,
}

// types are the user types that may have more than what a customer may see.
var types = map[Audience][]bridge.UserType{
	Everything: {bridge.Supervisor, bridge.External, bridge.System},
	Staff:      {bridge.Agent, bridge.Supervisor, bridge.External, bridge.System},
}

// Permitted returns the audience that a token permits: the one that was asked for, or if none
// was, the widest. A right includes the narrower ones. No right gives a party more than its type
// may see in the chat. The code is forbidden.
func Permitted(who proxy.Identity, asked Audience) (Audience, error) {
	held := false
	for _, a := range Audiences {
		held = held || who.Rights.Has(rights[a])
		fits := types[a] == nil || slices.Contains(types[a], who.Party.UserType)
		if held && fits && (asked == "" || asked == a) {
			return a, nil
		}
	}
	if asked == "" {
		asked = Customer
	}
	if held {
		err := bridge.NewError(bridge.CodeForbidden, "a party of this type may not read so much of a transcript")
		err.Hint = "ask for a narrower visibility, or leave it out"
		return "", err
	}
	return "", who.Rights.Need(rights[asked])
}
