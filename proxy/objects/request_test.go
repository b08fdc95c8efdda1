package objects_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/objects"
)

// A request that reaches a dying leader is never answered. TestElectionRepeatsRequests
// shows the same with a real election, in make chaos.
func TestUnansweredRequestsAreRepeated(t *testing.T) {
	var day clock
	e := startEngine(t, t.TempDir())
	s, other := open(t, e, objects.Options{Now: day.now}), open(t, e, objects.Options{Now: day.now})
	unanswered, restore := objects.Mute(s)
	defer restore()
	content := random(500)
	id := other.NewID()
	write(t, begin(t, other, id), content[:400], 100)
	bucket, err := e.JetStream().Stream(t.Context(), "OBJ_documents-2026-11-20")
	require.NoError(t, err)
	require.NoError(t, bucket.DeleteMsg(t.Context(), 3)) // so that there is a chunk after a gap

	w := begin(t, s, id)
	require.EqualValues(t, 200, w.Offset())
	write(t, w, content[200:], 100)
	_, err = s.Add(t.Context(), document(id, content))
	require.NoError(t, err)
	require.Equal(t, content, read(t, s, id))
	require.NoError(t, s.Remove(t.Context(), id))

	day.days.Store(1)
	put(t, s, content, 100) // in a new bucket
	require.ElementsMatch(t, []string{
		"open a stream", "create a stream", "publish", "count messages", "get a message", "get a last message", "delete a message", "purge",
	}, unanswered())
}
