package inspect_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/inspect"
	"attache/proxy/proxytest"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

// world is a store, a scanner and an engine that inspectors share.
type world struct {
	t *testing.T
	*engine.Engine

	mu        sync.Mutex
	documents map[string]stored
	version   string
	verdict   func(content []byte) (proxy.Verdict, error)
	scanning  chan struct{} // each scan waits for it, if there is one
	scans     atomic.Int64
	reads     atomic.Int64
}

// stored is a document as its store describes it and as it is.
type stored struct {
	size    int64
	content io.Reader
}

func newWorld(t *testing.T) *world {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return &world{t: t, Engine: e, documents: map[string]stored{}, version: "v1"}
}

func (w *world) open(change ...func(*inspect.Options)) *inspect.Inspector {
	w.t.Helper()
	o := inspect.Options{Documents: w, Scanner: w, Dir: w.t.TempDir(), Signatures: w.signatures, Reserve: 1}
	for _, f := range change {
		f(&o)
	}
	i, err := inspect.Open(w.t.Context(), w.Engine, o)
	require.NoError(w.t, err)
	w.t.Cleanup(i.Close)
	i.SetBeat(40 * time.Millisecond)
	return i
}

// put stores a document that says what it is.
func (w *world) put(id string, content []byte) [32]byte {
	w.lie(id, int64(len(content)), bytes.NewReader(content))
	return sha256.Sum256(content)
}

// lie stores one that may not.
func (w *world) lie(id string, size int64, content io.Reader) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.documents[id] = stored{size, content}
}

func (w *world) signatures(context.Context) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.version == "" {
		return "", errors.New("clamd is down")
	}
	return w.version, nil
}

func (w *world) setVersion(v string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.version = v
}

func (w *world) Open(ctx context.Context, id string) (proxy.Content, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.documents[id]
	if !ok {
		return nil, bridge.NewError(bridge.CodeDocument, "")
	}
	w.reads.Add(1)
	if whole, ok := s.content.(*bytes.Reader); ok {
		// Each reader has a position of its own.
		s.content = io.NewSectionReader(whole, 0, whole.Size())
	}
	return &document{ctx, s}, nil
}

func (w *world) Add(context.Context, proxy.Document) (string, error) { panic("not called") }
func (w *world) Remove(context.Context, string) error                { panic("not called") }

type document struct {
	ctx context.Context
	stored
}

func (d *document) Read(p []byte) (int, error) {
	if d.content == nil { // hangs
		<-d.ctx.Done()
		return 0, d.ctx.Err()
	}
	return d.content.Read(p)
}
func (d *document) Seek(int64, int) (int64, error) { panic("not called") }
func (d *document) Close() error                   { return nil }
func (d *document) Document() proxy.Document       { return proxy.Document{Size: d.size} }

func (w *world) Scan(ctx context.Context, content io.Reader, d proxy.Document) (proxy.Verdict, error) {
	w.scans.Add(1)
	if w.scanning != nil {
		select {
		case <-w.scanning:
		case <-ctx.Done():
			return proxy.Unknown, ctx.Err()
		}
	}
	got, err := io.ReadAll(content)
	require.NoError(w.t, err)
	require.Equal(w.t, d.SHA256, sha256.Sum256(got), "it scans what it hashed")
	if w.verdict != nil {
		return w.verdict(got)
	}
	if bytes.Contains(got, []byte("virus")) {
		return proxy.Infected, nil
	}
	return proxy.Clean, nil
}

// inspect reads a document to its end.
func (w *world) inspect(i *inspect.Inspector, id string) ([]byte, error) {
	content, err := i.Inspect(w.t.Context(), id, [32]byte{})
	if err != nil {
		return nil, err
	}
	defer content.Close()
	got, err := io.ReadAll(content)
	require.NoError(w.t, err)
	require.Equal(w.t, sha256.Sum256(got), content.Document().SHA256)
	require.Equal(w.t, int64(len(got)), content.Document().Size)
	return got, nil
}

func code(t *testing.T, want bridge.Code, err error) {
	t.Helper()
	require.Equal(t, want, bridge.CodeOf(err), "%v", err)
}

func TestVerdictIsRememberedForTheBytesAndTheSignatures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, other := w.open(), w.open()
	for n, step := range []struct {
		name    string
		by      *inspect.Inspector
		id      string
		content string
		version string
		scans   int64 // in all
	}{
		{"the first time", i, "d1", "hello", "v1", 1},
		{"another document of the same bytes", i, "d2", "hello", "v1", 1},
		{"at another proxy", other, "d3", "hello", "v1", 1},
		{"other signatures", i, "d4", "hello", "v2", 2},
		{"the signatures of before", other, "d5", "hello", "v1", 2},
		{"other bytes under a known id", other, "d1", "hello!", "v1", 3},
		{"unknown signatures", i, "d6", "hello", "", 4},
		{"unknown signatures again", i, "d7", "hello", "", 5},
	} {
		w.setVersion(step.version)
		w.put(step.id, []byte(step.content))
		got, err := w.inspect(step.by, step.id)
		require.NoError(t, err, step.name)
		require.Equal(t, step.content, string(got), step.name)
		require.Equal(t, step.scans, w.scans.Load(), "%d: %s", n, step.name)
	}
}

