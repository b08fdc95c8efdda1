package chat

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"attache/bridge"
)

// kind is the kind of a log entry. Only events are ever shown.
type kind string

const (
	isEvent   kind = "event"
	isReserve kind = "reserve" // an upload counts from here on
	isRelease kind = "release" // and no longer
	isAttempt kind = "attempt" // a customer's download is charged
	isActive  kind = "active"  // a party does something that is no event
	isIdle    kind = "idle"    // idle control did something of which no notice is sent
	isAttach  kind = "attach"  // a party that is in has joined again
)

// logEntry is one entry of a session's log. Later releases read the log, so a member
// may be added, never changed.
type logEntry struct {
	Position int64  `json:"place"` // 1 for the session's first; an event's id
	At       int64  `json:"at"`    // milliseconds since 1970
	Op       string `json:"op"`    // names the append, so that it can recognise its own entry
	Kind     kind   `json:"kind"`

	// Of an event, with FileID and Returned. Over also ends the session, so that no crash can
	// come between. Renamed says that the party chose its new nickname itself, so that a later
	// token's does not replace it.
	Event   *event `json:"event,omitempty"`
	Over    bool   `json:"over,omitempty"`
	Renamed bool   `json:"renamed,omitempty"`

	// Of idle control: the position of the last activity before, and that the session is over
	// and its parties are taken out next.
	About   int64 `json:"about,omitempty"`
	Closing bool  `json:"closing,omitempty"`

	Activity string `json:"activity,omitempty"` // what the party does

	// Of a new party: its ClientVersion, the hash of its secure key, and the session's
	// password if it is the session's first party. Of a party that is attached again: a
	// higher ClientVersion, another secure key, and whether its earlier connections end.
	ClientVersion int64            `json:"clientVersion,omitempty"`
	SecureKey     keyHash          `json:"secureKey,omitempty"`
	Password      *sessionPassword `json:"password,omitempty"`
	TakesOver     bool             `json:"takesOver,omitempty"`

	// Of both: the party is another program's from here on, and no proxy takes it out. A release
	// that did not write this registered its parties by proxies.
	Foreign bool `json:"foreign,omitempty"`

	// Of every other kind; an attach has only UserID.
	UserID string `json:"userId,omitempty"`
	Key    string `json:"key,omitempty"`
	Name   string `json:"name,omitempty"`
	Size   int64  `json:"size,omitempty"`
	Other  bool   `json:"other,omitempty"` // the party is not a customer

	// FileID is the file of an attempt; of an event, the one that it deletes. Returned says
	// that the deleted file no longer counts, by the options of that time.
	FileID   string `json:"fileId,omitempty"`
	Returned bool   `json:"returned,omitempty"`

	seq  uint64 // the stream's sequence
	cost int    // bytes it had in the stream
}

// isDeletion reports whether the entry deletes a file.
func (e *logEntry) isDeletion() bool { return e.Kind == isEvent && e.FileID != "" }

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

// StoredFile returns the file that a message of [Stream] announces, and its session; ok is
// false for every other entry.
func StoredFile(subject string, entry []byte) (session string, f bridge.File, ok bool, err error) {
	e, err := decode(entry)
	if err != nil || e.Event == nil || !e.Event.IsFile() {
		return "", f, false, err
	}
	f, err = bridge.DecodeFile(e.Event.Event)
	return strings.TrimPrefix(subject, subjectPrefix), f, err == nil, err
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
		// A release that wrote no version showed everything.
		e.Event.From.ClientVersion = cmp.Or(e.ClientVersion, bridge.VersionCurrent)
		if e.Event.Info != nil {
			e.Event.From.UserInfo = *e.Event.Info
		}
	}
	return e, nil
}
