package objects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
)

// end finds where staged content ends, and the lease it was found under.
func (s *Store) end(ctx context.Context, b *bucket, id string) (tail, uint64, error) {
	lease, err := s.currentLease(ctx, b, id)
	if err != nil {
		return tail{}, 0, err
	}
	if w := s.recent.get(id); w != nil && w.lease == lease {
		if end, ok := w.end(); ok {
			return end, lease, nil
		}
	}
	c, err := s.lastChunk(ctx, b, id)
	if err != nil || c == nil {
		return tail{}, lease, err
	}
	t, err := c.tail()
	return t, lease, err
}

// lastChunk is nil where nothing is stored.
func (s *Store) lastChunk(ctx context.Context, b *bucket, id string) (*chunk, error) {
	m, err := s.last(ctx, b, b.chunks(id))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseChunk(m)
}

// repair returns where the content ends for who holds the lease, and drops what
// lies behind a gap. A gap can come about where several chunks were in flight
// and an early one failed for want of room.
//
// Somebody may take the next lease meanwhile and write. So only a chunk of an
// older lease is dropped, whose writer is dead and which is as useless to the
// newer holder; a newer chunk means that the lease has ended.
func (s *Store) repair(ctx context.Context, b *bucket, id string, lease uint64) (tail, error) {
	for range 2 * inFlight {
		c, err := s.lastChunk(ctx, b, id)
		if err != nil || c == nil {
			return tail{}, err
		}
		if c.lease > lease {
			return tail{}, bridge.NewError(bridge.CodeSuperseded, "")
		}
		n, err := s.count(ctx, b, id)
		if err != nil {
			return tail{}, err
		}
		if n == c.number+1 {
			return c.tail()
		}
		if n > c.number+1 {
			continue // one was stored meanwhile
		}
		s.log.Warn("dropping a chunk behind a gap", "document", id, "chunk", c.number, "stored", n)
		if err := s.drop(ctx, b, c.seq); err != nil {
			return tail{}, err
		}
	}
	return tail{}, errors.New("the stored chunks do not make a whole")
}

// drop deletes one message, unless somebody else did.
func (s *Store) drop(ctx context.Context, b *bucket, seq uint64) error {
	err := s.engine.Retry(ctx, sending, func(ctx context.Context, _ bool) error { return b.stream.DeleteMsg(ctx, seq) })
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.ErrorCode == sequenceNotFound || api.ErrorCode == jetstream.JSErrCodeMessageNotFound) {
		return nil
	}
	return err
}

// count is how many chunks of id the stream holds.
func (s *Store) count(ctx context.Context, b *bucket, id string) (uint64, error) {
	chunks, err := s.subjects(ctx, b, b.chunks(id))
	return chunks[b.chunks(id)], err
}

// subjects counts the messages of each subject that the filter takes in. The
// server reads none for that.
func (s *Store) subjects(ctx context.Context, b *bucket, filter string) (map[string]uint64, error) {
	info, err := ask(ctx, s, func(ctx context.Context) (*jetstream.StreamInfo, error) {
		return b.stream.Info(ctx, jetstream.WithSubjectFilter(filter))
	})
	if err != nil {
		return nil, err
	}
	return info.State.Subjects, nil
}

// last reads the last message of a subject. In a cluster it asks the leader:
// any other replica may lag behind what has been acknowledged.
func (s *Store) last(ctx context.Context, b *bucket, subject string) (*jetstream.RawStreamMsg, error) {
	if s.engine.Replicas() > 1 {
		return s.leader(ctx, b, request{Last: subject})
	}
	return ask(ctx, s, func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
		return b.stream.GetLastMsgForSubject(ctx, subject)
	})
}

// request is what the leader is asked: the last message of a subject, or the
// next from a sequence on.
type request struct {
	Last string `json:"last_by_subj,omitempty"`
	Next string `json:"next_by_subj,omitempty"`
	Seq  uint64 `json:"seq,omitempty"`
}

// leader reads from the stream's leader, whoever that will be.
func (s *Store) leader(ctx context.Context, b *bucket, r request) (*jetstream.RawStreamMsg, error) {
	return ask(ctx, s, func(ctx context.Context) (*jetstream.RawStreamMsg, error) { return s.askLeader(ctx, b, r) })
}

// askLeader asks once. The client library asks a leader only where direct reads
// are off.
func (s *Store) askLeader(ctx context.Context, b *bucket, r request) (*jetstream.RawStreamMsg, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	reply, err := s.engine.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+streamName(b.name), body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Sequence uint64 `json:"seq"`
			Header   []byte `json:"hdrs"`
			Data     []byte `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return nil, fmt.Errorf("understand the leader's answer: %w", err)
	}
	if answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
		return nil, jetstream.ErrMsgNotFound
	}
	if answer.Error != nil {
		return nil, answer.Error
	}
	if answer.Message == nil {
		return nil, jetstream.ErrInvalidJetStreamResponse
	}
	m := &jetstream.RawStreamMsg{Sequence: answer.Message.Sequence, Data: answer.Message.Data}
	if len(answer.Message.Header) > 0 {
		m.Header, err = nats.DecodeHeadersMsg(answer.Message.Header)
	}
	return m, err
}
