package gms_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/gms"
)

const patience = time.Minute

// nothingLeft waits until no reservation, no content under way and no spool is left.
func (c *customer) nothingLeft() {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		l := c.limits()
		return l["used-upload-max-files"] == "0" && l["used-upload-max-total-size"] == "0" &&
			c.Records.Load(c.last.ChatID, c.last.UserID).Files == 0
	}, patience, 5*time.Millisecond)
}

// unsized hides the length of a body, which is then sent in chunks.
type unsized struct{ io.Reader }

func TestFileT2_UploadsOfUnknownSizeAreCorrected(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.request(url.Values{"nickname": {"Ann"}})
	for i, content := range []string{random(1 << 20), random(2 << 20), random(2 << 20)} {
		body, contentType := multipartBody(append(c.identity(), part{"file", fmt.Sprintf("%d.bin", i), content})...)
		r, _ := c.send(t.Context(), unsized{bytes.NewReader(body)}, contentType)
		require.Equal(t, gms.StatusOK, r.StatusCode, r.Errors)
	}
	require.Equal(t, fmt.Sprint(5<<20), c.limits()["used-upload-max-total-size"])
	r, status := c.upload("4.bin", "x")
	requireFileFault(t, gms.TooManyFiles, r, status)
}

func TestFileT11_Bodies(t *testing.T) {
	t.Parallel()
	type upload struct {
		body        func(c *customer) ([]byte, string)
		chunked     bool
		want        string // the file's content
		description string
		status      int // of a refusal
	}
	form := func(order ...func(c *customer) []part) func(c *customer) ([]byte, string) {
		return func(c *customer) ([]byte, string) {
			var all []part
			for _, o := range order {
				all = append(all, o(c)...)
			}
			return multipartBody(all...)
		}
	}
	identity := (*customer).identity
	file := func(name, content string) func(*customer) []part {
		return func(*customer) []part { return []part{{"file", name, content}} }
	}
	spools := t.TempDir()
	w := startWith(t, gms.Options{Files: gms.FileOptions{SpoolDir: spools}})
	one := func(p part) func(*customer) []part { return func(*customer) []part { return []part{p} } }
	cut := func(n int) func(c *customer) ([]byte, string) {
		return func(c *customer) ([]byte, string) {
			body, contentType := form(identity, file("a.txt", "content"))(c)
			return body[:len(body)-n], contentType
		}
	}
	lines := func(order ...func(*customer) []part) func(c *customer) ([]byte, string) {
		return func(c *customer) ([]byte, string) {
			body, contentType := form(order...)(c)
			return bytes.Replace(body, []byte("Content-Type: "), []byte(strings.Repeat("X-A: b\r\n", 10_000)+"Content-Type: "), 1), contentType
		}
	}
	stranger := w.request(url.Values{"nickname": {"Bob"}})
	keyOf := func(own bool) func(c *customer) []part {
		return func(c *customer) []part {
			user := stranger.last.UserID
			if own {
				user = c.last.UserID
			}
			return []part{{name: "userId", value: user}, {name: "secureKey", value: stranger.last.SecureKey}}
		}
	}
	for name, u := range map[string]upload{
		"identity first":                {body: form(identity, file("a.txt", "content")), want: "content"},
		"in chunks":                     {body: form(identity, file("a.txt", "content")), chunked: true, want: "content"},
		"an empty file":                 {body: form(identity, file("a.txt", "")), want: ""},
		"file first":                    {body: form(file("a.txt", "content"), identity), want: "content"},
		"file first, in chunks":         {body: form(file("a.txt", "content"), identity), chunked: true, want: "content"},
		"another field with a filename": {body: form(identity, one(part{"upload", "a.txt", "content"})), want: "content"},
		"a description after the file": {
			body: form(identity, file("a.txt", "content"), one(part{name: "userData[file-description]", value: "late"})),
			want: "content", description: "late",
		},
		"two files":                           {body: form(identity, file("a.txt", "content"), file("b.txt", "content")), status: 400},
		"two files, the identity at last":     {body: form(file("a.txt", "content"), file("b.txt", "content"), identity), status: 400},
		"no file":                             {body: form(identity), status: 400},
		"no identity":                         {body: form(file("a.txt", "content")), status: 401},
		"no final boundary":                   {body: cut(4), status: 400},
		"no final boundary, in chunks":        {body: cut(4), chunked: true, status: 400},
		"cut in the file":                     {body: cut(70), status: 400},
		"10,000 header lines":                 {body: lines(identity, file("a.txt", "content")), status: 400},
		"10,000 header lines, file first":     {body: lines(file("a.txt", "content"), identity), status: 400},
		"another customer's key":              {body: form(keyOf(true), file("a.txt", "content")), status: 401},
		"another customer's key and id":       {body: form(keyOf(false), file("a.txt", "content")), status: 404},
		"another's, after the file":           {body: form(file("a.txt", "content"), keyOf(true)), status: 401},
		"a key of the vendor's":               {body: form(identity, one(part{name: "userData[file-size]", value: "1"}), file("a.txt", "content")), status: 200},
		"parameters of more than 128 KiB":     {body: form(identity, one(part{name: "x", value: strings.Repeat("x", 200<<10)}), file("a.txt", "content")), status: 413},
		"parameters of 200 KiB after the end": {body: form(identity, file("a.txt", "content"), one(part{name: "x", value: strings.Repeat("x", 200<<10)})), status: 413},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.request(url.Values{"nickname": {"Ann"}})
			raw, contentType := u.body(c)
			body := io.Reader(bytes.NewReader(raw))
			if u.chunked {
				body = unsized{body}
			}
			r, status := c.send(t.Context(), body, contentType)
			left, err := os.ReadDir(spools)
			require.NoError(t, err)
			require.Empty(t, left)
			if u.status != 0 {
				require.Equal(t, u.status, status, r.Errors)
				require.NotEqual(t, gms.StatusOK, r.StatusCode)
				c.nothingLeft()
				return
			}
			require.Equal(t, gms.StatusOK, r.StatusCode, r.Errors)
			_, got := c.fetch(r.UserData["file-id"])
			require.Equal(t, u.want, string(got))
			e, err := w.Chat.File(t.Context(), c.last.ChatID, c.last.UserID, r.UserData["file-id"])
			require.NoError(t, err)
			require.Equal(t, u.description, e.Data.Get(bridge.KeyDescription))
		})
	}
}

