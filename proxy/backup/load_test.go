package backup_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/backup"
	"attache/proxy/chat"
	"attache/proxy/engine"
	"attache/proxy/token"
)

// world is a whole proxy on a data directory, driven without sockets.
type world struct {
	t      *testing.T
	engine *engine.Engine
	all    *assembly.Assembly
}

func open(t *testing.T, dir string, scanner proxy.Scanner, change ...func(*assembly.Options)) *world {
	t.Helper()
	auth, err := token.NewAuthenticator(token.Secret([]byte("a secret of thirty-two bytes, or more")))
	require.NoError(t, err)
	w := &world{t: t, engine: start(t, dir)}
	unlimited := bridge.Unlimited()
	o := assembly.Options{
		Scanner: scanner, Chat: chat.Options{CustomerLimits: &unlimited}, Log: slog.New(slog.DiscardHandler),
		Proxy: proxy.Config{Auth: auth, Origins: []string{"https://desk.example"}},
	}
	for _, c := range change {
		c(&o)
	}
	w.all, err = assembly.Open(t.Context(), w.engine, o)
	require.NoError(t, err)
	t.Cleanup(w.all.Close)
	socket := backup.Listen(w.engine, slog.New(slog.DiscardHandler))
	t.Cleanup(socket.Close)
	return w
}

func (w *world) join(session, user string, kind bridge.UserType) (proxy.Identity, bridge.Limits) {
	w.t.Helper()
	who := proxy.Identity{Session: session, Party: bridge.Party{UserID: user, Nickname: user, UserType: kind, ClientVersion: bridge.VersionCurrent}, Rights: bridge.AllRights}
	joined, err := w.all.Chat.Join(w.t.Context(), session, proxy.Joining{Party: who.Party})
	require.NoError(w.t, err)
	return who, joined.Limits
}

// body is the content of the upload with that key.
func body(key string, size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8(sha256.Sum256([]byte(key))).Read(b)
	return b
}

// send sends a file, and returns when it is accepted.
func (w *world) send(ctx context.Context, who proxy.Identity, limits bridge.Limits, key string, size int) error {
	t := w.all.Proxy.Transfers()
	offered, err := t.Offer(ctx, who, proxy.Offer{Key: key, Conn: "test", Limits: limits, Name: "a.bin", Size: int64(size)})
	if err != nil || !offered.Incoming {
		return err
	}
	rest := bytes.NewReader(body(key, size)[offered.Offset:])
	_, err = t.Receive(ctx, who, key, offered.Offset, proxy.Source{Reader: rest, Cut: func() {}})
	return err
}

func key(r *rand.Rand) string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()) }

// stubborn is a scanner that does not finish the first of the files with some sizes before it is
// let go. Each keeps one worker of the delivery loop busy.
type stubborn struct {
	let  chan struct{}
	busy atomic.Int64
}

func (s *stubborn) Scan(ctx context.Context, content io.Reader, d proxy.Document) (proxy.Verdict, error) {
	if d.Size%7 == 0 && s.busy.Add(1) < 4 {
		select {
		case <-s.let:
		case <-ctx.Done():
			return proxy.Unknown, ctx.Err()
		}
	}
	_, err := io.Copy(io.Discard, content)
	return proxy.Clean, err
}

// sent is what a test has sent: sizes by session and key.
type sent struct {
	mu                  sync.Mutex
	sizes               map[string]int
	sessions            map[string]string // by key
	accepted, announced map[string]bool
}

// notices returns the files of a session's transcript.
func (w *world) notices(session string) (list []bridge.File) {
	w.t.Helper()
	err := w.all.Chat.(proxy.Transcripts).Transcript(w.t.Context(), session, 0, func(e bridge.Event) error {
		if e.IsFile() {
			f, err := bridge.DecodeFile(e)
			list = append(list, f)
			return err
		}
		return nil
	})
	require.NoError(w.t, err)
	return list
}

