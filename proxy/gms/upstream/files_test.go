package upstream_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/gms"
	"attache/proxy/gms/upstream"
	"attache/proxy/proxytest"
	"attache/wasm/page"
)

var pdf = bytes.Repeat([]byte("a page of a file\n"), 20_000)

// A customer's file goes up, an agent's comes down, by a real page.
func TestPageExchangesFilesThroughGMS(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*gmsDouble){
		"our key comes back":            func(*gmsDouble) {},
		"our key does not come back":    func(d *gmsDouble) { d.forgetful = true },
		"the document's id is shown":    func(d *gmsDouble) { d.showing = true },
		"alias and secure key change":   func(d *gmsDouble) { d.renewing = true },
		"both, and positions are after": func(d *gmsDouble) { d.renewing, d.forgetful, d.exclusive = true, true, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t, change)
			w := start(t, d)
			b := w.open(t)
			f := b.send("Rechnung für Ann.pdf", pdf)
			require.Equal(t, "Rechnung für Ann.pdf", f.Name.Text)
			require.True(t, f.Downloadable, f.Reason)
			require.Len(t, d.sent(gms.FileUploaded), 1)
			require.Equal(t, pdf, d.content("file-1"))

			id := d.uploads("answer.pdf", pdf[1:])
			e := b.await(func(e bridge.Event) bool { return e.IsFile() && e.From.UserType == bridge.Agent })
			got, err := b.Download(t.Context(), e.Data.Get(bridge.KeyFileID), key())
			require.NoError(t, err)
			require.Equal(t, id, e.Data.Get(bridge.KeyFileID))
			require.Equal(t, page.Fetched{Size: int64(len(pdf) - 1), SHA256: sha256.Sum256(pdf[1:])}, got)
			got, err = b.Download(t.Context(), f.ID, key())
			require.NoError(t, err)
			require.Equal(t, sha256.Sum256(pdf), got.SHA256)
			require.Equal(t, 2, d.downloads())
		})
	}
}

// upload takes a file through the whole delivery, and returns how it ended.
func (w *world) upload(t *testing.T, name string, content []byte) *page.Upload {
	t.Helper()
	u := &page.Upload{Key: key(), Name: name, Content: content}
	b := w.open(t)
	b.await(func(e bridge.Event) bool { return e.Type == bridge.NewParty })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, b.Send(ctx, u))
	late := time.After(patience)
	for u.Code == "" {
		select {
		case e := <-b.events:
			if e.Key == u.Key {
				return u
			}
		case failed := <-b.failed:
			require.Equal(t, u.Key, failed)
			r, err := w.Records.Get(t.Context(), "s1", u.Key)
			require.NoError(t, err)
			u.Code = r.Code
		case <-late:
			require.FailNow(t, "the upload did not end")
		}
	}
	return u
}

