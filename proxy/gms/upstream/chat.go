package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"attache/bridge"
	"attache/proxy/gms"
)

// chatState says how far a chat is.
type chatState string

const (
	requesting chatState = "requesting" // a proxy asks GMS for it
	open       chatState = "open"
	ended      chatState = "ended"
)

// chat is what is known of a session's chat. It is stored sealed.
type chat struct {
	State    chatState
	Changed  time.Time // when the state changed
	UserID   string    // of the customer, as its token names it
	Nickname string

	// As GMS has answered last.
	ChatID, GMSUser, SecureKey, Alias string

	Self    int64 // the customer's participantId
	Started int64 // milliseconds since 1970
}

// load returns the session's chat; its revision is 0 if there is none.
func (c *Client) load(ctx context.Context, session string) (chat, uint64, error) {
	var ch chat
	m, err := c.message(ctx, chatPrefix+session)
	if m == nil || err != nil {
		return ch, 0, err
	}
	plain, err := c.seal.open(m.Subject, m.Data)
	if err == nil {
		err = json.Unmarshal(plain, &ch)
	}
	if err != nil {
		return ch, 0, bridge.WrapError(bridge.CodeInternal, err)
	}
	return ch, m.Sequence, nil
}

func (c *Client) save(ctx context.Context, session string, ch chat, revision uint64) (uint64, error) {
	plain, err := json.Marshal(ch)
	if err != nil {
		return 0, err
	}
	subject := chatPrefix + session
	return c.writeBytes(ctx, subject, c.seal.close(subject, plain), revision)
}

// change applies a change to the chat until no other proxy is faster.
func (c *Client) change(ctx context.Context, session string, change func(*chat) (changed bool)) error {
	for {
		ch, revision, err := c.load(ctx, session)
		if err != nil || revision == 0 || !change(&ch) {
			return err
		}
		if _, err = c.save(ctx, session, ch, revision); !errors.Is(err, errOvertaken) {
			return err
		}
	}
}

// member returns the chat of a party that is in it. Codes: not-joined and session-ended.
func (c *Client) member(ctx context.Context, session, userID string) (chat, error) {
	ch, revision, err := c.load(ctx, session)
	switch {
	case err != nil:
		return ch, err
	case revision != 0 && ch.UserID == userID && ch.State == ended:
		return ch, bridge.NewError(bridge.CodeSessionEnded, "")
	case revision == 0 || ch.UserID != userID || ch.State != open:
		return ch, bridge.NewError(bridge.CodeNotJoined, "")
	}
	return ch, nil
}

// follow takes over what an answer says of the identity: the latest alias and secure key count.
// Answers may arrive in another order than GMS gave them, so one counts only if its request had
// the identity that is stored: otherwise a later one is.
func (c *Client) follow(ctx context.Context, session string, was chat, r gms.Reply) error {
	renewed := func(old, new string) bool { return new != "" && new != old }
	if !renewed(was.Alias, r.Alias) && !renewed(was.SecureKey, r.SecureKey) && !renewed(was.GMSUser, r.UserID) {
		return nil
	}
	return c.change(ctx, session, func(ch *chat) bool {
		if ch.Alias != was.Alias || ch.SecureKey != was.SecureKey {
			return false
		}
		before := *ch
		for field, answered := range map[*string]string{&ch.Alias: r.Alias, &ch.SecureKey: r.SecureKey, &ch.GMSUser: r.UserID} {
			if answered != "" {
				*field = answered
			}
		}
		return *ch != before
	})
}

// end records that the chat is over.
func (c *Client) end(ctx context.Context, session string) error {
	return c.change(ctx, session, func(ch *chat) bool {
		if ch.State == ended {
			return false
		}
		ch.State, ch.Changed = ended, time.Now()
		return true
	})
}
