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
	_ proxy.Voucher    = chatServer{}
	_ proxy.Informer   = chatServer{}
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

// Vouches reports whether the backend marks notices as vouched.
func (c chatServer) Vouches() bool { return slices.Contains(c.client.features, featureVouches) }

// received returns an event as it may be believed: a backend without the feature vouches for
// nothing, and what a page may do is the proxy's to say.
func (c chatServer) received(e event) bridge.Event {
	e.Vouched = e.Vouched && e.IsFile() && c.Vouches()
	e.Access = nil
	return e.Event
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
func (c chatServer) Join(ctx context.Context, session string, p proxy.Joining) (proxy.Joined, error) {
	p, err := p.Prepared()
	if err != nil {
		return proxy.Joined{}, err
	}
	// A backend that ignored them would let in a party that must be refused.
	if p.SecureKey != "" || p.Password != "" {
		if err := c.needParties("attaches no parties by their secure keys, and checks no passwords"); err != nil {
			return proxy.Joined{}, err
		}
	}
	var joined wireJoined
	if err := c.call(ctx, http.MethodPost, pathOf(pathParties, session), newWireJoin(p), &joined); err != nil {
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
	err = party.Check()
	if err == nil && (joined.Position < 0 || joined.Position > bridge.MaxInteger) {
		err = fmt.Errorf("the position is %d", joined.Position)
	}
	if err != nil {
		return proxy.Joined{}, bridge.WrapError(bridge.CodeChatUnavailable, fmt.Errorf("the backend answered a join with an impossible party or position: %w", err))
	}
	limits, err := parseLimits(joined.Limits)
	return proxy.Joined{
		Party: party, Limits: limits, Position: joined.Position, SecureKey: joined.SecureKey,
		Attached: joined.Attached || p.SecureKey != "", // however it answers, the proxy never takes such a party out
		Started:  bounded(joined.Started), Saved: bounded(joined.Saved), IdleExpires: bounded(joined.IdleExpires), Monitored: joined.Monitored,
	}, err
}

// bounded returns n as a number of bridge's wire, 0 if it is none.
func bounded(n int64) int64 {
	if n < 0 || n > bridge.MaxInteger {
		return 0
	}
	return n
}

// needParties refuses what a backend without the feature parties would ignore.
func (c chatServer) needParties(what string) error {
	if slices.Contains(c.client.features, featureParties) {
		return nil
	}
	return bridge.NewError(bridge.CodeForbidden, "the backend "+what+": it lacks the feature "+featureParties)
}

// Post appends a message or a notice. Without a key it is not retried, because a retry
// might post it twice: an unclear outcome is an error then.
func (c chatServer) Post(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
	if e.Receiver != "" && !slices.Contains(c.client.features, featureNotices) {
		// It ignores members that it does not know: all would see the message.
		return bridge.Event{}, bridge.NewError(bridge.CodeForbidden, "this chat server has no direct messages")
	}
	if !c.takes(e) {
		return bridge.Event{}, bridge.NewError(bridge.CodeForbidden, "this chat server does not know the command "+e.Text)
	}
	path := pathOf(pathEvents, session, userID)
	// Chat Server fills in these.
	e.ID, e.At, e.From, e.Reason = 0, 0, bridge.Party{UserID: userID, UserType: bridge.System}, nil
	e.Vouched, e.Access = false, nil
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

// takes reports whether the backend knows a system command about files: it would keep another
// one as a notice without a meaning.
func (c chatServer) takes(e bridge.Event) bool {
	switch {
	case e.IsFileConfig():
		return slices.Contains(c.client.features, featureFileConfig)
	case e.Deletes() != "":
		return slices.Contains(c.client.features, featureFileDeletion)
	}
	return true
}

// stored reads an event that the backend has stored in the transcript.
func (c chatServer) stored(in []byte, sent bridge.Event) (bridge.Event, error) {
	var e event
	err := json.Unmarshal(in, &e)
	if err == nil {
		return c.received(e), nil
	}
	c.client.cfg.Log.Error("an event that the backend stored cannot be decoded", "error", err)
	if e.Event, err = receipt(in, sent); err != nil {
		return bridge.Event{}, bridge.WrapError(bridge.CodeChatUnavailable, fmt.Errorf("decode the backend's response: %w", err))
	}
	return e.Event, nil
}

// Leave removes the party from the session. A party that has left already is not an error.
func (c chatServer) Leave(ctx context.Context, session, userID string, d proxy.Departure) error {
	if d.Asker != "" && d.Asker != userID {
		if err := c.needParties("removes no party for another"); err != nil {
			return err
		}
	}
	return c.call(ctx, http.MethodPost, pathOf(pathLeave, session, userID), wireLeave{
		d.Reason.Code, d.Reason.Text, d.After, d.Asker, d.Text, d.Attributes, d.ByProxy,
	}, nil)
}

// File returns a file's notice.
func (c chatServer) File(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
	var e event
	err := c.call(ctx, http.MethodGet, pathOf(pathFile, session, userID, fileID), nil, &e)
	return c.received(e), err
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

// Correct lowers a reservation. At a backend without that feature it stays as large as it is,
// until the notice spends it.
func (a allowances) Correct(ctx context.Context, session, userID, key string, size int64) error {
	if !slices.Contains(a.chat.client.features, featureCorrections) {
		return nil
	}
	return a.chat.call(ctx, http.MethodPatch, pathOf(pathReserve, session, userID, key), wireCorrection{size}, nil)
}

// Attempt charges one download.
func (a allowances) Attempt(ctx context.Context, session, userID, key, fileID string) error {
	return a.chat.call(ctx, http.MethodPut, pathOf(pathAttempt, session, userID, key), wireAttempt{fileID}, nil)
}