// T-20: whatever becomes of an upload's answer, the file is there once, or it is refused.
func TestUploadIsAnnouncedOnceWhateverIsAnswered(t *testing.T) {
	t.Parallel()
	retry := envelope(gms.Reply{StatusCode: gms.StatusRetry})
	for name, c := range map[string]struct {
		forgetful bool
		faults    []doubleFault
		code      bridge.Code
		uploads   int
	}{
		"statusCode 1":                            {false, []doubleFault{{answer: retry}}, "", 2},
		"busy, done":                              {false, []doubleFault{{done: true, answer: envelope(refusal(1, gms.TemporarilyBusy, false))}}, "", 1},
		"busy, done, key not returned":            {true, []doubleFault{{done: true, answer: envelope(refusal(1, gms.TemporarilyBusy, false))}}, "", 1},
		"busy, not done":                          {true, []doubleFault{{answer: envelope(refusal(1, gms.TemporarilyBusy, false))}}, "", 2},
		"answer lost, done":                       {false, []doubleFault{{done: true, answer: lost}}, "", 1},
		"answer lost, done, key not returned":     {true, []doubleFault{{done: true, answer: lost}}, "", 1},
		"answer lost, never done":                 {false, []doubleFault{{answer: lost}}, "", 2},
		"answer lost, never done, no key":         {true, []doubleFault{{answer: lost}}, "", 2},
		"a page, and done":                        {true, []doubleFault{{done: true, answer: htmlPage(502)}}, "", 1},
		"a page with status 200, and done":        {true, []doubleFault{{done: true, answer: htmlPage(200)}}, "", 1},
		"413 from a reverse proxy":                {false, []doubleFault{{answer: htmlPage(413)}}, bridge.CodeFileSize, 1},
		"201: too many files":                     {false, []doubleFault{{answer: envelope(refusal(1, gms.TooManyFiles, false))}}, bridge.CodeFileCount, 1},
		"202: too large together":                 {false, []doubleFault{{answer: envelope(refusal(1, gms.TotalTooLarge, false))}}, bridge.CodeTotalSize, 1},
		"203: type, with statusCode 2":            {false, []doubleFault{{answer: envelope(refusal(2, gms.TypeRefused, false))}}, bridge.CodeFileType, 1},
		"249 with statusCode 2, of a living chat": {false, []doubleFault{{answer: envelope(refusal(2, gms.CannotExecute, false))}}, bridge.CodeChatUnavailable, 1},
		"one that an option names":                {false, []doubleFault{{answer: envelope(refusal(1, 298, false))}}, bridge.CodeFileSize, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t, func(d *gmsDouble) { d.forgetful = c.forgetful })
			w := start(t, d, func(o *upstream.Options) { o.Unknowns.FileTooLarge = 298 })
			w.join(t)
			d.fail("upload", c.faults...)
			u := w.upload(t, "a.pdf", pdf)
			require.Equal(t, c.code, u.Code)
			require.Equal(t, c.uploads, d.count("upload"))
			want := 1
			if c.code != "" {
				want = 0
			}
			require.Len(t, d.sent(gms.FileUploaded), want)
			_, err := w.client.Post(t.Context(), "s1", "ann", say("and on"))
			require.NoError(t, err, "the chat goes on")
		})
	}
}

// GMS' allowance holds: what it has no room for is refused before its first byte, and nothing is
// counted twice.
func TestAllowanceIsThatOfGMS(t *testing.T) {
	t.Parallel()
	d := newDouble(t, func(d *gmsDouble) { d.maxFiles = 2 })
	w := start(t, d)
	joined := w.join(t)
	require.EqualValues(t, 2, joined.Limits.MaxFiles)
	require.EqualValues(t, 10485760, joined.Limits.MaxFileSize)
	require.Equal(t, []string{"jpeg", "jpg", "pdf", "png", "zip"}, joined.Limits.Types)
	for i := range 2 {
		require.Empty(t, w.upload(t, "a"+strconv.Itoa(i)+".pdf", pdf).Code)
	}
	l, err := w.client.Limits(t.Context(), "s1", "ann")
	require.NoError(t, err)
	require.EqualValues(t, 2, l.UsedFiles)
	require.Equal(t, bridge.CodeFileCount, w.upload(t, "b.pdf", pdf).Code)
	require.Equal(t, bridge.CodeFileType, w.upload(t, "b.exe", pdf).Code)
	require.Equal(t, 2, d.count("upload"))
}

// An infected file never gets to GMS.
func TestInfectedFileIsNotUploaded(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	e := newEngine(t)
	c := relay(t, e, d.URL)
	w := &world{World: proxytest.StartOn(t, e, behind(c), func(o *assembly.Options) { o.Scanner = findsInfected{} }), t: t, client: c}
	require.Equal(t, bridge.CodeInfected, w.upload(t, "a.pdf", append([]byte("virus"), pdf...)).Code)
	require.Zero(t, d.count("upload"))
	require.Empty(t, w.upload(t, "b.pdf", pdf).Code)
	require.Equal(t, 1, d.count("upload"))

	// An agent's file is scanned before it leaves, and its one download pays for the attempt.
	b := w.open(t)
	d.uploads("bad.pdf", append([]byte("virus"), pdf...))
	id := d.uploads("good.pdf", pdf)
	b.await(func(e bridge.Event) bool { return e.Data.Get(bridge.KeyFileID) == id })
	_, err := b.Download(t.Context(), "file-2", key())
	require.Equal(t, bridge.CodeInfected, bridge.CodeOf(err), "%v", err)
	attempt := key()
	got, err := b.Download(t.Context(), id, attempt)
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256(pdf), got.SHA256)
	require.Equal(t, 2, d.downloads())
}

