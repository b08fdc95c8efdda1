package backend_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backend"
)

// gate is a handler between the two ends that a test controls.
type gate struct {
	next http.Handler
	via  atomic.Pointer[func(w http.ResponseWriter, r *http.Request) (served bool)]
	seen atomic.Int64
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.seen.Add(1)
	if via := g.via.Load(); via != nil && (*via)(w, r) {
		return
	}
	g.next.ServeHTTP(w, r)
}

func (g *gate) set(via func(w http.ResponseWriter, r *http.Request) bool) { g.via.Store(&via) }

// away drops every connection, as a dead process does.
func away(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

func gated(t *testing.T) (*world, *gate) {
	b, g := newWorld(t), &gate{}
	b.serve(nil, func(next http.Handler) http.Handler { g.next = next; return g })
	return b, g
}

func say(text string) bridge.Event {
	return bridge.Event{Type: bridge.Message, Text: text, Key: randomKey(), Visibility: bridge.All}
}

func TestEvents_ResumeAfterABreak(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	c := b.dial(b.options()).Chat()
	join(t.Context(), t, c, "s1")
	var got []string
	next := make(chan int, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- c.Events(ctx, "s1", "ann", 0, func(e bridge.Event) error {
			if e.Type == bridge.Message {
				got = append(got, e.Text)
				next <- len(got)
			}
			return nil
		})
	}()
	var want []string
	for n := range 30 {
		text := fmt.Sprint("message ", n)
		want = append(want, text)
		if n%3 == 1 {
			g.set(away)
			b.server.CloseClientConnections()
		}
		_, err := b.Chat.Post(t.Context(), "s1", "ann", say(text))
		require.NoError(t, err)
		if n%3 == 2 {
			g.set(func(http.ResponseWriter, *http.Request) bool { return false })
		}
		if n%3 != 1 {
			for len(want) > <-next {
			}
		}
	}
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.Equal(t, want, got)
}

func TestEvents_ReplaceASilentStream(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	o := b.options()
	o.IdleTimeout = 2 * time.Second
	c := b.dial(o).Chat()
	join(t.Context(), t, c, "s1")
	mute := make(chan struct{}, 10)
	g.set(func(w http.ResponseWriter, r *http.Request) bool {
		select {
		case mute <- struct{}{}:
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return true
		default:
			return false
		}
	})
	for range 9 {
		mute <- struct{}{} // one stream will be silent
	}
	err := c.Events(t.Context(), "s1", "ann", 0, func(bridge.Event) error { return io.ErrShortBuffer })
	require.ErrorIs(t, err, io.ErrShortBuffer)
}

// requests records the requests that the backend received.
type requests struct {
	mu   sync.Mutex
	list []string
}

func (a *requests) add(one string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, one)
	return len(a.list)
}

func (a *requests) all() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.list
}

// lines answers with a stream of these lines, and breaks it.
func lines(all ...string) func(w http.ResponseWriter, r *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		io.WriteString(w, strings.Join(all, "\n"))
		return true
	}
}

const (
	readable   = `{"id":%d,"type":"message","at":1,"from":{"userId":"ann","userType":"AGENT"},"visibility":"ALL","text":"%s"}`
	unreadable = `{"id":%d,"type":"message","at":1,"from":{"userId":"ann","userType":"ROBOT"},"visibility":"ALL","text":"%s"}`
	extended   = `{"id":%d,"later":{"than":[-1.5,{"a":{"b":{"c":{}}}}]},"type":"message","at":1,"reason":null,"data":null,` +
		`"from":{"userId":"ann","userType":"AGENT","visibility":"ALL","mood":"good"},"visibility":"ALL","text":"%s"}`
)