func TestFileT11_SpooledFilesAreBounded(t *testing.T) {
	t.Parallel()
	w := startWith(t, gms.Options{Files: gms.FileOptions{SpoolSize: 1 << 20, SpoolAddress: 3 << 20}})
	c := w.request(url.Values{"nickname": {"Ann"}})
	body, contentType := multipartBody(append([]part{{"file", "a.txt", random(3 << 20)}}, c.identity()...)...)
	r, status := c.send(t.Context(), bytes.NewReader(body), contentType)
	requireFileFault(t, gms.TotalTooLarge, r, status)
	c.nothingLeft()
}

// A client that stops in the middle of its file, or only begins it.
func TestFileT11_HalfSentBodies(t *testing.T) {
	t.Parallel()
	w := startWith(t, gms.Options{Files: gms.FileOptions{PauseTime: 100 * time.Millisecond, DrainTime: 50 * time.Millisecond}})
	c := w.request(url.Values{"nickname": {"Ann"}})
	body, contentType := multipartBody(append(c.identity(), part{"file", "a.txt", random(100_000)})...)
	u, err := url.Parse(c.filePath())
	require.NoError(t, err)
	for name, sent := range map[string]int{"in the parameters": 40, "in the file": 50_000} {
		for _, hangsUp := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, hangs up %v", name, hangsUp), func(t *testing.T) {
				conn, err := net.Dial("tcp", u.Host)
				require.NoError(t, err)
				defer conn.Close()
				fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", u.Path, contentType, len(body))
				conn.Write(body[:sent])
				if hangsUp {
					conn.Close()
				} else {
					answer, err := io.ReadAll(conn)
					require.NoError(t, err)
					require.Regexp(t, `^HTTP/1.1 408 `, string(answer))
					require.Contains(t, string(answer), `"statusCode":`)
				}
				c.nothingLeft()
			})
		}
	}
}