type findsInfected struct{}

func (findsInfected) Scan(_ context.Context, r io.Reader, _ proxy.Document) (proxy.Verdict, error) {
	start := make([]byte, 5)
	if _, err := io.ReadFull(r, start); err != nil {
		return proxy.Unknown, err
	}
	if string(start) == "virus" {
		return proxy.Infected, nil
	}
	return proxy.Clean, nil
}

// One download for each attempt: retries and Ranges come from what was kept, also at another
// proxy and after a restart.
func TestDownloadIsChargedOncePerAttempt(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	w := start(t, d)
	b := w.open(t)
	b.await(func(e bridge.Event) bool { return e.Type == bridge.NewParty })
	id := d.uploads("answer.pdf", pdf)
	b.await(func(e bridge.Event) bool { return e.IsFile() })
	attempt := key()
	for range 3 {
		got, err := b.Download(t.Context(), id, attempt)
		require.NoError(t, err)
		require.Equal(t, sha256.Sum256(pdf), got.SHA256)
	}
	require.Equal(t, 1, d.downloads())
	_, err := b.Download(t.Context(), id, key())
	require.NoError(t, err)
	require.Equal(t, 2, d.downloads(), "another attempt is another download")

	other := relay(t, w.Engine, d.URL)
	w.Another(behind(other))
	require.NoError(t, other.Attempt(t.Context(), "s1", "ann", attempt, id))
	require.Equal(t, 2, d.downloads())

	who := proxy.Identity{Session: "s1", Party: ann, Rights: bridge.AllRights}
	grant, _, err := w.Proxy.Transfers().Authorize(t.Context(), who, proxy.Wish{FileID: id, Attempt: attempt})
	require.NoError(t, err)
	content, err := w.Proxy.Transfers().Open(t.Context(), proxy.Fetch{Grant: grant})
	require.NoError(t, err)
	defer content.Close()
	_, err = content.Seek(100, io.SeekStart)
	require.NoError(t, err)
	rest, err := io.ReadAll(content)
	require.NoError(t, err)
	require.Equal(t, pdf[100:], rest)
	require.Equal(t, 2, d.downloads(), "a part comes from what was kept")
}

func TestFailedDownloads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		code   bridge.Code
	}{
		"refused with status 200": {envelope(refusal(1, 299, false)), bridge.CodeDownloads},
		"a page with status 200":  {htmlPage(200), bridge.CodeDownloadMismatch},
		"a page with status 502":  {htmlPage(502), bridge.CodeChatUnavailable},
		"cut":                     {lost, bridge.CodeChatUnavailable},
		"shorter than announced":  {func(w http.ResponseWriter, _ *http.Request) { w.Write(pdf[1:]) }, bridge.CodeDownloadMismatch},
		"longer than announced":   {func(w http.ResponseWriter, _ *http.Request) { w.Write(append(pdf, 0)) }, bridge.CodeDownloadMismatch},
		"cut in the middle":       {func(w http.ResponseWriter, r *http.Request) { w.Write(pdf[1000:]); lost(w, r) }, ""},
		"an envelope, on a refusal": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(403)
			envelope(refusal(1, 299, false))(w, r)
		}, bridge.CodeDownloads},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDouble(t)
			w := start(t, d, func(o *upstream.Options) { o.Unknowns.AttemptsUsed = 299 })
			w.join(t)
			id := d.uploads("answer.pdf", pdf)
			require.Eventually(t, func() bool { _, err := w.client.File(t.Context(), "s1", "ann", id); return err == nil }, patience, brief/10)
			d.fail("download", doubleFault{answer: c.answer})
			attempt := key()
			err := w.client.Attempt(t.Context(), "s1", "ann", attempt, id)
			require.Error(t, err)
			if c.code != "" {
				require.Equal(t, c.code, bridge.CodeOf(err), "%v", err)
			}
			require.NoError(t, w.client.Attempt(t.Context(), "s1", "ann", attempt, id), "the next try is whole")
			require.Equal(t, 1, d.downloads())
		})
	}
}

