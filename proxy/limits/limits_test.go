package limits_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/engine"
	"attache/proxy/limits"
	"attache/proxy/proxytest"
)

func TestMain(m *testing.M) { proxytest.Main(m) }

func start(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e
}

func open(t *testing.T, e *engine.Engine, base limits.Settings) *limits.Store {
	t.Helper()
	s, err := limits.Open(t.Context(), e, limits.StoreOptions{Base: base, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func with(s limits.Settings, set func(*limits.Settings)) limits.Settings {
	set(&s)
	return s
}

const patience = time.Minute

// A change wins over the settings of the start, a restart undoes nothing, and a setting that
// was edited has its effect; the other options stay.
func TestStore_WhichValueIsInForce(t *testing.T) {
	t.Parallel()
	e := start(t)
	base := limits.Standard()
	s := open(t, e, base)
	require.Equal(t, base, s.Current().Settings, "nothing is stored yet")
	changed := with(base, func(s *limits.Settings) { s.UploadMaxFiles, s.UploadFileTypes = 7, "pdf" })
	d, err := s.Change(t.Context(), s.Current().Revision, changed, "eva")
	require.NoError(t, err)
	require.Equal(t, "eva", d.By)

	require.Equal(t, changed, open(t, e, base).Current().Settings, "the same settings again")
	require.Equal(t, d.Revision, open(t, e, base).Current().Revision, "and nothing was written")

	edited := with(base, func(s *limits.Settings) { s.UploadMaxFiles = 5 })
	third := open(t, e, edited)
	require.Equal(t, with(changed, func(s *limits.Settings) { s.UploadMaxFiles = 5 }), third.Current().Settings)
	require.Eventually(t, func() bool { return s.Current().Revision == third.Current().Revision }, patience, time.Millisecond, "every process follows")
	require.Equal(t, third.Current().Settings, s.Current().Settings)
}

// A proxy with a backend may use the backend's own engine, with flags that say nothing of
// customers.
func TestStore_BesideABackendOnOneEngine(t *testing.T) {
	t.Parallel()
	e := start(t)
	base := with(limits.Standard(), func(s *limits.Settings) { s.UploadMaxFiles = 7 })
	backend := open(t, e, base)
	proxy, err := limits.Open(t.Context(), e, limits.StoreOptions{Base: limits.Standard(), Backend: true})
	require.NoError(t, err)
	t.Cleanup(proxy.Close)
	require.Equal(t, base, open(t, e, base).Current().Settings)
	require.Equal(t, limits.Standard(), proxy.Current().Settings)
	d, err := backend.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, base, d.Settings)
}

func TestStore_AStaleRevisionChangesNothing(t *testing.T) {
	t.Parallel()
	e := start(t)
	one, two := open(t, e, limits.Standard()), open(t, e, limits.Standard())
	revision := one.Current().Revision
	var won atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			s := []*limits.Store{one, two}[i%2]
			_, err := s.Change(t.Context(), revision, with(limits.Standard(), func(s *limits.Settings) { s.UploadMaxFiles = int64(10 + i) }), "x")
			if err == nil {
				won.Add(1)
			} else {
				require.ErrorIs(t, err, limits.ErrChanged)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, won.Load())
	require.Eventually(t, func() bool { return one.Current().Settings == two.Current().Settings }, patience, time.Millisecond)
}

func TestStore_WatchersAreCalledOnceForAChange(t *testing.T) {
	t.Parallel()
	e := start(t)
	one, two := open(t, e, limits.Standard()), open(t, e, limits.Standard())
	calls := make(chan struct{}, 16)
	stop := two.Watch(func() { calls <- struct{}{} })
	_, err := one.Change(t.Context(), one.Current().Revision, with(limits.Standard(), func(s *limits.Settings) { s.AgentMaxFiles = 1 }), "x")
	require.NoError(t, err)
	select {
	case <-calls:
	case <-time.After(patience):
		require.Fail(t, "the watcher was not called")
	}
	stop()
	_, err = two.Change(t.Context(), two.Current().Revision, limits.Standard(), "x")
	require.NoError(t, err)
	require.Empty(t, calls)
}

// Options of a later release are ignored, and those that an earlier one did not know have
// their default.
func TestStore_ReadsOtherReleases(t *testing.T) {
	t.Parallel()
	e := start(t)
	open(t, e, limits.Standard())
	_, err := e.JetStream().Publish(t.Context(), "limits.current", []byte(`{"settings":{"upload-max-files":9,"upload-later":true},"base":{"upload-max-files":3},"at":1,"later":[]}`))
	require.NoError(t, err)
	s := open(t, e, limits.Standard())
	require.Equal(t, with(limits.Standard(), func(s *limits.Settings) { s.UploadMaxFiles = 9 }), s.Current().Settings)
}

// trail is an audit log in memory.
type trail struct {
	mu    sync.Mutex
	lines []proxy.AuditRecord
	err   error
}

func (a *trail) Write(r proxy.AuditRecord) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	a.lines = append(a.lines, r)
	return nil
}

func request(h http.Handler, method, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, limits.Path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:4711"
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// document returns a PUT's body with some options changed.
func document(t *testing.T, s limits.Settings, changes ...string) string {
	t.Helper()
	for i := 0; i < len(changes); i += 2 {
		require.NoError(t, s.Set(changes[i], changes[i+1]))
	}
	out, err := json.Marshal(map[string]any{"limits": s})
	require.NoError(t, err)
	return string(out)
}

func TestHandler_GetThenPut(t *testing.T) {
	t.Parallel()
	s := open(t, start(t), limits.Standard())
	var lines trail
	h := limits.NewHandler(limits.HandlerOptions{Store: s, Audit: &lines})
	got := request(h, "GET", "")
	require.Equal(t, 200, got.Code)
	var body limits.Body
	require.NoError(t, json.Unmarshal(got.Body.Bytes(), &body))
	require.Equal(t, strconv.Quote(strconv.FormatUint(body.Revision, 10)), got.Header().Get("ETag"))

	put := request(h, "PUT", document(t, limits.Standard(), "upload-max-files", "0", "upload-file-types", "pdf:png"), "If-Match", got.Header().Get("ETag"), "From", "eva@example.org")
	require.Equal(t, 200, put.Code, put.Body.String())
	require.EqualValues(t, 0, s.Current().Settings.UploadMaxFiles)
	require.NotEqual(t, got.Header().Get("ETag"), put.Header().Get("ETag"))
	require.Equal(t, "eva@example.org", s.Current().By)
	require.Len(t, lines.lines, 1)
	require.Equal(t, proxy.AuditRecord{
		Action: proxy.ActionLimits, Conn: "127.0.0.1:4711", By: "eva@example.org",
		Change: `upload-max-files="3">"0" upload-file-types="">"pdf:png"`,
	}, lines.lines[0])

	// The document as GET returns it can be sent back.
	again := request(h, "PUT", request(h, "GET", "").Body.String())
	require.Equal(t, 200, again.Code, again.Body.String())
	require.Equal(t, put.Header().Get("ETag"), again.Header().Get("ETag"), "nothing has changed, so nothing is written")
	require.Len(t, lines.lines, 1)
}

// A list of extensions may be written as a person would; it is stored as Chat Server writes it.
func TestHandler_StoresExtensionsWithColons(t *testing.T) {
	t.Parallel()
	e := start(t)
	base := with(limits.Standard(), func(s *limits.Settings) { s.AgentFileTypes = "a, B" })
	s := open(t, e, base)
	require.Contains(t, request(limits.NewHandler(limits.HandlerOptions{Store: s, Backend: true}), "GET", "").Body.String(), `"agent-file-types": "a:b"`)
	h := limits.NewHandler(limits.HandlerOptions{Store: s})
	revision := s.Current().Revision
	w := request(h, "PUT", request(h, "GET", "").Body.String())
	require.Equal(t, 200, w.Code, w.Body.String())
	require.Equal(t, revision, s.Current().Revision, "the document as GET returns it changes nothing")
	w = request(h, "PUT", "\ufeff"+request(h, "GET", "").Body.String())
	require.Equal(t, 200, w.Code, "some editors begin a file with a byte order mark")
	for _, list := range []string{"jpg,pdf", "jpg pdf", "JPG, .pdf", "jpg:pdf"} {
		w := request(h, "PUT", document(t, limits.Standard(), "upload-file-types", list), "If-Match", "*")
		require.Equal(t, 200, w.Code, w.Body.String())
		require.Contains(t, w.Body.String(), `"upload-file-types": "jpg:pdf"`, list)
		require.Equal(t, "jpg:pdf", s.Current().Settings.UploadFileTypes, list)
		customers, _ := s.Limits()
		require.Equal(t, []string{"jpg", "pdf"}, customers.Types, list)
	}
	after := s.Current()
	require.Equal(t, after.Revision, open(t, e, with(base, func(s *limits.Settings) { s.AgentFileTypes = "a:b" })).Current().Revision, "another way to write a flag is not an edit")
}

func TestHandler_Refusals(t *testing.T) {
	t.Parallel()
	s := open(t, start(t), limits.Standard())
	good := document(t, limits.Standard(), "upload-max-files", "4")
	any := []string{"If-Match", "*"}
	cases := map[string]struct {
		method, body string
		header       []string
		status       int
		says         []string
	}{
		"a stale revision":         {"PUT", good, []string{"If-Match", `"99"`}, 412, []string{"read them again"}},
		"an ETag of another kind":  {"PUT", good, []string{"If-Match", `"abc"`}, 412, nil},
		"no revision":              {"PUT", good, nil, 428, []string{"If-Match"}},
		"no content type":          {"PUT", good, append(any, "Content-Type", "text/plain"), 415, []string{"application/json"}},
		"a page":                   {"PUT", good, append(any, "Origin", "http://127.0.0.1:8372"), 403, []string{"page"}},
		"a page without an origin": {"PUT", good, append(any, "Sec-Fetch-Site", "same-origin"), 403, []string{"page"}},
		"another method":           {"DELETE", "", any, 405, nil},
		"not JSON":                 {"PUT", "{", any, 400, nil},
		"too long":                 {"PUT", `{"limits":{"x":"` + strings.Repeat("x", 70<<10) + `"}}`, any, 413, nil},
		"no limits":                {"PUT", `{}`, any, 422, []string{"JSON object"}},
		"an option is missing":     {"PUT", `{"limits":{"upload-max-files":4}}`, any, 422, []string{"upload-max-file-size", "agent-file-types"}},
		"every mistake at once": {"PUT", document(t, limits.Standard(), "upload-max-files", "-2", "upload-file-types", "image/png", "delete-file", "even", "agent-max-file-size", "9007199254740993"), any, 422,
			[]string{"upload-max-files", "upload-file-types", "MIME", "delete-file", "odd", "agent-max-file-size"}},
		"values of other types": {"PUT", strings.NewReplacer(`"upload-max-files":4`, `"upload-max-files":"4"`, `"upload-need-agent":false`, `"upload-need-agent":1`, `"upload-file-types":""`, `"upload-file-types":null`).Replace(good), any, 422,
			[]string{"whole number", "true or false", "a string"}},
		"a fraction":                     {"PUT", strings.Replace(good, `"upload-max-files":4`, `"upload-max-files":4.5`, 1), any, 422, []string{"whole number"}},
		"an unknown one":                 {"PUT", strings.Replace(good, `"upload-max-files"`, `"upload-most-files"`, 1), any, 422, []string{"no such option"}},
		"one that is twice":              {"PUT", strings.Replace(good, `"upload-max-files":4`, `"upload-max-files":4,"upload-max-files":5`, 1), any, 422, []string{"twice"}},
		"a size above the total":         {"PUT", document(t, limits.Standard(), "upload-max-file-size", "6000000"), any, 422, []string{"upload-max-total-size"}},
		"a size that is not scanned":     {"PUT", document(t, limits.Standard(), "agent-max-file-size", "30000001"), any, 422, []string{"scan-max-size"}},
		"a name with control characters": {"PUT", good, append(any, "From", "a\tb"), 400, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := limits.NewHandler(limits.HandlerOptions{Store: s, Bounds: limits.Bounds{Scanned: 30_000_000}})
			w := request(h, c.method, c.body, c.header...)
			require.Equal(t, c.status, w.Code, w.Body.String())
			for _, words := range c.says {
				require.Contains(t, w.Body.String(), words)
			}
			var refusal limits.Refusal
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &refusal))
			require.NotEmpty(t, refusal.Errors)
		})
	}
	require.Equal(t, limits.Standard(), s.Current().Settings)
	r := httptest.NewRequest("PUT", limits.Path, strings.NewReader(good))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("If-Match", "*")
	w := httptest.NewRecorder()
	limits.NewHandler(limits.HandlerOptions{Store: s}).ServeHTTP(w, r) // RemoteAddr is 192.0.2.1
	require.Equal(t, 403, w.Code, "another machine")
}

