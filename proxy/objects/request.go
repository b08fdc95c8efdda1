package objects

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy/engine"
)

// answerTimeout bounds all tries of a request: the disk may be busy with everything that
// the budget allows, or the cluster may be electing a leader.
const answerTimeout = 30 * time.Second

// A request is soon repeated. Bytes may have to wait for a disk.
var (
	requestRetry = engine.RetryPolicy{Total: answerTimeout, PerTry: 2 * time.Second}
	sendRetry    = engine.RetryPolicy{Total: answerTimeout, PerTry: 5 * time.Second}
)

// retry runs a request that changes nothing, or nothing more when it is repeated.
func retry[T any](ctx context.Context, s *Store, request func(context.Context) (T, error)) (answer T, err error) {
	err = s.engine.Retry(ctx, requestRetry, func(ctx context.Context, _ bool) (err error) {
		answer, err = request(ctx)
		return err
	})
	return answer, err
}

// send publishes a message that may be stored twice, and waits for its acknowledgement.
func (s *Store) send(ctx context.Context, m *nats.Msg) (ack *jetstream.PubAck, err error) {
	err = s.engine.Retry(ctx, sendRetry, func(ctx context.Context, _ bool) (err error) {
		ack, err = s.publish.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
		return err
	})
	return ack, superseded(err)
}

// superseded translates a failed comparison with a lease.
func superseded(err error) error {
	if engine.Overtaken(err) {
		return bridge.NewError(bridge.CodeSuperseded, "")
	}
	return err
}

// last reads the last message of a subject. In a cluster it reads from the leader: any
// other replica may lag behind the acknowledged messages.
func (s *Store) last(ctx context.Context, b *bucket, subject string) (*jetstream.RawStreamMsg, error) {
	if s.engine.Replicas() > 1 {
		return s.lookupAtLeader(ctx, b, request{Last: subject})
	}
	return retry(ctx, s, func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
		return b.stream.GetLastMsgForSubject(ctx, subject)
	})
}

// request is a request to the leader: for the last message of a subject, or for the next
// one from a sequence on.
type request struct {
	Last string `json:"last_by_subj,omitempty"`
	Next string `json:"next_by_subj,omitempty"`
	Seq  uint64 `json:"seq,omitempty"`
}

// lookupAtLeader reads from the stream's leader, also from the next one.
func (s *Store) lookupAtLeader(ctx context.Context, b *bucket, r request) (*jetstream.RawStreamMsg, error) {
	return retry(ctx, s, func(ctx context.Context) (*jetstream.RawStreamMsg, error) { return s.askLeader(ctx, b, r) })
}

// askLeader makes one request. The client library reads from a leader only if direct reads
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
		return nil, fmt.Errorf("parse the leader's answer: %w", err)
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