// A client whose Content-Length is wrong: more than it sends and then says nothing, or less.
func TestFileT11_WrongLengths(t *testing.T) {
	t.Parallel()
	w := startWith(t, gms.Options{Files: gms.FileOptions{PauseTime: 100 * time.Millisecond, DrainTime: 50 * time.Millisecond}})
	for name, tc := range map[string]struct {
		length func(n int) string
		status string
	}{
		"more":        {func(n int) string { return fmt.Sprint(n + 10) }, "200"}, // the final boundary is there
		"less":        {func(n int) string { return fmt.Sprint(n - 10) }, "400"},
		"nothing":     {func(int) string { return "0" }, "400"},
		"negative":    {func(int) string { return "-1" }, "400"},
		"two of them": {func(int) string { return "5\r\nContent-Length: 6" }, "400"},
		"no number":   {func(int) string { return "many" }, "400"},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.request(url.Values{"nickname": {"Ann"}})
			body, contentType := multipartBody(append(c.identity(), part{"file", "a.txt", random(50_000)})...)
			u, err := url.Parse(c.filePath())
			require.NoError(t, err)
			conn, err := net.Dial("tcp", u.Host)
			require.NoError(t, err)
			defer conn.Close()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %s\r\n\r\n", u.Path, contentType, tc.length(len(body)))
			conn.Write(body)
			answer, err := bufio.NewReader(conn).ReadString('\n')
			require.NoError(t, err)
			require.Regexp(t, "^HTTP/1.1 "+tc.status+" ", answer)
			if tc.status != "200" {
				c.nothingLeft()
			}
		})
	}
}

// A client that never pauses for long, and yet would take days.
func TestFileT11_SlowBodies(t *testing.T) {
	t.Parallel()
	w := startWith(t, gms.Options{Files: gms.FileOptions{PauseTime: 200 * time.Millisecond, DrainTime: 50 * time.Millisecond}})
	c := w.request(url.Values{"nickname": {"Ann"}})
	body, contentType := multipartBody(append(c.identity(), part{"file", "a.txt", random(100_000)})...)
	u, err := url.Parse(c.filePath())
	require.NoError(t, err)
	for name, at := range map[string]int{"in the parameters": 40, "in the file": 2000} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", u.Host)
			require.NoError(t, err)
			defer conn.Close()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", u.Path, contentType, len(body))
			conn.Write(body[:at])
			go func() {
				for tick := time.NewTicker(20 * time.Millisecond); at < len(body); at++ {
					<-tick.C
					if _, err := conn.Write(body[at : at+1]); err != nil {
						return
					}
				}
			}()
			answer, err := bufio.NewReader(conn).ReadString('\n')
			require.NoError(t, err)
			require.Regexp(t, `^HTTP/1.1 408 `, answer)
			c.nothingLeft()
		})
	}
}

// A refusal is decided before a byte is stored, and the body is read nevertheless: the client
// sees the answer after it has sent more than sockets hold, however long that takes it.
func TestFileT3_RefusedBodiesAreDrained(t *testing.T) {
	t.Parallel()
	limits := bridge.VendorLimits()
	limits.Types, limits.MaxFileSize, limits.MaxTotalSize, limits.MaxFiles = bridge.ParseTypes("pdf:txt"), 20<<20, 100<<20, 1
	w := startWith(t, gms.Options{Files: gms.FileOptions{DrainTime: patience}}, lasting(time.Hour), func(o *assembly.Options) { o.Chat.CustomerLimits = &limits })
	c := w.request(url.Values{"nickname": {"Ann"}})
	big := strings.Repeat("x", 16<<20)
	refuse := func(code int, name, content string) {
		t.Helper()
		r, status := c.upload(name, content)
		requireFileFault(t, code, r, status)
		require.Zero(t, c.Records.Load(c.last.ChatID, c.last.UserID).Lost, "nothing had begun")
	}
	refuse(gms.TypeRefused, "a.exe", big)
	refuse(gms.TotalTooLarge, "a.pdf", big+big[:4<<20+512<<10]) // code-file-too-large
	r, _ := c.upload("a.pdf", "x")
	require.Equal(t, gms.StatusOK, r.StatusCode, r.Errors)
	refuse(gms.TooManyFiles, "b.pdf", big)
	other := w.request(url.Values{"nickname": {"Bob"}})
	body, contentType := multipartBody(append(other.identity(), part{"file", "a.pdf", big})...)
	_, status := c.send(t.Context(), bytes.NewReader(body), contentType)
	require.Equal(t, http.StatusNotFound, status, "other people's secure keys")
}

