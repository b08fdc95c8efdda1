package proxy

import (
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// TestOnlyTheNewestOwnRecordIsReported notes a changed record, and then an older one
// that was read before the change.
func TestOnlyTheNewestOwnRecordIsReported(t *testing.T) {
	s := &session{socket: &socket{who: Identity{Party: bridge.Party{UserID: "a"}}}, changed: map[string]Record{}}
	for _, r := range []Record{
		{UserID: "a", Key: "k", State: bridge.Stored, Revision: 3}, {UserID: "a", Key: "k", State: bridge.Announced, Revision: 4},
		{UserID: "a", Key: "k", State: bridge.Accepted, Revision: 2}, {UserID: "b", Key: "other", Revision: 9},
	} {
		s.note(r)
	}
	news := s.news()
	require.Len(t, news, 1)
	require.Equal(t, bridge.Announced, news[0].State)
}
