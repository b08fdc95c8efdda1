package objects_test

import (
	"io"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"attache/proxy/objects"
)

// bucket opens the only bucket, as any other program does.
func bucket(t testing.TB, e interface{ Conn() *nats.Conn }) jetstream.ObjectStore {
	t.Helper()
	js, err := jetstream.New(e.Conn())
	require.NoError(t, err)
	var names []string
	for name := range js.ObjectStoreNames(t.Context()).Name() {
		names = append(names, name)
	}
	require.Len(t, names, 1)
	store, err := js.ObjectStore(t.Context(), names[0])
	require.NoError(t, err)
	return store
}

func TestRemovedDocumentIsDeletedForTheStandardTools(t *testing.T) {
	t.Parallel()
	e := startEngine(t, t.TempDir())
	s := open(t, e, objects.Options{})
	put(t, s, random(1000), 400)
	id := put(t, s, random(1001), 400)
	require.NoError(t, s.Remove(t.Context(), id))
	info, err := bucket(t, e).GetInfo(t.Context(), id, jetstream.GetObjectInfoShowDeleted())
	require.NoError(t, err)
	require.True(t, info.Deleted)
	list, err := bucket(t, e).List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
}

// The client library's own object store reads our documents, checks their digest and
// lists them.
func TestStandardObjectStoreReadsEveryDocument(t *testing.T) {
	t.Parallel()
	e := startEngine(t, t.TempDir())
	s := open(t, e, objects.Options{})
	for name, size := range map[string]int{"empty": 0, "small": 17, "one chunk": 64 << 10, "many chunks": 3 << 20} {
		t.Run(name, func(t *testing.T) {
			content := random(size)
			id := put(t, s, content, 64<<10)
			object, err := bucket(t, e).Get(t.Context(), id)
			require.NoError(t, err)
			got, err := io.ReadAll(object)
			require.NoError(t, err)
			require.NoError(t, object.Error())
			require.True(t, string(content) == string(got))
			info, err := object.Info()
			require.NoError(t, err)
			require.Equal(t, "Übersicht.pdf", info.Metadata["TheName"])
			require.EqualValues(t, (size+64<<10-1)/(64<<10), info.Chunks)
		})
	}
	list, err := bucket(t, e).List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 4)
}