// heldScanner gives its verdict when it is let.
type heldScanner struct {
	in      chan struct{}
	verdict chan proxy.Verdict
}

func (s *heldScanner) Scan(ctx context.Context, r io.Reader, _ proxy.Document) (proxy.Verdict, error) {
	io.Copy(io.Discard, r)
	s.in <- struct{}{}
	select {
	case v := <-s.verdict:
		return v, nil
	case <-ctx.Done():
		return proxy.Unknown, ctx.Err()
	}
}

// The answer waits for the notice up to a time. The same file again is the first one, and a
// client that hangs up changes nothing.
func TestFileT4_TheAnswerWaitsForTheNotice(t *testing.T) {
	t.Parallel()
	s := &heldScanner{in: make(chan struct{}, 8), verdict: make(chan proxy.Verdict, 8)}
	w := startWith(t, gms.Options{UploadWait: 300 * time.Millisecond}, func(o *assembly.Options) { o.Scanner = s })
	c := w.request(url.Values{"nickname": {"Ann"}})
	body, contentType := multipartBody(append(c.identity(), part{"file", "a.pdf", "content"})...)

	hangUp, cancel := context.WithCancel(t.Context())
	go func() { <-s.in; cancel() }()
	if r, status, err := c.trySend(hangUp, bytes.NewReader(body), contentType); err == nil {
		requireFileFault(t, gms.TemporarilyBusy, r, status) // the answer was faster
	}

	r, status := c.send(t.Context(), bytes.NewReader(body), contentType)
	requireFileFault(t, gms.TemporarilyBusy, r, status)
	require.Contains(t, r.Errors[0].Advice, "still being checked")

	s.verdict <- proxy.Clean
	require.Eventually(t, func() bool { return c.limits()["used-upload-max-files"] == "1" && c.files() == 1 }, patience, 5*time.Millisecond)
	require.Equal(t, 1, c.files(), "three requests, one file")
}

// A retry that waits while the first is under way gets the first one's id.
func TestFileT4_ARetryJoinsTheFirst(t *testing.T) {
	t.Parallel()
	s := &heldScanner{in: make(chan struct{}, 8), verdict: make(chan proxy.Verdict, 8)}
	w := startWith(t, gms.Options{}, func(o *assembly.Options) { o.Scanner = s })
	c := w.request(url.Values{"nickname": {"Ann"}})
	answers := make(chan gms.Reply, 2)
	send := func() {
		body, contentType := multipartBody(append(c.identity(), part{"file", "a.pdf", "content"})...)
		r, _, err := c.trySend(t.Context(), bytes.NewReader(body), contentType)
		if err != nil {
			r.StatusCode = gms.StatusFailed
		}
		answers <- r
	}
	go send()
	<-s.in
	go send()
	require.Eventually(t, func() bool { return c.Records.Load(c.last.ChatID, c.last.UserID).Lost == 1 }, patience, time.Millisecond, "the second is given up for the first")
	s.verdict <- proxy.Clean
	first, second := <-answers, <-answers
	require.Equal(t, gms.StatusOK, first.StatusCode, first.Errors)
	require.Equal(t, gms.StatusOK, second.StatusCode, second.Errors)
	require.NotEmpty(t, first.UserData["file-id"])
	require.Equal(t, first.UserData, second.UserData)
	require.Equal(t, 1, c.files())
}

