package backend

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"attache/bridge"
)

// Events follows the transcript. A stream that breaks is opened again after
// the last event it brought.
func (c conversation) Events(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
	f := &follower{
		client: c.Client, path: at(pathEvents, session, userID), position: position, deliver: deliver,
		log: c.Log.With("session", session, "user", userID),
	}
	logged := false
	for delay := 100 * time.Millisecond; ; delay = min(2*delay, 2*time.Second) {
		before := f.position
		err := f.follow(ctx)
		if f.over || !unavailable(err) {
			return err
		}
		if f.position > before {
			delay, logged = 100*time.Millisecond, false
		}
		if !logged && ctx.Err() == nil {
			f.log.Warn("the backend's events broke off; asking again until some come", "after", f.position, "error", err)
			logged = true
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
	log      *slog.Logger
	over     bool // the receiver does not want any more
	long     bool // the line being read is longer than maxLine
}

// follow reads one stream to its end. That silence is not news is shown by empty
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
	lines.Split(f.split)
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
	errSilent = errors.New("the backend was silent for too long")
	errBroken = errors.New("the backend's stream of events broke off")
)

// split finds the whole lines: one that the stream breaks off in comes again. What
// is longer than a line may be is dropped as it comes, and its end is an empty line.
func (f *follower) split(data []byte, _ bool) (advance int, line []byte, err error) {
	end := bytes.IndexByte(data, '\n')
	switch {
	case end >= 0 && f.long:
		f.long = false
		return end + 1, data[:0], nil
	case end >= 0:
		return end + 1, data[:end], nil
	case len(data) >= maxLine:
		if !f.long {
			f.log.Error("an event of the backend is too long and left out", "after", f.position)
		}
		f.long = true
		return len(data), nil, nil
	}
	return 0, nil, nil
}

// line takes one line: an event, an error and with it the end, or nothing.
func (f *follower) line(line []byte) error {
	if len(bytes.TrimSpace(line)) == 0 {
		return nil
	}
	if err := told(line); err != nil {
		return err
	}
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		f.leaveOut(line, err)
		return nil
	}
	if e.ID <= f.position {
		return nil // a page must not see it twice, whatever the backend does
	}
	if err := f.deliver(e.Event); err != nil {
		f.over = true
		return err
	}
	f.position = e.ID
	return nil
}

// leaveOut steps past an event that cannot be read: it would come again for ever,
// and nothing after it.
func (f *follower) leaveOut(line []byte, cause error) {
	var e struct {
		ID int64 `json:"id"`
	}
	json.Unmarshal(line, &e)
	f.log.Error("an event of the backend cannot be read and is left out", "after", f.position, "id", e.ID, "error", cause)
	f.position = max(f.position, e.ID)
}
