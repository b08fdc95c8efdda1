package backup_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"attache/proxy/backup"
)

// Most messages are replaced while the snapshot is sent, which is larger than what the engine
// sends before it is acknowledged. The snapshot alone would lose most of them. The new ones are
// small, because the engine interrupts a snapshot whose pieces are acknowledged late; what is not
// replaced is of the snapshot even then.
func TestStreamOfNewestMessagesIsWholeWhileTheyAreReplaced(t *testing.T) {
	t.Parallel()
	data, dir := dataDir(t), t.TempDir()
	e := start(t, data)
	s := backup.Listen(e, slog.New(slog.DiscardHandler))
	defer s.Close()
	_, err := e.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "NEWEST", Subjects: []string{"n.>"}, Storage: jetstream.FileStorage, MaxMsgsPerSubject: 1,
	})
	require.NoError(t, err)
	const subjects, kept = 64, 16
	put := func(version byte, from, size int) {
		for i := from; i < subjects; i++ {
			m := make([]byte, size)
			rand.Read(m) // what is compressed is sent at once
			m[0] = version
			_, err := e.JetStream().Publish(t.Context(), fmt.Sprintf("n.%d", i), m)
			require.NoError(t, err)
		}
	}
	put(1, 0, 100<<10)
	var replace sync.Once
	_, err = backup.Create(t.Context(), backup.Options{Data: data, Dir: dir}.OnPiece(func() {
		replace.Do(func() { put(2, kept, 100) })
	}))
	require.NoError(t, err)
	restored := start(t, restore(t, dir))
	stream, err := restored.JetStream().Stream(t.Context(), "NEWEST")
	require.NoError(t, err)
	require.EqualValues(t, subjects, stream.CachedInfo().State.Msgs)
	versions := map[byte]int{}
	for i := range subjects {
		m, err := stream.GetLastMsgForSubject(t.Context(), fmt.Sprintf("n.%d", i))
		require.NoError(t, err)
		versions[m.Data[0]]++
	}
	require.GreaterOrEqual(t, versions[1], kept, "of the snapshot: %v", versions)
	require.Positive(t, versions[2], "replaced before they were sent: %v", versions)
}