// The first may be announced between a client's last look and its next try: transcriptPosition says
// what the client has seen.
func TestFileT4_ARetryJoinsTheFirstThatItHasNotSeen(t *testing.T) {
	t.Parallel()
	limits := bridge.Unlimited()
	w := startWith(t, gms.Options{}, func(o *assembly.Options) { o.Chat.CustomerLimits = &limits })
	c := w.request(url.Values{"nickname": {"Ann"}})
	at := func(position int64) part {
		return part{name: "transcriptPosition", value: strconv.FormatInt(position, 10)}
	}
	seen := c.last.NextPosition
	first, _ := c.upload("a.pdf", "content")
	again, _ := c.upload("a.pdf", "content", at(seen))
	require.Equal(t, gms.StatusOK, again.StatusCode, again.Errors)
	require.Equal(t, first.UserData, again.UserData)
	other, _ := c.upload("a.pdf", "CONTENT", at(seen))
	require.NotEqual(t, first.UserData, other.UserData)
	for n, more := range [][]part{{at(other.NextPosition)}, nil, {at(0)}} {
		wanted, _ := c.upload("a.pdf", "content", more...)
		require.Equal(t, gms.StatusOK, wanted.StatusCode, wanted.Errors)
		require.Equal(t, 3+n, c.files(), "it has seen the first, or does not say what it has seen")
	}
}

func TestFileT4_AnInfectedFileIsRefused(t *testing.T) {
	t.Parallel()
	s := &heldScanner{in: make(chan struct{}, 8), verdict: make(chan proxy.Verdict, 8)}
	s.verdict <- proxy.Infected
	w := startWith(t, gms.Options{}, func(o *assembly.Options) { o.Scanner = s })
	c := w.request(url.Values{"nickname": {"Ann"}})
	r, status := c.upload("a.pdf", "content")
	requireFileFault(t, gms.CannotExecute, r, status)
	require.Equal(t, "infected", r.Errors[0].Message)
	c.nothingLeft()
}

// files counts the announced files.
func (c *customer) files() (n int) {
	c.t.Helper()
	err := c.Chat.(proxy.Transcripts).Transcript(c.t.Context(), c.last.ChatID, 0, func(e bridge.Event) error {
		if e.IsFile() {
			n++
		}
		return nil
	})
	require.NoError(c.t, err)
	return n
}

// The four codes that the vendor has not published.
func TestFileT13_UnknownCodesAreOptions(t *testing.T) {
	t.Parallel()
	limits := bridge.VendorLimits()
	limits.MaxDownloads = 0
	o := gms.Options{CodeFileTooLarge: 9001, CodeDownloads: 9002, CodeNeedAgent: 9003, CodeFileUnknown: 9004, DownloadsOK: true}
	w := startWith(t, o, func(o *assembly.Options) { o.Chat.CustomerLimits = &limits })
	c := w.request(url.Values{"nickname": {"Ann"}})
	r, status := c.upload("a.pdf", strings.Repeat("x", 2<<20+1))
	requireFileFault(t, 9001, r, status)
	r, _ = c.upload("a.pdf", "x")
	r, status = c.try("file/"+r.UserData["file-id"]+"/download", nil)
	requireFileFault(t, 9002, r, status)
	r, status = c.try("file/unknown/delete", nil)
	requireFileFault(t, 9004, r, status)

	needs := bridge.VendorLimits()
	needs.NeedAgent = true
	w = startWith(t, o, func(o *assembly.Options) { o.Chat.CustomerLimits = &needs })
	c = w.request(url.Values{"nickname": {"Ann"}})
	r, status = c.upload("a.pdf", "x")
	requireFileFault(t, 9003, r, status)
	c.agent()
	r, _ = c.upload("a.pdf", "x")
	require.Equal(t, gms.StatusOK, r.StatusCode, r.Errors)
}

// Another Attaché names its upload: the same key is one file, also after it was announced.
func TestFile_RelaysKeyIsOneFile(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.request(url.Values{"nickname": {"Ann"}})
	key := part{name: "userData[attache-key]", value: strings.Repeat("0a", 16)}
	first, _ := c.upload("a.pdf", "one", key)
	require.Equal(t, gms.StatusOK, first.StatusCode, first.Errors)
	again, _ := c.upload("a.pdf", "one", key)
	require.Equal(t, gms.StatusOK, again.StatusCode, again.Errors)
	require.Equal(t, first.UserData["file-id"], again.UserData["file-id"])
	for name, p := range map[string]part{"another file": key, "not a key": {name: key.name, value: "x"}} {
		r, _ := c.upload(name+".pdf", "two", p)
		require.Equal(t, gms.StatusOK, r.StatusCode, r.Errors)
		require.NotEqual(t, first.UserData["file-id"], r.UserData["file-id"])
	}
	require.Equal(t, "3", c.limits()["used-upload-max-files"])
}
