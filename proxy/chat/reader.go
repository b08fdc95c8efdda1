package chat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/engine"
)

// ErrNoSessions reports that a store has no sessions, for instance because its proxy uses a
// backend, which has them.
var ErrNoSessions = errors.New("there are no chat sessions in this store")

// Reader reads transcripts from the sessions' stream, also while servers in other processes use
// it. It changes nothing there.
type Reader struct {
	log    *log
	stream jetstream.Stream
}

// OpenReader opens the stream, or fails with [ErrNoSessions].
func OpenReader(ctx context.Context, js jetstream.JetStream) (*Reader, error) {
	stream, err := js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, ErrNoSessions
	}
	if err != nil {
		return nil, fmt.Errorf("open the chat sessions: %w", err)
	}
	return &Reader{log: &log{js: js}, stream: stream}, nil
}

// Transcript is [Server.Transcript]. It has no fold, so it costs no memory for a session that
// nobody uses.
func (r *Reader) Transcript(ctx context.Context, session string, position int64, each func(bridge.Event) error) error {
	if !bridge.ValidSession(session) {
		return bridge.NewError(bridge.CodeSessionInvalid, "")
	}
	missing, err := r.count(ctx, session)
	if err != nil {
		return err
	}
	for from, try := uint64(1), 0; missing > 0; {
		entries, _, err := r.log.read(ctx, session, from, recentEntries, viewBytes)
		if err != nil {
			return err
		}
		if len(entries) == 0 { // a replica that lags
			if try++; try == eventTries {
				return bridge.NewError(bridge.CodeChatUnavailable, "")
			}
			if err := backOff(ctx, try); err != nil {
				return err
			}
		}
		for _, e := range entries {
			if missing == 0 {
				return nil
			}
			from, missing = e.seq+1, missing-1
			if e.Event == nil || e.Position <= position {
				continue
			}
			position = e.Position
			if err := each(e.Event.Event); err != nil {
				return err
			}
		}
	}
	return nil
}

// count is how many entries the session has, by the stream's leader.
func (r *Reader) count(ctx context.Context, session string) (uint64, error) {
	info, err := r.stream.Info(ctx, jetstream.WithSubjectFilter(subjectPrefix+session))
	if err != nil {
		return 0, unavailable(ctx, fmt.Errorf("read the chat sessions: %w", err))
	}
	return info.State.Subjects[subjectPrefix+session], nil
}

// errLast ends a walk.
var errLast = errors.New("that was the last one")

// Over calls over for every session that has ended, in the order of their ends, and returns
// after the last one.
func (r *Reader) Over(ctx context.Context, over func(session string) error) error {
	info, err := r.stream.Info(ctx)
	if err != nil {
		return unavailable(ctx, fmt.Errorf("read the chat sessions: %w", err))
	}
	if info.State.Msgs == 0 {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	engine.Follow(ctx, r.log.js, streamName, subjectPrefix+">", 1, slog.New(slog.DiscardHandler), func(about *jetstream.MsgMetadata, m jetstream.Msg) {
		if ctx.Err() != nil {
			return
		}
		if endsSession(m.Data()) {
			if err := over(strings.TrimPrefix(m.Subject(), subjectPrefix)); err != nil {
				cancel(err)
			}
		}
		if about.NumPending == 0 || about.Sequence.Stream >= info.State.LastSeq {
			cancel(errLast)
		}
	})
	if err := context.Cause(ctx); !errors.Is(err, errLast) {
		return err
	}
	return nil
}

// endsSession reports whether the entry ends its session.
func endsSession(entry []byte) bool {
	if !bytes.Contains(entry, overMember) {
		return false
	}
	e, err := decode(entry)
	return err == nil && e.Over
}