func TestEvents_SkipAnEventThatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	ended := `{"error":{"code":"session-ended","message":"over"}}` + "\n"
	one, four := fmt.Sprintf(readable, 1, "one"), fmt.Sprintf(readable, 4, "four")
	for name, c := range map[string]struct {
		between []string
		want    []string
	}{
		"an unknown value":           {[]string{fmt.Sprintf(unreadable, 2, "two")}, []string{"one", "four"}},
		"not JSON":                   {[]string{"<h1>hello</h1>"}, []string{"one", "four"}},
		"longer than maxLine":        {[]string{fmt.Sprintf(readable, 2, strings.Repeat("long", 40_000))}, []string{"one", "four"}},
		"members of a later version": {[]string{fmt.Sprintf(extended, 2, "two")}, []string{"one", "two", "four"}},
		"CRLF line ends":             {[]string{fmt.Sprintf(readable, 2, "two") + "\r", "\r"}, []string{"one", "two", "four"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, g := gated(t)
			client := b.dial(b.options()).Chat()
			g.set(lines(slices.Concat([]string{one}, c.between, []string{four, ended})...))
			var got []string
			err := client.Events(t.Context(), "s1", "ann", 0, func(e bridge.Event) error { got = append(got, e.Text); return nil })
			require.Equal(t, bridge.CodeSessionEnded, bridge.CodeOf(err))
			require.Equal(t, c.want, got)
		})
	}
}

func TestEvents_ResumeAfterAnEventThatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	var log bytes.Buffer
	o := b.options()
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	c := b.dial(o).Chat()
	var asked requests
	g.set(func(w http.ResponseWriter, r *http.Request) bool {
		switch asked.add(r.URL.RawQuery) {
		case 1:
			return lines(fmt.Sprintf(readable, 1, "one"), fmt.Sprintf(unreadable, 2, "two"), `{"id":3,"type":"mess`)(w, r)
		case 2, 3:
			return away(w, r)
		}
		return lines(`{"error":{"code":"session-ended","message":"over"}}`, "")(w, r)
	})
	err := c.Events(t.Context(), "s1", "ann", 0, func(bridge.Event) error { return nil })
	require.Equal(t, bridge.CodeSessionEnded, bridge.CodeOf(err))
	require.Equal(t, []string{"after=0", "after=2", "after=2", "after=2"}, asked.all())
	require.Equal(t, 1, strings.Count(log.String(), "cannot be decoded"), log.String())
	require.Equal(t, 1, strings.Count(log.String(), "retrying"), "once for any number of retries:\n%s", log.String())
}

func TestClient_IgnoresUnknownMembers(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	c := b.dial(b.options()).Chat()
	answer := func(body string) {
		g.set(func(w http.ResponseWriter, _ *http.Request) bool { io.WriteString(w, body); return true })
	}
	limits := `{"maxFiles":3,"maxFileSize":null,"usedFiles":1,"later":-1.5}`
	answer(`{"party":{"userId":"ann","userType":"AGENT","later":{}},"limits":` + limits + `,"position":7,"later":[]}`)
	j, err := c.Join(t.Context(), "s1", proxy.Joining{Party: bridge.Party{UserID: "ann", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}})
	require.NoError(t, err)
	want := bridge.Unlimited()
	want.MaxFiles, want.UsedFiles = 3, 1
	ann := bridge.Party{UserID: "ann", UserType: bridge.Agent, Visibility: bridge.All, ClientVersion: bridge.VersionCurrent}
	require.Equal(t, proxy.Joined{Party: ann, Limits: want, Position: 7}, j)
	answer(limits)
	l, err := c.(proxy.Allowances).Limits(t.Context(), "s1", "ann")
	require.NoError(t, err)
	require.Equal(t, want, l)
	answer(`{"maxFiles":"three"}`)
	_, err = c.(proxy.Allowances).Limits(t.Context(), "s1", "ann")
	require.Equal(t, bridge.CodeChatUnavailable, bridge.CodeOf(err), "it is not the page's fault")
	answer(fmt.Sprintf(extended, 8, "eight"))
	e, err := c.File(t.Context(), "s1", "ann", "file")
	require.NoError(t, err)
	require.Equal(t, "eight", e.Text)
}

