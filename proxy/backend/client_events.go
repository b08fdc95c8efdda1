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
	"slices"
	"time"

	"attache/bridge"
)

// Events delivers the transcript after position. A stream that breaks is opened again after
// the last event that it brought.
func (c chatServer) Events(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
	return c.EventsAndInfo(ctx, session, userID, position, deliver, nil)
}

// EventsAndInfo is Events, and informs if the backend has the feature.
func (c chatServer) EventsAndInfo(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error,
	inform func(bridge.SessionChanged) error) error {
	if !slices.Contains(c.client.features, featureInfo) {
		inform = nil
	}
	r := &eventReader{
		client: c.client, received: c.received, path: pathOf(pathEvents, session, userID), position: position, deliver: deliver, inform: inform,
		log: c.client.cfg.Log.With("session", session, "user", userID),
	}
	between := backoff{first: 100 * time.Millisecond, max: 2 * time.Second}
	for logged := false; ; {
		before := r.position
		err := r.readStream(ctx)
		if r.stopped || !unavailable(err) {
			return err
		}
		if r.position > before {
			between.reset()
			logged = false
		}
		if !logged && ctx.Err() == nil {
			r.log.Warn("the backend's stream of events broke; retrying", "after", r.position, "error", err)
			logged = true
		}
		if err := between.pause(ctx); err != nil {
			return err
		}
	}
}

// eventReader reads a session's events for one party, over one stream after the other.
type eventReader struct {
	client   *Client
	received func(event) bridge.Event
	path     string
	position int64
	deliver  func(bridge.Event) error
	inform   func(bridge.SessionChanged) error // nil: not asked for
	log      *slog.Logger
	stopped  bool // deliver or inform returned an error
	skipping bool // the rest of a line longer than maxLine
}

// readStream reads one stream to its end. Empty lines show that the backend is alive;
// without them the connection is closed.
func (r *eventReader) readStream(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(r.client.cfg.IdleTimeout, func() { cancel(errSilent) })
	defer silent.Stop()
	path := fmt.Sprintf("%s?after=%d", r.path, r.position)
	if r.inform != nil {
		path += "&info=true"
	}
	req, err := r.client.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return bridge.AsError(err)
	}
	res, err := r.client.send(req, bridge.CodeChatUnavailable)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxLine)
	lines.Split(r.splitLine)
	for lines.Scan() {
		silent.Stop()
		if err := r.handleLine(lines.Bytes()); err != nil {
			return err
		}
		silent.Reset(r.client.cfg.IdleTimeout)
	}
	return bridge.WrapError(bridge.CodeChatUnavailable, errors.Join(errBroken, lines.Err(), context.Cause(ctx)))
}

var (
	errSilent = errors.New("the backend was silent for too long")
	errBroken = errors.New("the backend's stream of events broke")
)

// splitLine finds whole lines only: if the stream breaks within a line, the next one brings
// it again. A line longer than maxLine is dropped as it arrives and becomes an empty line.
func (r *eventReader) splitLine(data []byte, _ bool) (advance int, line []byte, err error) {
	end := bytes.IndexByte(data, '\n')
	switch {
	case end >= 0 && r.skipping:
		r.skipping = false
		return end + 1, data[:0], nil
	case end >= 0:
		return end + 1, data[:end], nil
	case len(data) >= maxLine:
		if !r.skipping {
			r.log.Error("an event of the backend is too long and was skipped", "after", r.position)
		}
		r.skipping = true
		return len(data), nil, nil
	}
	return 0, nil, nil
}

// handleLine handles one line: an event, an error, which is the last line, what is known of the
// session, or nothing.
func (r *eventReader) handleLine(line []byte) error {
	if len(bytes.TrimSpace(line)) == 0 {
		return nil
	}
	if err := decodeError(line); err != nil {
		return err
	}
	if info, ok := r.decodeInfo(line); ok {
		if err := r.inform(info); err != nil {
			r.stopped = true
			return err
		}
		return nil
	}
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		r.skip(line, err)
		return nil
	}
	if !e.Transient() && e.ID <= r.position {
		return nil // whatever the backend does, a page must not see it twice
	}
	if err := r.deliver(r.received(e)); err != nil {
		r.stopped = true
		return err
	}
	r.position = max(r.position, e.ID)
	return nil
}

// decodeInfo returns what a line says of the session, if that is what it is.
func (r *eventReader) decodeInfo(line []byte) (info bridge.SessionChanged, ok bool) {
	var w wireInfo
	if r.inform == nil || json.Unmarshal(line, &w) != nil || w.Type != typeInfo {
		return info, false
	}
	return bridge.SessionChanged{IdleExpires: bounded(w.IdleExpires), Saved: bounded(w.Saved), Monitored: w.Monitored}, true
}

// skip advances past an event that cannot be decoded, which would otherwise come again for
// ever, and nothing after it.
func (r *eventReader) skip(line []byte, cause error) {
	id := eventID(line)
	r.log.Error("an event of the backend cannot be decoded and was skipped", "after", r.position, "id", id, "error", cause)
	r.position = max(r.position, id)
}
