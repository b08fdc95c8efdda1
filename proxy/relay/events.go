package relay

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"attache/bridge"
)

// Events follows the transcript. A stream that breaks is opened again behind
// the last event it brought.
func (c conversation) Events(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
	f := &follower{client: c.Client, path: at(pathEvents, session, userID), position: position, deliver: deliver}
	for delay := 100 * time.Millisecond; ; delay = min(2*delay, 2*time.Second) {
		before := f.position
		if err := f.follow(ctx); f.over || !unavailable(err) {
			return err
		}
		if f.position > before {
			delay = 100 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(delay):
		}
	}
}

// follower is one receiver's way through a session's events.
type follower struct {
	client   *Client
	path     string
	position int64
	deliver  func(bridge.Event) error
	over     bool // the receiver does not want any more
}

// follow reads one stream to its end. That silence is no news is shown by empty
// lines; without them the connection is given up.
func (f *follower) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(f.client.Silence, func() { cancel(errSilent) })
	defer silent.Stop()
	req, err := f.client.request(ctx, http.MethodGet, fmt.Sprintf("%s?after=%d", f.path, f.position), nil)
	if err != nil {
		return bridge.AsError(err)
	}
	res, err := f.client.send(req, bridge.CodeChatUnavailable)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		silent.Stop()
		if err := f.line(lines.Bytes()); err != nil {
			return err
		}
		silent.Reset(f.client.Silence)
	}
	return bridge.WrapError(bridge.CodeChatUnavailable, errors.Join(errBroken, lines.Err(), context.Cause(ctx)))
}

var (
	errSilent = errors.New("the relay was silent for too long")
	errBroken = errors.New("the relay's stream of events broke off")
)

// line takes one line: an event, an error and with it the end, or nothing.
func (f *follower) line(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	if err := told(line); err != nil {
		return err
	}
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		return bridge.WrapError(bridge.CodeChatUnavailable, fmt.Errorf("understand an event of the relay: %w", err))
	}
	if e.ID <= f.position {
		return nil // a page must not see it twice, whatever the relay does
	}
	if err := f.deliver(e.Event); err != nil {
		f.over = true
		return err
	}
	f.position = e.ID
	return nil
}