// With a backend, the customers' options are the backend's.
func TestHandler_BesideABackend(t *testing.T) {
	t.Parallel()
	s := open(t, start(t), limits.Standard())
	h := limits.NewHandler(limits.HandlerOptions{Store: s, Backend: true})
	require.NotContains(t, request(h, "GET", "").Body.String(), "upload-max-files")
	w := request(h, "PUT", document(t, limits.Standard(), "upload-max-files", "4"), "If-Match", "*")
	require.Equal(t, 409, w.Code, w.Body.String())
	require.Contains(t, w.Body.String(), "upload-max-files")
	w = request(h, "PUT", `{"limits":{"agent-max-file-size":5,"agent-file-types":"pdf"}}`, "If-Match", "*")
	require.Equal(t, 200, w.Code, w.Body.String())
	require.EqualValues(t, 5, s.Current().Settings.AgentMaxFileSize)
}

// What is not audited does not happen.
func TestHandler_WithoutAnAuditLineNothingChanges(t *testing.T) {
	t.Parallel()
	s := open(t, start(t), limits.Standard())
	full := trail{err: bridge.NewError(bridge.CodeStorageUnavailable, "")}
	h := limits.NewHandler(limits.HandlerOptions{Store: s, Audit: &full})
	w := request(h, "PUT", document(t, limits.Standard(), "upload-max-files", "4"), "If-Match", "*")
	require.Equal(t, 503, w.Code)
	require.Equal(t, limits.Standard(), s.Current().Settings)
}