// The response means that the notice is in the transcript. If it counted as an error,
// the upload would fail although all parties see the file.
func TestPost_UndecodableResponseCountsAsStored(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	o := b.options()
	c := b.dial(o).Chat()
	o.RetryFor = 20 * time.Millisecond
	hasty := b.dial(o).Chat()
	n := bridge.Announcement{Name: "a.pdf", Size: 1, DocumentID: "0000abcdefghijkl", UploadType: bridge.FromFileSystem, Key: randomKey()}.Notice(bridge.All)
	odd := `{"id":7,"type":"notice","notice":"SYS_COMMAND","text":"file-uploaded","from":{"userType":"ROBOT"},` +
		`"data":{"file-id":"f1","file-name":"a.pdf","weight":1.5}}`
	answer := func(body string) {
		g.set(func(w http.ResponseWriter, _ *http.Request) bool { io.WriteString(w, body); return true })
	}
	is := func(e bridge.Event) {
		t.Helper()
		require.True(t, e.IsFile())
		require.EqualValues(t, 7, e.ID)
		require.Equal(t, "f1", e.Data.Get(bridge.KeyFileID))
	}
	answer(odd)
	e, err := c.Post(t.Context(), "s1", "ann", n)
	require.NoError(t, err)
	is(e)
	require.Equal(t, "ann", e.From.UserID)
	require.Empty(t, n.Data.Get(bridge.KeyFileID), "the sent event is unchanged")
	answer(`{"event":` + odd + `}`)
	e, found, err := c.FindKey(t.Context(), "s1", n.Key)
	require.NoError(t, err)
	require.True(t, found)
	is(e)
	for _, body := range []string{`{}`, `{"id":"seven"}`, `<h1>Sign in</h1>`, ``} {
		answer(body)
		_, err := hasty.Post(t.Context(), "s1", "ann", n)
		require.Equal(t, bridge.CodeChatUnavailable, bridge.CodeOf(err), "%q has no event", body)
	}
}

func TestClient_RetriesUntilTheBackendIsBack(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	c := b.dial(b.options()).Chat()
	join(t.Context(), t, c, "s1")
	var asked atomic.Int64
	g.set(func(w http.ResponseWriter, r *http.Request) bool {
		switch asked.Add(1) {
		case 1:
			away(w, r)
		case 2:
			w.WriteHeader(http.StatusBadGateway)
			return true
		case 3:
			// It succeeds, but the response is lost.
			g.next.ServeHTTP(httptest.NewRecorder(), r)
			away(w, r)
		}
		return false
	})
	e, err := c.Post(t.Context(), "s1", "ann", say("hello"))
	require.NoError(t, err)
	require.EqualValues(t, 4, asked.Load())
	again, found, err := c.FindKey(t.Context(), "s1", e.Key)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, e.ID, again.ID)
	last, err := b.Chat.Join(t.Context(), "s1", proxy.Joining{Party: bridge.Party{UserID: "ann", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent, Visibility: bridge.All}})
	require.NoError(t, err)
	require.Equal(t, e.ID, last.Position, "it was posted once")
}

func TestPost_IsNotRetriedWithoutAKey(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	c := b.dial(b.options()).Chat()
	join(t.Context(), t, c, "s1")
	g.set(away)
	before := g.seen.Load()
	m := say("hello")
	m.Key = ""
	_, err := c.Post(t.Context(), "s1", "ann", m)
	require.Equal(t, bridge.CodeChatUnavailable, bridge.CodeOf(err))
	require.Equal(t, before+1, g.seen.Load())
}

