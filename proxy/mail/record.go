package mail

import (
	"time"

	"attache/bridge"
)

// State is a mail's state.
type State string

const (
	Waiting State = "waiting" // it is not sent yet
	Sending State = "sending" // the server may have it
	Sent    State = "sent"    // the server has it
	Unclear State = "unclear" // the server may have it, and it is not sent again
	Failed  State = "failed"  // it could not be sent; the code says why
	Skipped State = "skipped" // there was nothing to send, or nobody to send it to
)

// States is the closed list.
var States = []State{Waiting, Sending, Sent, Unclear, Failed, Skipped}

// Final reports whether the state never changes again.
func (s State) Final() bool { return s == Sent || s == Unclear || s == Failed || s == Skipped }

// Record is everything known about one mail. It has no address, because the transcript has it.
type Record struct {
	Session   string
	State     State
	MessageID string
	Code      bridge.Code `json:",omitempty"` // why it was not sent
	Status    int         `json:",omitempty"` // the server's last reply, an SMTP code
	Tries     int         // that failed
	Next      time.Time   `json:",omitzero"` // of the next try

	Created  time.Time
	Changed  time.Time
	Revision uint64 `json:"-"` // of the store; zero before it is written
}
