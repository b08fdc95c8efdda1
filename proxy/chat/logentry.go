package chat

import (
	"encoding/json"
	"fmt"

	"attache/bridge"
)

// kind is the kind of a log entry. Only events are ever shown.
type kind string

const (
	isEvent   kind = "event"
	isReserve kind = "reserve" // a customer's upload counts from here on
	isRelease kind = "release" // and no longer
	isAttempt kind = "attempt" // a customer's download is charged
)

// logEntry is one entry of a session's log. Later releases read the log, so a member
// may be added, never changed.
type logEntry struct {
	Position int64  `json:"place"` // 1 for the session's first; an event's id
	At       int64  `json:"at"`    // milliseconds since 1970
	Op       string `json:"op"`    // names the append, so that it can recognise its own entry
	Kind     kind   `json:"kind"`

	// Of an event. Over also ends the session, so that no crash can come between.
	// ClientVersion is a new party's.
	Event         *event `json:"event,omitempty"`
	Over          bool   `json:"over,omitempty"`
	ClientVersion int64  `json:"clientVersion,omitempty"`

	// Of every other kind.
	UserID string `json:"userId,omitempty"`
	Key    string `json:"key,omitempty"`
	Name   string `json:"name,omitempty"`
	Size   int64  `json:"size,omitempty"`
	FileID string `json:"fileId,omitempty"`

	seq  uint64 // the stream's sequence
	cost int    // bytes it had in the stream
}

// event is a bridge.Event in the one JSON form that bridge gives it.
type event struct{ bridge.Event }

func (e *event) MarshalJSON() ([]byte, error) { return bridge.AppendEvent(nil, e.Event), nil }

func (e *event) UnmarshalJSON(in []byte) (err error) {
	e.Event, err = bridge.ParseEvent(in)
	return err
}

// encode returns the entry as stored and as every reader will see it: text that JSON
// alters is altered here too. It refuses an entry that could not be read back, because
// that would lock the session for all parties.
func (e *logEntry) encode() ([]byte, *logEntry, error) {
	out, err := json.Marshal(e)
	if err != nil {
		return nil, nil, bridge.AsError(err)
	}
	read, err := decode(out)
	if err != nil {
		return nil, nil, bridge.AsError(err)
	}
	return out, read, nil
}

func decode(in []byte) (*logEntry, error) {
	e := &logEntry{cost: len(in)}
	if err := json.Unmarshal(in, e); err != nil {
		return nil, fmt.Errorf("read an entry of a session's log: %w", err)
	}
	if e.Position < 1 || (e.Kind == isEvent) != (e.Event != nil) {
		return nil, fmt.Errorf("read an entry of a session's log: entry %d is not of kind %q", e.Position, e.Kind)
	}
	if e.Event != nil && e.Event.Type == bridge.NewParty {
		e.Event.From.Visibility = e.Event.Visibility
		e.Event.From.ClientVersion = e.ClientVersion
	}
	return e, nil
}