func TestDeletedFileIsUnknown(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	w := start(t, d)
	b := w.open(t)
	f := b.send("a.pdf", pdf)
	who := proxy.Identity{Session: "s1", Party: ann, Rights: bridge.AllRights}
	e, err := w.Proxy.Transfers().Delete(t.Context(), who, f.ID, "")
	require.NoError(t, err)
	require.Equal(t, f.ID, e.Deletes())
	b.await(func(e bridge.Event) bool { return e.Deletes() == f.ID })
	_, err = w.client.File(t.Context(), "s1", "ann", f.ID)
	require.Equal(t, bridge.CodeFileUnknown, bridge.CodeOf(err))
	_, err = w.Proxy.Transfers().Delete(t.Context(), who, f.ID, "")
	require.NoError(t, err)
	require.Equal(t, 1, d.count("delete"))
}

// The proxy dies at each border of an upload; another one goes on: the file is there once.
func TestUploadSurvivesAtEveryBorder(t *testing.T) {
	for _, forgetful := range []bool{false, true} {
		for _, border := range []string{"intended", "requested"} {
			t.Run(border+", key returned "+strconv.FormatBool(!forgetful), func(t *testing.T) {
				d := newDouble(t, func(d *gmsDouble) { d.forgetful = forgetful })
				w := start(t, d)
				w.join(t)
				dead := dieAt(t, border)
				u := w.upload(t, "a.pdf", pdf)
				<-dead
				require.Empty(t, u.Code)
				require.Len(t, d.sent(gms.FileUploaded), 1)
			})
		}
	}
}

// Two files of one name and size, whose answers are lost: each is there once.
func TestTwinsAreTwo(t *testing.T) {
	t.Parallel()
	d := newDouble(t, func(d *gmsDouble) { d.forgetful = true })
	w := start(t, d)
	b := w.open(t)
	b.await(func(e bridge.Event) bool { return e.Type == bridge.NewParty })
	d.fail("upload", doubleFault{done: true, answer: lost}, doubleFault{done: true, answer: lost})
	first, second := &page.Upload{Key: key(), Name: "a.pdf", Content: pdf}, &page.Upload{Key: key(), Name: "a.pdf", Content: bytes.ToUpper(pdf)}
	done := make(chan error, 2)
	for _, u := range []*page.Upload{first, second} {
		go func() { done <- b.Send(t.Context(), u) }()
	}
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	for range 2 {
		e := b.await(func(e bridge.Event) bool { return e.IsFile() })
		content := d.content(e.Data.Get(bridge.KeyFileID))
		want := first.Content
		if e.Key == second.Key {
			want = second.Content
		}
		require.True(t, bytes.Equal(want, content), "the file under the key is the one that was sent under it")
	}
	require.Len(t, d.sent(gms.FileUploaded), 2)
}

func TestNothingDownloadedIsKeptForEver(t *testing.T) {
	t.Parallel()
	d := newDouble(t)
	w := start(t, d, func(o *upstream.Options) { o.KeepContent = time.Nanosecond })
	w.join(t)
	id := d.uploads("answer.pdf", pdf)
	require.Eventually(t, func() bool { _, err := w.client.File(t.Context(), "s1", "ann", id); return err == nil }, patience, brief/10)
	require.NoError(t, w.client.Attempt(t.Context(), "s1", "ann", key(), id))
	require.True(t, upstream.HasContent(w.client, "s1", id))
	require.NoError(t, upstream.SweepOnce(w.client))
	require.False(t, upstream.HasContent(w.client, "s1", id))
}
