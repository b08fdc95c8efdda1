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

// conversation is the backend's Chat Server.
type conversation struct{ *Client }

// limited is one that owns the customers' allowances as well.
type limited struct{ conversation }

var (
	_ proxy.ChatServer = conversation{}
	_ proxy.Allowances = limited{}
)

// Chat returns the backend's Chat Server, which is a [proxy.Allowances] where the
// backend has that feature. Its errors are those the backend answered, or of code
// chat-unavailable.
func (c *Client) Chat() proxy.ChatServer {
	if slices.Contains(c.features, featureAllowances) {
		return limited{conversation{c}}
	}
	return conversation{c}
}

var errAnother = errors.New("the backend answered a join with another party")

func (c conversation) chat(ctx context.Context, method, path string, body, answer any) error {
	return c.insist(ctx, func(ctx context.Context) error { return c.once(ctx, method, path, body, answer) })
}

func (c conversation) once(ctx context.Context, method, path string, body, answer any) error {
	return c.ask(ctx, bridge.CodeChatUnavailable, method, path, body, answer)
}

// Join admits the party. Who it is, its token says: a backend that answers somebody
// else would make a customer an agent.
func (c conversation) Join(ctx context.Context, session string, p bridge.Party) (proxy.Joined, error) {
	var joined wireJoined
	if err := c.chat(ctx, http.MethodPost, at(pathParties, session), wireParty(p), &joined); err != nil {
		return proxy.Joined{}, err
	}
	if is := joined.Party; is.UserID != p.UserID || is.UserType != p.UserType {
		c.Log.Error("the backend answered a join with another party", "session", session,
			"sent", p.UserID, "sentType", p.UserType, "answered", is.UserID, "answeredType", is.UserType)
		return proxy.Joined{}, bridge.WrapError(bridge.CodeChatUnavailable, errAnother)
	}
	party := joined.Party.party()
	party.Visibility = cmp.Or(party.Visibility, p.Visibility)
	party.ClientVersion = cmp.Or(party.ClientVersion, p.ClientVersion)
	err := party.Check()
	if err == nil && (joined.Position < 0 || joined.Position > bridge.MaxInteger) {
		err = fmt.Errorf("the position %d", joined.Position)
	}
	if err != nil {
		return proxy.Joined{}, bridge.WrapError(bridge.CodeChatUnavailable, fmt.Errorf("the backend answered a join with what cannot be: %w", err))
	}
	limits, err := parseLimits(joined.Limits)
	return proxy.Joined{Party: party, Limits: limits, Position: joined.Position}, err
}

// Post appends a message or a notice. Without a key an unclear outcome is an
// error, for to repeat it might be to say it twice.
func (c conversation) Post(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
	path := at(pathEvents, session, userID)
	// What the sender does not say is the chat server's to fill in.
	e.ID, e.At, e.From, e.Reason = 0, 0, bridge.Party{UserID: userID, UserType: bridge.System}, nil
	if e.Visibility == "" {
		e.Visibility = bridge.All
	}
	post := c.chat
	if e.Key == "" {
		post = c.once
	}
	var stored json.RawMessage
	if err := post(ctx, http.MethodPost, path, &event{e}, &stored); err != nil {
		return bridge.Event{}, err
	}
	return c.stored(stored, e)
}

// stored reads an event of which the backend says that it is in the transcript.
func (c conversation) stored(in []byte, sent bridge.Event) (bridge.Event, error) {
	var e event
	err := json.Unmarshal(in, &e)
	if err == nil {
		return e.Event, nil
	}
	c.Log.Error("an event that the backend has stored cannot be understood", "error", err)
	if e.Event, err = receipt(in, sent); err != nil {
		return bridge.Event{}, bridge.WrapError(bridge.CodeChatUnavailable, fmt.Errorf("understand the backend's answer: %w", err))
	}
	return e.Event, nil
}

// Leave takes the party out. One that is not in any more has left.
func (c conversation) Leave(ctx context.Context, session, userID string, reason bridge.Reason, after bridge.AfterAction) error {
	return c.chat(ctx, http.MethodPost, at(pathLeave, session, userID), wireLeave{reason.Code, reason.Text, after}, nil)
}

// File finds a file's notice.
func (c conversation) File(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
	var e event
	err := c.chat(ctx, http.MethodGet, at(pathFile, session, userID, fileID), nil, &e)
	return e.Event, err
}

// FindKey looks a key up in the transcript.
func (c conversation) FindKey(ctx context.Context, session, key string) (bridge.Event, bool, error) {
	var found struct {
		Event *json.RawMessage `json:"event"`
	}
	err := c.chat(ctx, http.MethodGet, at(pathKey, session, key), nil, &found)
	if err != nil || found.Event == nil {
		return bridge.Event{}, false, err
	}
	e, err := c.stored(*found.Event, bridge.Event{Key: key})
	return e, err == nil, err
}

// Limits are what binds the party, with what is used of it.
func (c limited) Limits(ctx context.Context, session, userID string) (bridge.Limits, error) {
	var body json.RawMessage
	if err := c.chat(ctx, http.MethodGet, at(pathLimits, session, userID), nil, &body); err != nil {
		return bridge.Limits{}, err
	}
	return parseLimits(body)
}

// Reserve holds a place for an upload. The transcript is looked at here as well:
// a backend that takes every key it has seen for one that is reserved would let a
// customer send any file under the key of a message.
func (c limited) Reserve(ctx context.Context, session, userID, key, name string, size int64) error {
	e, found, err := c.FindKey(ctx, session, key)
	if err != nil {
		return err
	}
	if found {
		return announced(e, userID, size)
	}
	return c.chat(ctx, http.MethodPut, at(pathReserve, session, userID, key), wireReservation{name, size}, nil)
}

// announced is nil where the event is that party's notice of a file of that size.
func announced(e bridge.Event, userID string, size int64) error {
	f, err := bridge.DecodeFile(e)
	if err != nil || e.From.UserID != userID || f.Size != size {
		return bridge.NewError(bridge.CodeUploadConflict, "")
	}
	return nil
}

// Release gives it back.
func (c limited) Release(ctx context.Context, session, userID, key string) error {
	return c.chat(ctx, http.MethodDelete, at(pathReserve, session, userID, key), nil, nil)
}

// Attempt charges one download.
func (c limited) Attempt(ctx context.Context, session, userID, key, fileID string) error {
	return c.chat(ctx, http.MethodPut, at(pathAttempt, session, userID, key), wireAttempt{fileID}, nil)
}