// The file is applied when its content changes, over the flags; a bad one changes nothing.
func TestWatchFile(t *testing.T) {
	t.Parallel()
	s := open(t, start(t), limits.Standard())
	path := filepath.Join(t.TempDir(), "limits.json")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	var log strings.Builder
	var mu sync.Mutex
	logged := func() string { mu.Lock(); defer mu.Unlock(); return log.String() }
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		s.WatchFile(ctx, limits.FileOptions{
			Path: path, Flags: limits.Standard(), Every: time.Millisecond,
			Log: slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, nil)),
		})
	})
	defer done.Wait()
	defer cancel()
	files := func(n int64) {
		t.Helper()
		require.Eventually(t, func() bool { return s.Current().Settings.UploadMaxFiles == n }, patience, time.Millisecond)
	}
	write(`{"upload-max-files": 8, "upload-need-agent": true}`)
	files(8)
	d, err := s.Change(t.Context(), s.Current().Revision, with(s.Current().Settings, func(s *limits.Settings) { s.DownloadAttempts = 9 }), "eva")
	require.NoError(t, err)
	write(`{"upload-max-files": "many", "upload-whatever": 1}`)
	require.Eventually(t, func() bool { return strings.Contains(logged(), "upload-whatever") }, patience, time.Millisecond)
	require.Equal(t, d.Settings, s.Current().Settings, "a bad file changes nothing")
	require.NoError(t, os.Remove(path))
	require.Eventually(t, func() bool { return strings.Count(logged(), "not applied") == 2 }, patience, time.Millisecond, "logged once for each mistake")
	require.NoError(t, unix.Mkfifo(path, 0o600))
	require.Eventually(t, func() bool { return strings.Contains(logged(), "not a regular file") }, patience, time.Millisecond)
	require.Equal(t, 3, strings.Count(logged(), "not applied"))
	require.NoError(t, os.Remove(path))
	write("\ufeff" + `{"upload-max-files": 6}`)
	files(6)
	require.EqualValues(t, 9, s.Current().Settings.DownloadAttempts, "a change that the file does not contradict stays")
	require.False(t, s.Current().Settings.UploadNeedAgent, "an option that is no longer in the file has the flag's value")
}

