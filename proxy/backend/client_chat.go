package backend

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"attache/bridge"
	"attache/proxy"
)

// chatServer is the backend's Chat Server.
type chatServer struct{ client *Client }

// allowances are the customers' limits that the backend enforces.
type allowances struct{ chat chatServer }

var (
	_ proxy.ChatServer = chatServer{}
	_ proxy.Allowances = allowances{}
)

// Chat returns the backend's Chat Server, which is a [proxy.Allowances] and a
// [proxy.Transcripts] if the backend has those features. Its errors are those the backend
// sent, or of code chat-unavailable.
func (c *Client) Chat() proxy.ChatServer {
	chat := chatServer{c}
	hasAllowances := slices.Contains(c.features, featureAllowances)
	hasTranscripts := slices.Contains(c.features, featureTranscripts)
	switch {
	case hasAllowances && hasTranscripts:
		return struct {
			chatServer
			allowances
			transcripts
		}{chat, allowances{chat}, transcripts{chat}}
	case hasAllowances:
		return struct {
			chatServer
			allowances
		}{chat, allowances{chat}}
	case hasTranscripts:
		return struct {
			chatServer
			transcripts
		}{chat, transcripts{chat}}
	}
	return chat
}

var errOtherParty = errors.New("the backend answered a join with another party")

func (c chatServer) call(ctx context.Context, method, path string, body, answer any) error {
	return c.client.retry(ctx, func(ctx context.Context) error { return c.callOnce(ctx, method, path, body, answer) })
}

func (c chatServer) callOnce(ctx context.Context, method, path string, body, answer any) error {
	return c.client.call(ctx, bridge.CodeChatUnavailable, method, path, body, answer)
}

// Join adds the party to the session. Its token says who it is: a backend that answers with
// another party would turn a customer into an agent.
func (c chatServer) Join(ctx context.Context, session string, p bridge.Party) (proxy.Joined, error) {
	var joined wireJoined
	if err := c.call(ctx, http.MethodPost, pathOf(pathParties, session), wireParty(p), &joined); err != nil {
		return proxy.Joined{}, err
	}
	if is := joined.Party; is.UserID != p.UserID || is.UserType != p.UserType {
		c.client.cfg.Log.Error("the backend answered a join with another party", "session", session,
			"sent", p.UserID, "sentType", p.UserType, "answered", is.UserID, "answeredType", is.UserType)
		return proxy.Joined{}, bridge.WrapError(bridge.CodeChatUnavailable, errOtherParty)
	}
	party := joined.Party.party()
	party.Visibility = cmp.Or(party.Visibility, p.Visibility)
	party.ClientVersion = cmp.Or(party.ClientVersion, p.ClientVersion)
	err := party.Check()
	if err == nil && (joined.Position < 0 || joined.Position > bridge.MaxInteger) {
		err = fmt.Errorf("the position is %d", joined.Position)
	}
	if err != nil {
		return proxy.Joined{}, bridge.WrapError(bridge.CodeChatUnavailable, fmt.Errorf("the backend answered a join with an impossible party or position: %w", err))
	}
	limits, err := parseLimits(joined.Limits)
	return proxy.Joined{Party: party, Limits: limits, Position: joined.Position}, err
}

// Post appends a message or a notice. Without a key it is not retried, because a retry
// might post it twice: an unclear outcome is an error then.
func (c chatServer) Post(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
	path := pathOf(pathEvents, session, userID)
	// Chat Server fills in these.
	e.ID, e.At, e.From, e.Reason = 0, 0, bridge.Party{UserID: userID, UserType: bridge.System}, nil
	if e.Visibility == "" {
		e.Visibility = bridge.All
	}
	post := c.call
	if e.Key == "" {
		post = c.callOnce
	}
	var stored json.RawMessage
	if err := post(ctx, http.MethodPost, path, &event{e}, &stored); err != nil {
		return bridge.Event{}, err
	}
	return c.stored(stored, e)
}

// stored reads an event that the backend has stored in the transcript.
func (c chatServer) stored(in []byte, sent bridge.Event) (bridge.Event, error) {
	var e event
	err := json.Unmarshal(in, &e)
	if err == nil {
		return e.Event, nil
	}
	c.client.cfg.Log.Error("an event that the backend stored cannot be decoded", "error", err)
	if e.Event, err = receipt(in, sent); err != nil {
		return bridge.Event{}, bridge.WrapError(bridge.CodeChatUnavailable, fmt.Errorf("decode the backend's response: %w", err))
	}
	return e.Event, nil
}

// Leave removes the party from the session. A party that has left already is not an error.
func (c chatServer) Leave(ctx context.Context, session, userID string, reason bridge.Reason, after bridge.AfterAction) error {
	return c.call(ctx, http.MethodPost, pathOf(pathLeave, session, userID), wireLeave{reason.Code, reason.Text, after}, nil)
}

// File returns a file's notice.
func (c chatServer) File(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
	var e event
	err := c.call(ctx, http.MethodGet, pathOf(pathFile, session, userID, fileID), nil, &e)
	return e.Event, err
}

// FindKey looks up a key in the transcript.
func (c chatServer) FindKey(ctx context.Context, session, key string) (bridge.Event, bool, error) {
	var found struct {
		Event *json.RawMessage `json:"event"`
	}
	err := c.call(ctx, http.MethodGet, pathOf(pathKey, session, key), nil, &found)
	if err != nil || found.Event == nil {
		return bridge.Event{}, false, err
	}
	e, err := c.stored(*found.Event, bridge.Event{Key: key})
	return e, err == nil, err
}

// Limits returns the party's limits and their use.
func (a allowances) Limits(ctx context.Context, session, userID string) (bridge.Limits, error) {
	var body json.RawMessage
	if err := a.chat.call(ctx, http.MethodGet, pathOf(pathLimits, session, userID), nil, &body); err != nil {
		return bridge.Limits{}, err
	}
	return parseLimits(body)
}

// Reserve makes a reservation for an upload. It also looks up the key in the transcript
// itself: a backend that treats every known key as reserved would let a customer send any
// file under the key of a message.
func (a allowances) Reserve(ctx context.Context, session, userID, key, name string, size int64) error {
	e, found, err := a.chat.FindKey(ctx, session, key)
	if err != nil {
		return err
	}
	if found {
		return checkAnnounced(e, userID, size)
	}
	return a.chat.call(ctx, http.MethodPut, pathOf(pathReserve, session, userID, key), wireReservation{name, size}, nil)
}

// checkAnnounced refuses a key whose event is not that party's notice of a file of that size.
func checkAnnounced(e bridge.Event, userID string, size int64) error {
	f, err := bridge.DecodeFile(e)
	if err != nil || e.From.UserID != userID || f.Size != size {
		return bridge.NewError(bridge.CodeUploadConflict, "")
	}
	return nil
}

// Release gives a reservation back.
func (a allowances) Release(ctx context.Context, session, userID, key string) error {
	return a.chat.call(ctx, http.MethodDelete, pathOf(pathReserve, session, userID, key), nil, nil)
}

// Attempt charges one download.
func (a allowances) Attempt(ctx context.Context, session, userID, key, fileID string) error {
	return a.chat.call(ctx, http.MethodPut, pathOf(pathAttempt, session, userID, key), wireAttempt{fileID}, nil)
}
