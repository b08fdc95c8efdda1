package backend

import (
	"encoding/json"
	"errors"
	"slices"

	"attache/bridge"
)

// event is a bridge.Event in bridge's own JSON form. Unknown members are dropped; known ones
// keep their bounds.
type event struct{ bridge.Event }

func (e *event) MarshalJSON() ([]byte, error) { return bridge.AppendEvent(nil, e.Event), nil }

func (e *event) UnmarshalJSON(in []byte) (err error) {
	e.Event, err = lenient(in, eventShape, bridge.ParseEvent)
	return err
}

// eventID returns the id of an event that may be otherwise unreadable, or 0.
func eventID(in []byte) int64 {
	var e struct {
		ID int64 `json:"id"`
	}
	json.Unmarshal(in, &e)
	return e.ID
}

func parseLimits(in []byte) (bridge.Limits, error) {
	l, err := lenient(in, limitsShape, bridge.ParseLimits)
	if err != nil {
		return l, bridge.WrapError(bridge.CodeChatUnavailable, err)
	}
	return l, nil
}

// shape names the known members of an object. A nil shape keeps the value as it is.
type shape map[string]shape

var eventShape = shape{
	"id": nil, "type": nil, "at": nil, "visibility": nil, "text": nil, "notice": nil, "data": nil, "key": nil,
	"asker": nil, "messageType": nil, "treatAs": nil, "receiver": nil, "attributes": nil, "vouched": nil,
	"from":   {"userId": nil, "nickname": nil, "userType": nil, "style": nil},
	"info":   {"personId": nil, "timeZone": nil, "protocol": nil},
	"reason": {"code": nil, "text": nil},
}

var limitsShape = shape{
	"maxFiles": nil, "usedFiles": nil, "maxFileSize": nil, "maxTotalSize": nil, "usedTotalSize": nil, "types": nil,
	"needAgent": nil, "agentHere": nil, "maxDownloads": nil, "usedDownloads": nil, "deleteFile": nil, "deleteOthers": nil,
}

// lenient reads JSON that bridge, which is strict, would refuse: it may have a later
// version's member, or a null.
func lenient[T any](in []byte, known shape, parse func([]byte) (T, error)) (T, error) {
	out, err := parse(in)
	if err == nil {
		return out, nil
	}
	if in, err = known.filter(in); err != nil {
		return out, err
	}
	return parse(in)
}

func (s shape) filter(in json.RawMessage) (out json.RawMessage, err error) {
	if s == nil {
		return in, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(in, &members); err != nil {
		return nil, err
	}
	for name, value := range members {
		inner, known := s[name]
		if !known || string(value) == "null" {
			delete(members, name)
			continue
		}
		if members[name], err = inner.filter(value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(members)
}

// receipt returns the sent event with the few members that are needed once it is stored. It
// is for a stored event that cannot be decoded: reporting it as not stored would be wrong.
func receipt(in []byte, sent bridge.Event) (bridge.Event, error) {
	var e struct {
		ID     int64            `json:"id"`
		Type   bridge.EventType `json:"type"`
		Notice string           `json:"notice"`
		Text   string           `json:"text"`
		Data   map[string]any   `json:"data"`
	}
	if err := json.Unmarshal(in, &e); err != nil {
		return sent, err
	}
	if e.ID < 1 {
		return sent, errors.New("the event has no id")
	}
	sent.ID, sent.Type, sent.NoticeType, sent.Text = e.ID, e.Type, e.Notice, e.Text
	if id, ok := e.Data[bridge.KeyFileID].(string); ok {
		sent.Data = slices.Clone(sent.Data).Set(bridge.Text(bridge.KeyFileID, id))
	}
	return sent, nil
}
