package deliver_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
)

// announcerDouble is a store whose system announces each document itself, under an id of its
// own and without the upload's key. It is silent for the first tries.
type announcerDouble struct {
	*storeDouble
	chat  *chatDouble
	quiet atomic.Int64
}

func (s *announcerDouble) Announces(_ context.Context, id string) (string, bool, error) {
	if s.quiet.Add(-1) == 0 {
		notice := bridge.Announcement{Name: "report.pdf", Size: 5, DocumentID: id}.Notice(bridge.All)
		if _, err := s.chat.append(session, "customer", notice); err != nil {
			return id, true, err
		}
	}
	return id, true, nil
}

// readableChat lets the loop read what the system has posted.
type readableChat struct{ *chatDouble }

func (c readableChat) Transcript(_ context.Context, _ string, _ int64, each func(bridge.Event) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

func (readableChat) Ended(ctx context.Context, _ string, _ func(string, string) error) error {
	<-ctx.Done()
	return nil
}

func TestStoreThatAnnounces_ItsNoticeCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := &announcerDouble{storeDouble: w.store, chat: w.chat}
	store.quiet.Store(5)
	chat := readableChat{w.chat}
	w.start(func(o *deliver.Options) { o.Documents, o.Chat = store, chat })
	r := w.accepted()
	r = w.awaitState(r.Key, bridge.Announced)
	require.NotEmpty(t, r.FileID)
	var notices []bridge.Event
	require.NoError(t, chat.Transcript(t.Context(), session, 0, func(e bridge.Event) error {
		notices = append(notices, e)
		return nil
	}))
	require.Len(t, notices, 1, "nobody else posts one")
	require.Empty(t, notices[0].Key)
	require.Equal(t, notices[0].ID, r.Event)
	var _ proxy.Announcer = store
}