func TestRejectedDocumentIsNotKeptAndNotHeldAgainstItsID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.open(func(o *inspect.Options) { o.Fresh = time.Nanosecond })
	w.put("d", []byte("a virus"))
	for range 2 {
		_, err := w.inspect(i, "d")
		code(t, bridge.CodeInfected, err)
		rejected, ok := errors.AsType[*proxy.RejectedError](err)
		require.True(t, ok)
		sum := sha256.Sum256([]byte("a virus"))
		require.Equal(t, proxy.Document{SHA256: sum}.Digest(), rejected.Digest)
		require.Equal(t, "ask the sender for another file", bridge.AsError(err).Hint)
	}
	require.EqualValues(t, 1, w.scans.Load(), "the verdict is remembered")
	require.EqualValues(t, 2, w.reads.Load(), "the document is read again, because it may have changed")
	used, files := i.Used()
	require.Zero(t, used)
	require.Zero(t, files)
	w.put("d", []byte("harmless"))
	got, err := w.inspect(i, "d")
	require.NoError(t, err)
	require.Equal(t, "harmless", string(got))
}

// What was scanned is handed out, whatever the store has by then.
func TestDocumentThatChangesAfterItsScan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.open(func(o *inspect.Options) { o.Fresh = time.Nanosecond })
	sum := w.put("d", []byte("harmless"))
	_, err := w.inspect(i, "d")
	require.NoError(t, err)
	w.put("d", []byte("a virus!"))
	content, err := i.Open(t.Context(), "d", sum)
	require.NoError(t, err)
	got, err := io.ReadAll(content)
	require.NoError(t, err)
	require.Equal(t, "harmless", string(got))

	i.Sweep(time.Now().Add(time.Hour)) // it is being read
	_, err = content.Seek(0, io.SeekStart)
	require.NoError(t, err)
	got, err = io.ReadAll(content)
	require.NoError(t, err)
	require.Equal(t, "harmless", string(got))
	content.Close()
	content.Close()
	i.Sweep(time.Now().Add(time.Hour))
	_, err = i.Open(t.Context(), "d", sum)
	code(t, bridge.CodeInfected, err)
	w.put("d", []byte("other"))
	_, err = i.Open(t.Context(), "d", sum)
	code(t, bridge.CodeDocumentChanged, err)
	w.put("d", []byte("harmless"))
	scans := w.scans.Load()
	content, err = i.Open(t.Context(), "d", sum)
	require.NoError(t, err)
	content.Close()
	require.Equal(t, scans, w.scans.Load(), "the ticket says that they are clean")
}

// Our delivery has scanned it, but its store knows no digest that says so.
func TestBytesOfOurDeliveryAreNotScannedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.open(func(o *inspect.Options) { o.Fresh = time.Nanosecond })
	sum := w.put("d", []byte("delivered"))
	content, err := i.Inspect(t.Context(), "d", sum)
	require.NoError(t, err)
	content.Close()
	require.Zero(t, w.scans.Load())
	w.put("d", []byte("a virus"))
	_, err = i.Inspect(t.Context(), "d", sum)
	code(t, bridge.CodeInfected, err)
}

func TestConcurrentRequestsAtTwoProxiesCauseOneScan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scanning = make(chan struct{})
	both := []*inspect.Inspector{w.open(), w.open()}
	w.put("d", []byte("hello"))
	var asking sync.WaitGroup
	for n := range 8 {
		asking.Go(func() {
			got, err := w.inspect(both[n%2], "d")
			require.NoError(t, err)
			require.Equal(t, "hello", string(got))
		})
	}
	require.Eventually(t, func() bool { return w.scans.Load() == 1 && w.reads.Load() == 2 }, time.Minute, time.Millisecond)
	close(w.scanning)
	asking.Wait()
	require.EqualValues(t, 1, w.scans.Load())
	require.EqualValues(t, 2, w.reads.Load(), "each proxy has its own spool")
}

// A proxy was killed while it scanned; another one scans after its lease.
func TestLeaseOfADeadProxyEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dead, alive := w.open(), w.open()
	require.NoError(t, dead.Abandon(w.put("d", []byte("hello"))))
	got, err := w.inspect(alive, "d")
	require.NoError(t, err)
	require.Equal(t, "hello", string(got))
	require.EqualValues(t, 1, w.scans.Load())
}

// Who asked may leave: the scan goes on for the next one.
func TestScanOutlivesItsAsker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scanning = make(chan struct{})
	i := w.open()
	w.put("d", []byte("hello"))
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { _, err := i.Inspect(ctx, "d", [32]byte{}); left <- err }()
	require.Eventually(t, func() bool { return w.scans.Load() == 1 }, time.Minute, time.Millisecond)
	cancel()
	code(t, bridge.CodeBusy, <-left)
	close(w.scanning)
	_, err := w.inspect(i, "d")
	require.NoError(t, err)
	require.EqualValues(t, 1, w.scans.Load())
}

