package chat

import (
	"context"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/engine"
)

// Transcript calls each for every event of the session after position, whatever its
// visibility, in order, and returns after the last one that is stored when it begins. A
// session that has ended has a transcript as long as its log is kept.
func (s *Server) Transcript(ctx context.Context, session string, position int64, each func(bridge.Event) error) error {
	r, leave, err := s.enter(ctx, session)
	if err != nil {
		return err
	}
	defer leave()
	if _, err := r.catchUp(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	from, last := r.fold.next(position).seq, r.fold.last
	r.mu.Unlock()
	for try := 0; position < last; {
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
			from, position = e.seq+1, max(position, e.Position)
			if position > last {
				return nil
			}
			if e.Event == nil {
				continue
			}
			if err := each(e.Event.Event); err != nil {
				return err
			}
		}
	}
	return nil
}

// overMember is in every entry that ends a session, and in few others.
var overMember = []byte(`"over":true`)

// Ended follows the stream of all sessions and calls ended for each entry that ends one. A
// cursor is a sequence of the stream.
func (s *Server) Ended(ctx context.Context, cursor string, ended func(session, cursor string) error) error {
	var after uint64
	if cursor != "" {
		var err error
		if after, err = strconv.ParseUint(cursor, 10, 64); err != nil {
			return bridge.NewError(bridge.CodeMessage, "the cursor is not one of this Chat Server's")
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	engine.Follow(ctx, s.log.js, streamName, subjectPrefix+">", after+1, s.cfg.Log, func(about *jetstream.MsgMetadata, m jetstream.Msg) {
		if ctx.Err() != nil || !endsSession(m.Data()) {
			return
		}
		session := strings.TrimPrefix(m.Subject(), subjectPrefix)
		if err := ended(session, strconv.FormatUint(about.Sequence.Stream, 10)); err != nil {
			cancel(err)
		}
	})
	return context.Cause(ctx)
}