type lockedWriter struct {
	mu *sync.Mutex
	to *strings.Builder
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

// For any bases and changes in any order: every option has the value that was set last, by
// whichever of the two.
func TestRebase_TheLastEditOfEachOptionWins(t *testing.T) {
	t.Parallel()
	e := start(t)
	settings := rapid.Custom(func(t *rapid.T) limits.Settings {
		s := limits.Standard()
		s.UploadMaxFiles = rapid.Int64Range(-1, 3).Draw(t, "files")
		s.DeleteFile = rapid.SampledFrom(bridge.DeleteTokens).Draw(t, "delete")
		s.UploadNeedAgent = rapid.Bool().Draw(t, "agent")
		return s
	})
	store := open(t, e, limits.Standard())
	base := limits.Standard()
	want := limits.Standard()
	rapid.Check(t, func(t *rapid.T) {
		next := settings.Draw(t, "next")
		if rapid.Bool().Draw(t, "changed") {
			_, err := store.Change(context.Background(), store.Current().Revision, next, "x")
			require.NoError(t, err)
			want = next
		} else {
			for _, o := range next.Changed(base) {
				require.NoError(t, want.Set(o.Name, o.Value(next)))
			}
			base = next
			require.NoError(t, store.Rebase(context.Background(), base, "x"))
		}
		require.Equal(t, want, store.Current().Settings)
	})
}

func FuzzHandler(f *testing.F) {
	e, err := engine.Start(context.Background(), engine.Options{Dir: f.TempDir()})
	require.NoError(f, err)
	f.Cleanup(e.Close)
	s, err := limits.Open(context.Background(), e, limits.StoreOptions{Base: limits.Standard()})
	require.NoError(f, err)
	f.Cleanup(s.Close)
	h := limits.NewHandler(limits.HandlerOptions{Store: s})
	out, err := json.Marshal(map[string]any{"limits": limits.Standard()})
	require.NoError(f, err)
	f.Add(string(out), "*")
	f.Add(`{"limits":{"upload-max-files":1e3,"upload-max-files":2}}`, `"1"`)
	f.Add(`{"limits":[],"revision":-1}`, `W/"2"`)
	f.Fuzz(func(t *testing.T, body, match string) {
		w := request(h, "PUT", body, "If-Match", match)
		now := s.Current()
		require.Empty(t, now.Settings.Check(limits.Bounds{}))
		if w.Code != http.StatusOK {
			var r limits.Refusal
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &r))
			require.NotEmpty(t, r.Errors)
		}
	})
}