func TestBoundsOfTheSpool(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kib := bytes.Repeat([]byte("x"), 1<<10)
	i := w.open(func(o *inspect.Options) { o.MaxBytes = 4 << 10 })
	var open []proxy.Content
	for n := range 4 {
		id := string(rune('a' + n))
		w.put(id, append(bytes.Clone(kib[1:]), byte(n)))
		content, err := i.Inspect(t.Context(), id, [32]byte{})
		require.NoError(t, err)
		open = append(open, content)
	}
	w.put("e", append(bytes.Clone(kib[1:]), 'e'))
	_, err := w.inspect(i, "e")
	code(t, bridge.CodeBusy, err)
	open[2].Close()
	got, err := w.inspect(i, "e")
	require.NoError(t, err, "what nobody reads makes room")
	require.Equal(t, byte('e'), got[1023])
	used, files := i.Used()
	require.EqualValues(t, 4<<10, used)
	require.Equal(t, 4, files)
	for n, content := range open {
		if n == 2 {
			continue
		}
		got, err := io.ReadAll(content)
		require.NoError(t, err)
		require.Equal(t, byte(n), got[1023])
		content.Close()
	}
	i.Sweep(time.Now().Add(time.Hour))
	used, files = i.Used()
	require.Zero(t, used)
	require.Zero(t, files)
}

// Whatever a store answers, nothing is handed out that was not scanned, and nothing stays.
func TestWhatAStoreMayAnswer(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken off")
	for name, c := range map[string]struct {
		size    int64
		content io.Reader
		change  func(*inspect.Options)
		verdict proxy.Verdict
		failed  error
		want    bridge.Code
	}{
		"nothing":                  {want: bridge.CodeDocument},
		"fewer bytes":              {size: 6, content: bytes.NewReader([]byte("hello")), want: bridge.CodeDocumentChanged},
		"more bytes":               {size: 4, content: bytes.NewReader([]byte("hello")), want: bridge.CodeDocumentChanged},
		"some bytes and an error":  {size: 5, content: io.MultiReader(bytes.NewReader([]byte("he")), failing{broken}), want: bridge.CodeStorageUnavailable},
		"a hanging body":           {size: 5, change: func(o *inspect.Options) { o.Time = 50 * time.Millisecond }, want: bridge.CodeTimeout},
		"too many for the scanner": {size: 11, change: func(o *inspect.Options) { o.MaxSize = 10 }, want: bridge.CodeUnscannable},
		"too many for the spool":   {size: 11, change: func(o *inspect.Options) { o.MaxBytes = 10 }, want: bridge.CodeBusy},
		"too many for the disk":    {size: 11, change: func(o *inspect.Options) { o.Reserve = 1 << 60 }, want: bridge.CodeStorageFull},
		"an infected document":     {size: 5, content: bytes.NewReader([]byte("hello")), verdict: proxy.Infected, want: bridge.CodeInfected},
		"an unscannable document":  {size: 5, content: bytes.NewReader([]byte("hello")), verdict: proxy.Unscannable, want: bridge.CodeUnscannable},
		"and the scanner nothing":  {size: 5, content: bytes.NewReader([]byte("hello")), verdict: proxy.Unknown, want: bridge.CodeScannerOffline},
		"and the scanner nonsense": {size: 5, content: bytes.NewReader([]byte("hello")), verdict: "fine", want: bridge.CodeScannerOffline},
		"and the scanner fails":    {size: 5, content: bytes.NewReader([]byte("hello")), verdict: proxy.Clean, failed: broken, want: bridge.CodeScannerOffline},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.verdict = func([]byte) (proxy.Verdict, error) { return c.verdict, c.failed }
			if name != "nothing" {
				w.lie("d", c.size, c.content)
			}
			i := w.open(func(o *inspect.Options) {
				if c.change != nil {
					c.change(o)
				}
			})
			_, err := w.inspect(i, "d")
			require.Error(t, err)
			code(t, c.want, err)
			used, files := i.Used()
			require.Zero(t, used)
			require.Zero(t, files)

			w.verdict = nil
			w.put("other", []byte("hello"))
			if c.verdict == proxy.Infected || c.verdict == proxy.Unscannable {
				_, err = w.inspect(i, "other")
				code(t, c.want, err) // the same bytes
				return
			}
			if c.change == nil || c.want == bridge.CodeUnscannable || c.want == bridge.CodeBusy {
				_, err = w.inspect(i, "other")
				require.NoError(t, err, "the inspector goes on")
			}
		})
	}
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

func TestSpoolHasNoNamesAndIsEmptiedAtTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "left"), []byte("by a crash"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "sub"), 0o700))
	i := w.open(func(o *inspect.Options) { o.Dir = dir })
	w.put("d", []byte("hello"))
	_, err := w.inspect(i, "d")
	require.NoError(t, err)
	_, files := i.Used()
	require.Equal(t, 1, files)
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, names)
	i.Close()
	_, err = i.Inspect(t.Context(), "d", [32]byte{})
	code(t, bridge.CodeBusy, err)
}
