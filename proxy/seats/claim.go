package seats

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/proxy/engine"
)

// claimTime is how long it is remembered which transient notices a party was sent: longer than
// a proxy holds one for it.
const claimTime = time.Minute

// claimTries bounds the contest of a party's concurrent requests at several proxies.
const claimTries = 8

var errContested = errors.New("the party makes too many requests at once")

// Claim records that transient notices with these keys were sent to the party, and returns
// those that no proxy had sent it.
func (s *Seats) Claim(ctx context.Context, session, user string, keys []string) (fresh []string, err error) {
	for range claimTries {
		sent, last, err := s.claimed(ctx, session, user)
		if err != nil {
			return nil, fmt.Errorf("read what a party was sent: %w", err)
		}
		fresh = nil
		until := time.Now().Add(claimTime).UnixMilli()
		for _, key := range keys {
			if _, ok := sent[key]; !ok {
				fresh = append(fresh, key)
				sent[key] = until
			}
		}
		if len(fresh) == 0 {
			return nil, nil
		}
		body, err := json.Marshal(sent)
		if err != nil {
			return nil, err
		}
		_, err = s.js.Publish(ctx, claims(session, user), body, jetstream.WithExpectLastSequencePerSubject(last))
		if err == nil {
			return fresh, nil
		}
		if !engine.Overtaken(err) && !engine.Unapplied(err) {
			return nil, fmt.Errorf("record what a party was sent: %w", err)
		}
	}
	return nil, errContested
}

// claimed returns the keys that were sent, each with the time until when it is remembered, and
// the sequence of their message.
func (s *Seats) claimed(ctx context.Context, session, user string) (sent map[string]int64, last uint64, err error) {
	sent = map[string]int64{}
	m, err := s.stream.GetLastMsgForSubject(ctx, claims(session, user))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return sent, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	if json.Unmarshal(m.Data, &sent) != nil {
		sent = map[string]int64{}
	}
	now := time.Now().UnixMilli()
	for key, until := range sent {
		if until < now {
			delete(sent, key)
		}
	}
	return sent, m.Sequence, nil
}

func claims(session, user string) string {
	return claimPrefix + hex.EncodeToString([]byte(session)) + "." + hex.EncodeToString([]byte(user))
}
