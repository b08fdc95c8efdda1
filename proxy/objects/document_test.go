package objects_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/objects"
)

func TestOpenDescribesTheDocument(t *testing.T) {
	t.Parallel()
	s := open(t, startEngine(t, t.TempDir()), objects.Options{})
	content := random(1000)
	id := s.NewID()
	write(t, begin(t, s, id), content, 1000)
	want := document(id, content)
	want.Created = time.Date(2026, 11, 20, 10, 11, 12, 13, time.UTC)
	_, err := s.Add(t.Context(), want)
	require.NoError(t, err)

	c, err := s.Open(t.Context(), id)
	require.NoError(t, err)
	defer c.Close()
	require.Equal(t, want, c.Document())
}

func TestT18AddRefusesLies(t *testing.T) {
	t.Parallel()
	s := open(t, startEngine(t, t.TempDir()), objects.Options{})
	content := random(1000)
	for name, test := range map[string]struct {
		change func(d *proxy.Document)
		code   bridge.Code
	}{
		"a size that is too small":        {func(d *proxy.Document) { d.Size-- }, bridge.CodeDigest},
		"a size that is too large":        {func(d *proxy.Document) { d.Size++ }, bridge.CodeDigest},
		"another digest":                  {func(d *proxy.Document) { d.SHA256[31]++ }, bridge.CodeDigest},
		"content that was not staged":     {func(d *proxy.Document) { d.ID = s.NewID() }, bridge.CodeDigest},
		"an impossible id":                {func(d *proxy.Document) { d.ID = "../../etc/passwd" }, bridge.CodeDocument},
		"a name of 257 characters":        {func(d *proxy.Document) { d.Name = strings.Repeat("ü", 257) }, bridge.CodeNameLength},
		"a type of 257 characters":        {func(d *proxy.Document) { d.MimeType = strings.Repeat("x", 257) }, bridge.CodeFileType},
		"an empty file that is not empty": {func(d *proxy.Document) { *d = document(d.ID, nil) }, bridge.CodeDigest},
	} {
		t.Run(name, func(t *testing.T) {
			id := s.NewID()
			write(t, begin(t, s, id), content, 300)
			d := document(id, content)
			test.change(&d)
			_, err := s.Add(t.Context(), d)
			require.Equal(t, test.code, bridge.CodeOf(err), "%v", err)
			_, err = s.Open(t.Context(), id)
			require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err), "there is no document")

			_, err = s.Add(t.Context(), document(id, content))
			require.NoError(t, err, "the content is unharmed")
		})
	}
	t.Run("not a name of 256 characters", func(t *testing.T) {
		d := document(s.NewID(), nil)
		d.Name = strings.Repeat("ü", 256)
		_, err := s.Add(t.Context(), d)
		require.NoError(t, err)
	})
}

func TestAddMayBeRepeated(t *testing.T) {
	t.Parallel()
	e := startEngine(t, t.TempDir())
	s := open(t, e, objects.Options{})
	content := random(1000)
	id := put(t, s, content, 1000)
	for name, other := range map[string]*objects.Store{"in the same store": s, "in another": open(t, e, objects.Options{})} {
		t.Run(name, func(t *testing.T) {
			_, err := other.Add(t.Context(), document(id, content))
			require.NoError(t, err)
			require.Equal(t, content, read(t, s, id))
		})
	}
}

// An upload that was superseded after its last byte still has its content.
func TestAddAfterTheWriterWasSuperseded(t *testing.T) {
	t.Parallel()
	e := startEngine(t, t.TempDir())
	s := open(t, e, objects.Options{})
	content := random(1000)
	id := s.NewID()
	write(t, begin(t, s, id), content, 1000)
	begin(t, open(t, e, objects.Options{}), id)
	_, err := s.Add(t.Context(), document(id, content))
	require.NoError(t, err)
	require.Equal(t, content, read(t, s, id))
}

func TestDocumentCannotBeWrittenAgain(t *testing.T) {
	t.Parallel()
	s := open(t, startEngine(t, t.TempDir()), objects.Options{})
	content := random(1000)
	id := put(t, s, content, 1000)
	_, err := s.Begin(t.Context(), id)
	require.Equal(t, bridge.CodeUploadConflict, bridge.CodeOf(err), "%v", err)
	require.Equal(t, content, read(t, s, id))
}

