package assembly_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/engine"
	"attache/proxy/objects"
	"attache/proxy/proxytest"
	"attache/proxy/token"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

// earlier is a proxy of an earlier release: its documents are in the embedded engine.
func earlier(t *testing.T, e *engine.Engine, now func() time.Time) (assembly.Store, *assembly.Assembly) {
	t.Helper()
	store, err := objects.Open(t.Context(), e, objects.Options{Now: now})
	require.NoError(t, err)
	return store, open(t, e, assembly.Options{
		Scanner: stuck{}, Stores: func(string) (assembly.Store, error) { return store, nil },
	})
}

func open(t *testing.T, e *engine.Engine, o assembly.Options) *assembly.Assembly {
	t.Helper()
	auth, err := token.NewAuthenticator(token.Secret([]byte(proxytest.Secret)))
	require.NoError(t, err)
	o.Proxy.Auth, o.Proxy.Origins, o.Log = auth, []string{proxytest.Origin}, slog.New(slog.DiscardHandler)
	a, err := assembly.Open(t.Context(), e, o)
	require.NoError(t, err)
	t.Cleanup(a.Close)
	return a
}

func start(t *testing.T, dir string) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e
}

// stuck is a scanner that passes all files but those of one size.
type stuck struct{}

const stuckSize = 3_000_001

func (stuck) Scan(_ context.Context, content io.Reader, d proxy.Document) (proxy.Verdict, error) {
	if d.Size == stuckSize {
		return proxy.Unknown, fmt.Errorf("not this one")
	}
	_, err := io.Copy(io.Discard, content)
	return proxy.Clean, err
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

var who = proxy.Identity{Session: "s1", Party: bridge.Party{UserID: "ben", Nickname: "ben", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}, Rights: bridge.AllRights}

// sender is ben at one proxy.
type sender struct {
	t      *testing.T
	all    *assembly.Assembly
	limits bridge.Limits
}

func join(t *testing.T, a *assembly.Assembly) sender {
	joined, err := a.Chat.Join(t.Context(), who.Session, proxy.Joining{Party: who.Party})
	require.NoError(t, err)
	return sender{t, a, joined.Limits}
}

func (s sender) offer(key string, size int) proxy.Offered {
	s.t.Helper()
	offered, err := s.all.Proxy.Transfers().Offer(s.t.Context(), who, proxy.Offer{
		Key: key, Conn: "test", Limits: s.limits, Name: "ünïcode.pdf", MimeType: "application/pdf", Description: "d", Size: int64(size),
	})
	require.NoError(s.t, err)
	return offered
}

// send sends content from the offered offset up to end.
func (s sender) send(key string, content []byte, end int) proxy.Offered {
	s.t.Helper()
	offered := s.offer(key, len(content))
	if !offered.Incoming {
		return offered // an empty file
	}
	_, err := s.all.Proxy.Transfers().Receive(s.t.Context(), who, key, offered.Offset, proxy.Source{
		Reader: bytes.NewReader(content[offered.Offset:end]), Cut: func() {},
	})
	if end == len(content) {
		require.NoError(s.t, err)
	} else {
		require.ErrorIs(s.t, err, io.ErrUnexpectedEOF)
	}
	return offered
}

func key(n int) string { return fmt.Sprintf("%032x", n) }

// A data directory was written by a release that stored documents in JetStream: on two days,
// announced files of several sizes, one upload that is accepted and not announced, and one
// that is unfinished. The next start moves all of it into files.
func TestDirectoryOfAnEarlierReleaseIsMovedIntoFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, dir)
	sizes := []int{0, 1, 959 << 10, 960 << 10, 2_500_000}
	now := time.Now().Add(-24 * time.Hour)
	_, before := earlier(t, e, func() time.Time { return now })
	ben := join(t, before)
	records := map[string]proxy.Record{}
	for i, size := range sizes {
		if i == 3 {
			now = time.Now()
		}
		ben.send(key(i), random(size), size)
		r, err := before.Proxy.Transfers().Await(t.Context(), who, key(i))
		require.NoError(t, err)
		require.Equal(t, bridge.Announced, r.State)
		records[r.Key] = r
	}
	ben.send(key(100), random(stuckSize), stuckSize)
	ben.send(key(101), random(2_000_000), 1_500_000)
	before.Close()
	e.Close()

	e = start(t, dir)
	require.NotEmpty(t, streams(t, e))
	after := open(t, e, assembly.Options{Scanner: proxy.NoScanner{}})
	require.Empty(t, streams(t, e), "the days are deleted")
	for i, size := range sizes {
		r := records[key(i)]
		content, err := after.Store.Open(t.Context(), r.DocumentID)
		require.NoError(t, err)
		b, err := io.ReadAll(content)
		require.NoError(t, err)
		require.True(t, bytes.Equal(random(size), b))
		d := content.Document()
		content.Close()
		require.Equal(t, r.Document().Name, d.Name)
		require.Equal(t, "application/pdf", d.MimeType)
		require.Equal(t, "d", d.Description)
		require.Equal(t, r.Digest, hex.EncodeToString(d.SHA256[:]))
	}
	days, err := filepath.Glob(filepath.Join(dir, "documents", "????-??-??"))
	require.NoError(t, err)
	require.Len(t, days, 2)

	ben = join(t, after)
	r, err := after.Proxy.Transfers().Await(t.Context(), who, key(100))
	require.NoError(t, err)
	require.Equal(t, bridge.Announced, r.State, "what was accepted is delivered")
	offered := ben.send(key(101), random(2_000_000), 2_000_000)
	require.EqualValues(t, 1_500_000, offered.Offset, "what was acked is not sent again")
	sum := sha256.Sum256(random(2_000_000)[:1_500_000])
	require.Equal(t, hex.EncodeToString(sum[:]), offered.Digest)
	r, err = after.Proxy.Transfers().Await(t.Context(), who, key(101))
	require.NoError(t, err)
	require.Equal(t, bridge.Announced, r.State)
}