// A party is the one in its token, whatever the backend answers.
func TestJoin_RefusesAnotherParty(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	var log bytes.Buffer
	o := b.options()
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	c := b.dial(o).Chat()
	for name, party := range map[string]string{
		"another user":             `{"userId":"ann","userType":"CLIENT"}`,
		"a customer as agent":      `{"userId":"carol","userType":"AGENT"}`,
		"the type in another case": `{"userId":"carol","userType":"client"}`,
		"no type":                  `{"userId":"carol"}`,
		"an empty party":           `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			log.Reset()
			g.set(func(w http.ResponseWriter, _ *http.Request) bool {
				fmt.Fprintf(w, `{"party":%s,"limits":{},"position":1}`, party)
				return true
			})
			before := g.seen.Load()
			_, err := c.Join(t.Context(), "s1", proxy.Joining{Party: bridge.Party{UserID: "carol", UserType: bridge.Client}})
			require.Equal(t, bridge.CodeChatUnavailable, bridge.CodeOf(err))
			require.Equal(t, before+1, g.seen.Load(), "a retry would get the same answer")
			require.Contains(t, log.String(), "another party")
		})
	}
}

func TestClient_RetriesNoLongerThanRetryFor(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	o := b.options()
	o.RetryFor = 20 * time.Millisecond
	c := b.dial(o)
	g.set(away)
	_, err := c.Chat().Join(t.Context(), "s1", proxy.Joining{Party: bridge.Party{UserID: "ann", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}})
	require.Equal(t, bridge.CodeChatUnavailable, bridge.CodeOf(err))
	_, err = c.Documents(b.Store).Open(t.Context(), b.Store.NewID())
	require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(err))
}

func TestClient_ReturnsTheBackendsErrors(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	o := b.options()
	c := b.dial(o).Chat()
	o.RetryFor = 20 * time.Millisecond
	hasty := b.dial(o).Chat() // or retries would take long
	for _, test := range []struct {
		name, body string
		status     int
		code       bridge.Code
		message    string
	}{
		{"a refusal", `{"error":{"code":"file-too-large","message":"at most 2 MB"}}`, 403, bridge.CodeFileSize, "at most 2 MB"},
		{"the code counts, not the status", `{"error":{"code":"session-ended","message":"over"}}`, 500, bridge.CodeSessionEnded, "over"},
		{"an unknown code", `{"error":{"code":"mercury-retrograde","message":"wait"}}`, 400, bridge.CodeInternal, "wait"},
		{"no body", ``, 404, bridge.CodeChatUnavailable, ""},
		{"a page of something in between", `<h1>502</h1>`, 502, bridge.CodeChatUnavailable, ""},
		{"the secret was changed", `{"error":{"code":"token-invalid","message":"no"}}`, 401, bridge.CodeChatUnavailable, ""},
		{"a redirect", ``, 307, bridge.CodeChatUnavailable, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g.set(func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
				return true
			})
			client := c
			if test.code == bridge.CodeChatUnavailable {
				client = hasty
			}
			_, err := client.File(t.Context(), "s1", "ann", "file")
			require.Equal(t, test.code, bridge.CodeOf(err), "%v", err)
			require.Contains(t, err.Error(), test.message)
		})
	}
}

func TestDial(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	t.Run("a wrong secret is an error at once", func(t *testing.T) {
		o := b.options()
		o.Secret = []byte("another")
		_, err := backend.Dial(t.Context(), o)
		require.ErrorContains(t, err, "rejects the secret")
	})
	t.Run("another version is an error at once", func(t *testing.T) {
		g.set(func(w http.ResponseWriter, _ *http.Request) bool {
			io.WriteString(w, `{"versions":[2,3]}`)
			return true
		})
		_, err := backend.Dial(t.Context(), b.options())
		require.ErrorContains(t, err, "versions [2 3]")
	})
	t.Run("it waits for a backend that is not there yet", func(t *testing.T) {
		var once atomic.Bool
		g.set(func(w http.ResponseWriter, r *http.Request) bool {
			return once.CompareAndSwap(false, true) && away(w, r)
		})
		c, err := backend.Dial(t.Context(), b.options())
		require.NoError(t, err)
		c.Close()
	})
	t.Run("but only until ctx ends", func(t *testing.T) {
		g.set(away)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := backend.Dial(ctx, b.options())
		require.ErrorContains(t, err, "wait for the backend")
	})
	for _, url := range []string{"", "10.0.0.5:8373", "ftp://host", "http://"} {
		t.Run("the URL "+url, func(t *testing.T) {
			_, err := backend.Dial(t.Context(), backend.ClientOptions{URL: url, Secret: []byte(secret)})
			require.ErrorContains(t, err, "http://host:port")
		})
	}
}

// staged puts content into staging, as an upload does.
func (b *world) staged(content []byte) proxy.Document {
	b.t.Helper()
	d := proxy.Document{ID: b.Store.NewID(), Name: "a.bin", Size: int64(len(content)), SHA256: sha256.Sum256(content), Created: time.Now()}
	w, err := b.Store.Begin(b.t.Context(), d, 0)
	require.NoError(b.t, err)
	stored := make(chan error, 100)
	for len(content) > 0 {
		n := min(len(content), w.MaxChunk())
		require.NoError(b.t, w.Append(b.t.Context(), content[:n], func(_ int64, err error) { stored <- err }))
		require.NoError(b.t, <-stored)
		content = content[n:]
	}
	return d
}

func TestDocuments_AddOpenRemove(t *testing.T) {
	t.Parallel()
	proxySide, b := newWorld(t), newWorld(t)
	g := &gate{}
	b.serve(nil, func(next http.Handler) http.Handler { g.next = next; return g })
	documents := b.dial(b.options()).Documents(proxySide.Store)
	// hasty detects silence soon, and retries for that long.
	hasty := func(retryFor time.Duration) proxy.Documents {
		o := b.options()
		o.IdleTimeout, o.RetryFor = 2*time.Second, retryFor
		return b.dial(o).Documents(proxySide.Store)
	}
	content := bytes.Repeat([]byte("0123456789abcdef"), 300_000)
	d := proxySide.staged(content)
	for range 2 {
		id, err := documents.Add(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, d.ID, id)
	}
	opened, err := documents.Open(t.Context(), d.ID)
	require.NoError(t, err)
	defer opened.Close()
	require.Equal(t, d.SHA256, opened.Document().SHA256)

	t.Run("reading survives many breaks", func(t *testing.T) {
		g.set(func(w http.ResponseWriter, r *http.Request) bool {
			g.next.ServeHTTP(&brief{ResponseWriter: w, left: 900_000}, r)
			return true
		})
		got, err := io.ReadAll(opened)
		require.NoError(t, err)
		require.True(t, bytes.Equal(content, got))
	})
	t.Run("reading survives silence", func(t *testing.T) {
		opened, err := hasty(patience).Open(t.Context(), d.ID)
		require.NoError(t, err)
		defer opened.Close()
		var asked requests
		g.set(func(w http.ResponseWriter, r *http.Request) bool {
			switch asked.add(r.Header.Get("Range")) {
			case 1, 3: // silent in the middle
				g.next.ServeHTTP(&mute{ResponseWriter: w, left: 900_000, end: r.Context().Done()}, r)
				return true
			case 2: // silent from the beginning
				<-r.Context().Done()
				return true
			}
			return false
		})
		_, err = opened.Seek(0, io.SeekStart)
		require.NoError(t, err)
		got, err := io.ReadAll(opened)
		require.NoError(t, err)
		require.True(t, bytes.Equal(content, got))
		all := asked.all()
		require.GreaterOrEqual(t, len(all), 4)
		require.Equal(t, all[1], all[2], "from the byte at which the silence began")
		require.NotEqual(t, all[0], all[1])
	})
	t.Run("endless silence is an error", func(t *testing.T) {
		opened, err := hasty(time.Second).Open(t.Context(), d.ID)
		require.NoError(t, err)
		defer opened.Close()
		g.set(func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true })
		_, err = opened.Seek(1, io.SeekStart)
		require.NoError(t, err)
		_, err = io.ReadAll(opened)
		require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(err))
		g.set(func(http.ResponseWriter, *http.Request) bool { return false })
	})
	t.Run("reading from the middle", func(t *testing.T) {
		_, err := opened.Seek(-20, io.SeekEnd)
		require.NoError(t, err)
		got, err := io.ReadAll(opened)
		require.NoError(t, err)
		require.Equal(t, content[len(content)-20:], got)
	})
	t.Run("another document is an error", func(t *testing.T) {
		other, err := documents.Add(t.Context(), proxySide.staged(content[1:]))
		require.NoError(t, err)
		g.set(func(w http.ResponseWriter, r *http.Request) bool {
			r.URL.Path = "/backend/v1/documents/" + other
			return false
		})
		_, err = opened.Seek(0, io.SeekStart)
		require.NoError(t, err)
		_, err = io.ReadAll(opened)
		require.ErrorContains(t, err, "document has changed")
		g.set(func(http.ResponseWriter, *http.Request) bool { return false })
	})
	require.NoError(t, documents.Remove(t.Context(), d.ID))
	_, err = documents.Open(t.Context(), d.ID)
	require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))
}

// brief breaks the connection after that many bytes.
type brief struct {
	http.ResponseWriter
	left int
}

func (b *brief) Write(p []byte) (int, error) {
	if len(p) > b.left {
		panic(http.ErrAbortHandler)
	}
	b.left -= len(p)
	return b.ResponseWriter.Write(p)
}

// mute is silent after that many bytes.
type mute struct {
	http.ResponseWriter
	left int
	end  <-chan struct{}
}

func (m *mute) Write(p []byte) (int, error) {
	if len(p) > m.left {
		m.ResponseWriter.(http.Flusher).Flush()
		<-m.end
		panic(http.ErrAbortHandler)
	}
	m.left -= len(p)
	return m.ResponseWriter.Write(p)
}

func TestAdd_FailsIfTheUploadStalls(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	o := b.options()
	o.IdleTimeout = 20 * time.Millisecond
	documents := b.dial(o).Documents(b.Store)
	d := b.staged(make([]byte, 16<<20))
	for name, via := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"before the first byte": func(http.ResponseWriter, *http.Request) bool { <-t.Context().Done(); return true },
		"in the middle": func(_ http.ResponseWriter, r *http.Request) bool {
			io.ReadFull(r.Body, make([]byte, 1<<20))
			<-t.Context().Done()
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			g.set(via)
			_, err := documents.Add(t.Context(), d)
			require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(err))
			require.ErrorContains(t, err, "silent")
		})
	}
}

// oneContent is a staging with one content.
type oneContent struct {
	proxy.Staging
	content []byte
}

func (o oneContent) Staged(context.Context, string) (io.ReadSeekCloser, error) {
	return opened{bytes.NewReader(o.content)}, nil
}

type opened struct{ io.ReadSeeker }

func (opened) Close() error { return nil }

// The sockets' buffers hold only a few of the pieces.
func TestAdd_MayTakeLongerThanAStall(t *testing.T) {
	t.Parallel()
	const pieces, piece = 64, 1 << 20
	b, g := gated(t)
	g.set(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		for range pieces {
			timer := time.NewTimer(110 * time.Millisecond)
			io.CopyN(io.Discard, r.Body, piece)
			<-timer.C
		}
		io.WriteString(w, `{"id":"0001abc"}`)
		return true
	})
	o := b.options()
	o.IdleTimeout = 1500 * time.Millisecond // so a stall is six seconds
	id, err := b.dial(o).Documents(oneContent{content: make([]byte, pieces*piece)}).Add(t.Context(), proxy.Document{ID: "0001abc", Size: pieces * piece})
	require.NoError(t, err)
	require.Equal(t, "0001abc", id)
}

func TestRead_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	b, g := gated(t)
	o := b.options()
	o.IdleTimeout = time.Hour
	documents := b.dial(o).Documents(b.Store)
	d := b.staged([]byte("hello"))
	_, err := b.Store.Add(t.Context(), d)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	opened, err := documents.Open(ctx, d.ID)
	require.NoError(t, err)
	defer opened.Close()
	g.set(func(_ http.ResponseWriter, r *http.Request) bool { cancel(); <-r.Context().Done(); return true })
	_, err = io.ReadAll(opened)
	require.ErrorIs(t, err, context.Canceled)
}

func TestAdd_FullStoreRefusesBeforeTheBytesAreSent(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	var read atomic.Int64
	b.serve(func(p *backend.HandlerOptions) { p.Documents = fullStore{p.Documents} }, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = &counted{r.Body, &read}
			next.ServeHTTP(w, r)
		})
	})
	documents := b.dial(b.options()).Documents(b.Store)
	_, err := documents.Add(t.Context(), b.staged(make([]byte, 4<<20)))
	require.Equal(t, bridge.CodeStorageFull, bridge.CodeOf(err))
	require.Zero(t, read.Load())
}

type fullStore struct{ backend.Store }

func (fullStore) Put(context.Context, proxy.Document, io.Reader) (string, error) {
	return "", bridge.NewError(bridge.CodeStorageFull, "")
}

type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}