func TestUnknownDocumentsAreReportedAsSuch(t *testing.T) {
	t.Parallel()
	s := open(t, startEngine(t, t.TempDir()), objects.Options{})
	staged := s.NewID()
	write(t, begin(t, s, staged), random(10), 10)
	for name, id := range map[string]string{
		"of today":       s.NewID(),
		"only staged":    staged,
		"of another day": "0001" + strings.Repeat("a", 12),
		"too short":      "2515",
		"too long":       staged + "0",
		"empty":          "",
		"a wildcard":     "2515>***********",
		"no day":         "x515aaaaaaaaaaaa",
		"a path":         "2515/../../../..",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Open(t.Context(), id)
			require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err), "%v", err)
			require.NoError(t, s.Remove(t.Context(), id))
		})
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	e := startEngine(t, t.TempDir())
	s := open(t, e, objects.Options{})
	kept, gone := random(1000), random(1001)
	keep, id := put(t, s, kept, 400), put(t, s, gone, 400)
	require.NoError(t, s.Remove(t.Context(), id))
	require.NoError(t, s.Remove(t.Context(), id), "it may be repeated")
	_, err := s.Open(t.Context(), id)
	require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))
	require.Equal(t, kept, read(t, s, keep))

	info, err := bucket(t, e).GetInfo(t.Context(), id, jetstream.GetObjectInfoShowDeleted())
	require.NoError(t, err)
	require.True(t, info.Deleted, "the standard tools see it as deleted")
	_, err = s.Add(t.Context(), document(id, gone))
	require.Equal(t, bridge.CodeDigest, bridge.CodeOf(err), "its bytes are gone")
}

func TestDiscard(t *testing.T) {
	t.Parallel()
	s := open(t, startEngine(t, t.TempDir()), objects.Options{})
	content := random(1000)
	t.Run("staged content", func(t *testing.T) {
		id := s.NewID()
		w := begin(t, s, id)
		write(t, w, content, 400)
		require.NoError(t, s.Discard(t.Context(), id))
		err := refused(t, w, content)
		require.Equal(t, bridge.CodeSuperseded, bridge.CodeOf(err), "%v", err)
		_, err = s.Add(t.Context(), document(id, content))
		require.Equal(t, bridge.CodeDigest, bridge.CodeOf(err), "%v", err)
		require.Zero(t, begin(t, s, id).Offset())
	})
	t.Run("twice", func(t *testing.T) {
		id := s.NewID()
		write(t, begin(t, s, id), content, 400)
		require.NoError(t, s.Discard(t.Context(), id))
		require.NoError(t, s.Discard(t.Context(), id))
	})
	t.Run("an unknown id", func(t *testing.T) {
		require.NoError(t, s.Discard(t.Context(), s.NewID()))
		require.NoError(t, s.Discard(t.Context(), "0001"+strings.Repeat("a", 12)))
	})
	t.Run("not a document", func(t *testing.T) {
		id := put(t, s, content, 400)
		require.NoError(t, s.Discard(t.Context(), id))
		require.Equal(t, content, read(t, s, id))
	})
	t.Run("and the same bytes again", func(t *testing.T) {
		id := s.NewID()
		write(t, begin(t, s, id), content, 400)
		require.NoError(t, s.Discard(t.Context(), id))
		write(t, begin(t, s, id), content, 400)
		_, err := s.Add(t.Context(), document(id, content))
		require.NoError(t, err)
		require.Equal(t, content, read(t, s, id))
	})
}

func TestStaged(t *testing.T) {
	t.Parallel()
	s := open(t, startEngine(t, t.TempDir()), objects.Options{})
	content := random(1000)
	id := s.NewID()
	write(t, begin(t, s, id), content[:600], 250)
	r, err := s.Staged(t.Context(), id)
	require.NoError(t, err)
	defer r.Close()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, content[:600], got)
}

func TestDocumentsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := startEngine(t, dir)
	s := open(t, e, objects.Options{})
	content := random(1000)
	id := put(t, s, content, 300)
	e.Close()
	require.Equal(t, content, read(t, open(t, startEngine(t, dir), objects.Options{}), id))
}

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