// streams lists the streams with documents.
func streams(t *testing.T, e *engine.Engine) (list []string) {
	t.Helper()
	names := e.JetStream().StreamNames(t.Context())
	for name := range names.Name() {
		if strings.HasPrefix(name, "OBJ_") {
			list = append(list, name)
		}
	}
	require.NoError(t, names.Err())
	return list
}

// An earlier release ran with a backend, and this one runs without.
func TestStagedContentOfAnEarlierReleaseIsMovedToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, dir)
	s, err := objects.Open(t.Context(), e, objects.Options{Prefix: "staged"})
	require.NoError(t, err)
	id := s.NewID()
	w, err := s.Begin(t.Context(), proxy.Document{ID: id}, 0)
	require.NoError(t, err)
	durable := make(chan error, 1)
	require.NoError(t, w.Append(t.Context(), []byte("staged"), func(_ int64, err error) { durable <- err }))
	require.NoError(t, <-durable)
	open(t, e, assembly.Options{Scanner: proxy.NoScanner{}})
	require.Empty(t, streams(t, e))
	found, err := filepath.Glob(filepath.Join(dir, "staged", "*", id+".part"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	b, err := os.ReadFile(found[0])
	require.NoError(t, err)
	require.Equal(t, "staged", string(b))
}

// A start that fails for lack of disk space changes nothing, and says what to do.
func TestStartWithoutSpaceForAnEarlierReleasesDayIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, dir)
	_, before := earlier(t, e, nil)
	join(t, before).send(key(1), random(2_000_000), 2_000_000)
	before.Close()
	e.Close()
	e, err := engine.Start(t.Context(), engine.Options{Dir: dir, Reserve: total(t, dir) - 1}) // so that nothing is free
	require.NoError(t, err)
	t.Cleanup(e.Close)
	_, _, err = assembly.OpenStore(t.Context(), e, "documents", nil)
	require.ErrorContains(t, err, "free some disk space, or start the earlier release")
	require.NotEmpty(t, streams(t, e))
}

// total is the size of a directory's volume.
func total(t *testing.T, dir string) int64 {
	t.Helper()
	var st unix.Statfs_t
	require.NoError(t, unix.Statfs(dir, &st))
	return int64(st.Blocks) * int64(st.Bsize)
}