// A backup is made while files are offered, received, scanned and announced. In what it
// restores, each notice has its file, a party may fetch it, nothing is missing that was
// announced before the backup began, and what was accepted before it is delivered.
func TestBackupUnderLoadHasTheFileOfEveryNotice(t *testing.T) {
	t.Parallel()
	data, dir := dataDir(t), t.TempDir()
	scanner := &stubborn{let: make(chan struct{})}
	w := open(t, data, scanner)
	s := &sent{sizes: map[string]int{}, sessions: map[string]string{}, accepted: map[string]bool{}, announced: map[string]bool{}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var load sync.WaitGroup
	const sessions = 6
	for i := range sessions {
		session := fmt.Sprint("s", i)
		who, limits := w.join(session, "ben", bridge.Client) // only records prove a customer's files
		r := rand.New(rand.NewPCG(uint64(i), 1))
		load.Go(func() {
			for ctx.Err() == nil {
				k, size := key(r), 1+r.IntN(100_000)
				if r.IntN(8) == 0 {
					size = 1 + r.IntN(600_000)
				}
				s.mu.Lock()
				s.sizes[k], s.sessions[k] = size, session
				s.mu.Unlock()
				if w.send(ctx, who, limits, k, size) != nil {
					continue
				}
				s.mu.Lock()
				s.accepted[k] = true
				s.mu.Unlock()
				if size%7 == 0 {
					continue // the scanner may not finish
				}
				if record, err := w.all.Proxy.Transfers().Await(ctx, who, k); err == nil && record.State == bridge.Announced {
					s.mu.Lock()
					s.announced[k] = true
					s.mu.Unlock()
				}
			}
		})
	}
	count := func() (int, int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.accepted), len(s.announced)
	}
	progress := func(files int) {
		_, before := count()
		require.Eventually(t, func() bool { _, now := count(); return now >= before+files }, time.Minute, 5*time.Millisecond)
	}
	var accepted, announced map[string]bool
	for round := range 3 {
		progress(20)
		s.mu.Lock()
		accepted, announced = maps.Clone(s.accepted), maps.Clone(s.announced)
		s.mu.Unlock()
		// Files are announced between each stream and the next.
		r, err := backup.Create(t.Context(), backup.Options{Data: data, Dir: dir}.OnPiece(func() { progress(5) }))
		require.NoError(t, err)
		if round > 0 {
			require.Less(t, r.Copied, r.Bytes, "the earlier backup's documents are linked")
		}
	}
	stop()
	load.Wait()
	close(scanner.let)

	restored := open(t, restore(t, dir), proxy.NoScanner{})
	require.Eventually(t, func() bool {
		for k := range accepted {
			record, err := restored.all.Records.Get(t.Context(), s.sessions[k], k)
			if err != nil || record.State != bridge.Announced {
				return false
			}
		}
		return true
	}, time.Minute, 10*time.Millisecond, "what was accepted is delivered")
	found := map[string]bool{}
	for i := range sessions {
		session := fmt.Sprint("s", i)
		who, _ := restored.join(session, "eve", bridge.Agent)
		for _, f := range restored.notices(session) {
			require.False(t, found[f.Key], "announced once")
			found[f.Key] = true
			grant, d, err := restored.all.Proxy.Transfers().Authorize(t.Context(), who, proxy.Wish{FileID: f.ID, Attempt: f.Key, Conn: "test"})
			require.NoError(t, err, "%s", f.Key)
			require.EqualValues(t, s.sizes[f.Key], d.Size)
			content, err := restored.all.Proxy.Transfers().Open(t.Context(), proxy.Fetch{Grant: grant})
			require.NoError(t, err)
			b, err := io.ReadAll(content)
			require.NoError(t, err)
			content.Close()
			require.True(t, bytes.Equal(body(f.Key, s.sizes[f.Key]), b), "byte for byte")
		}
	}
	for k, session := range s.sessions {
		if record, err := restored.all.Records.Get(t.Context(), session, k); err == nil && record.State == bridge.Announced {
			require.True(t, found[k], "the record of %s says that it is announced", k)
		}
	}
	for k := range announced {
		require.True(t, found[k], "%s was announced before the backup began", k)
	}
	for k := range accepted {
		require.True(t, found[k], "%s was accepted before the backup began", k)
	}
}
