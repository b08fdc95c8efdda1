package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"

	"github.com/stretchr/testify/require"
)

// hostileInputs is how many inputs of a kind an oracle judges: few in the tests,
// 100,000 where ATTACHE_HOSTILE says so.
func hostileInputs(few int) int {
	if n, err := strconv.Atoi(os.Getenv("ATTACHE_HOSTILE")); err == nil {
		return n
	}
	return few
}

// heldFile is a file that the oracle knows: how it can be fetched, and its content.
type heldFile struct {
	path, tag string
	content   []byte
}

type hostileRequest struct {
	method, path string
	file         bool // the path is the held file's
	header       http.Header
}

// TestT26OracleOfHTTP sends requests of every shape, and an oracle that knows RFC 9110
// and docs/protocol.md says how each must be answered.
func TestT26OracleOfHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) {
		c.MessageRate, c.MessageBurst = 1e6, 1e6
		c.DisconnectTimeout = time.Hour // the page reads nothing while the requests are made
	})
	agent, _ := w.join(w.agent)
	file := w.upload(agent, w.data(w.agent), "a b.pdf", random(1000))
	held := heldFile{path: w.ticket(agent, file.ID)}
	var head http.Header
	held.content, head = w.fetch(held.path, nil, http.StatusOK)
	held.tag = head.Get("ETag")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	r := rand.New(rand.NewPCG(26, 1))
	for range hostileInputs(600) {
		q := held.request(r, origin)
		req, err := http.NewRequest(q.method, w.Server.URL, nil)
		require.NoError(t, err)
		req.URL.Opaque = "//" + req.URL.Host + q.path
		req.Header = q.header
		res, err := client.Do(req)
		require.NoError(t, err, "%s %s", q.method, q.path)
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		require.NoError(t, err)
		held.judge(t, q, res, body, origin)
	}
}

var hostileRanges = []string{
	"", "", "", "bytes=0-", "bytes=0-0", "bytes=10-19", "bytes=999-", "bytes=-1", "bytes=-1000", "bytes=-2000", "bytes=0-99999", "bytes=1000-", "bytes=1000-1001", "bytes=99999999999999999999-",
	"bytes=5-2", "bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,3-4", "bytes=0-1,", "bytes =0-1", "bytes= 0-1", "lines=1-2", "bytes", "=", "none", "BYTES=0-1", "bytes=-0", "bytes=0x1-2", "bytes=+1-2", "bytes=1--2",
}

// request makes a request whose every part may be hostile.
func (f heldFile) request(r *rand.Rand, origin string) hostileRequest {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	ticket := strings.Split(f.path, "/")[3]
	i := r.IntN(len(ticket) - 1)
	q := hostileRequest{header: http.Header{}}
	q.method = one("GET", "GET", "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get")
	if q.file = r.IntN(2) == 0; q.file {
		q.path = one(f.path, bridge.PathFile+"/"+ticket+"/", bridge.PathFile+"/"+ticket+"/evil.html", bridge.PathFile+"/"+ticket+"/%00", bridge.PathFile+"/"+ticket+"/a/b/c?x=1")
	} else {
		q.path = one(bridge.PathChat, bridge.PathData, bridge.PathChat+"/", "/", "/attache", "/attache/", "/attache/file", "/attache/file/", bridge.PathFile+"/x/y", bridge.PathFile+"/../chat",
			bridge.PathFile+"/"+ticket, bridge.PathFile+"/"+ticket[:i]+"/a", bridge.PathFile+"/"+ticket[:i]+flip(ticket[i])+ticket[i+1:]+"/a", bridge.PathFile+"/"+ticket+".x/a", bridge.PathFile+"/%2e%2e/%2e%2e/etc/passwd",
			"//evil.example/a", "/attache//chat", "/metrics", "/healthz", "/debug/pprof/", "/%61ttache/chat", "/attache/chat%2f", "/.git/config", bridge.PathFile+"/"+strings.Repeat("A", 6000)+"/a")
	}
	if v := one(hostileRanges...); v != "" {
		q.header["Range"] = []string{v}
	}
	switch r.IntN(8) {
	case 0:
		q.header["If-Range"] = []string{one(f.tag, `"other"`, "W/"+f.tag, "yesterday")}
	case 1:
		q.header["If-None-Match"] = []string{one(f.tag, "*", `"other"`, `"other", `+f.tag)}
	case 2:
		q.header["If-Match"] = []string{one(f.tag, "*", `"other"`)}
	}
	switch r.IntN(4) {
	case 0:
		q.header["Origin"] = []string{origin}
	case 1:
		q.header["Origin"] = []string{one("null", "", origin+".evil", strings.ToUpper(origin), "https://evil.example", origin+"/", "*")}
	}
	return q
}

// flip returns another letter of base64.
func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

// judge compares an answer with the oracle's.
func (f heldFile) judge(t *testing.T, q hostileRequest, res *http.Response, body []byte, origin string) {
	t.Helper()
	say := fmt.Sprintf("%s %s %v: %s", q.method, q.path, q.header, res.Status)
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" && got != "*" {
		require.Equal(t, []string{origin}, q.header["Origin"], say)
	}
	require.Empty(t, res.Header.Get("Access-Control-Allow-Credentials"), say)
	require.Less(t, res.StatusCode, 500, say)
	if !q.file {
		require.NotContains(t, []int{200, 206}, res.StatusCode, say)
		require.False(t, len(body) > 20 && bytes.Contains(body, f.content[:20]), say)
		return
	}
	want, content := f.expect(q)
	require.Contains(t, want, res.StatusCode, say)
	switch res.StatusCode {
	case http.StatusOK, http.StatusPartialContent:
		if q.method == http.MethodGet {
			if res.StatusCode == http.StatusOK {
				content = f.content
			}
			require.Equal(t, content, body, say)
		}
		require.Equal(t, "application/octet-stream", res.Header.Get("Content-Type"), say)
		require.True(t, strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment; "), say)
		require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"), say)
		require.Contains(t, res.Header.Get("Content-Security-Policy"), "sandbox", say)
	default:
		require.False(t, len(body) > 20 && bytes.Contains(body, f.content[:20]), say)
	}
}

var oneRange = regexp.MustCompile(`^bytes=(\d*)-(\d*)$`)

// expect returns the status that a request for the file must have, and the content of its
// part.
func (f heldFile) expect(q hostileRequest) (status []int, part []byte) {
	switch q.method {
	case http.MethodOptions:
		return []int{http.StatusNoContent}, nil
	case http.MethodGet, http.MethodHead:
	default:
		return []int{http.StatusMethodNotAllowed}, nil
	}
	if m := q.header.Get("If-Match"); m != "" && m != "*" && m != f.tag {
		return []int{http.StatusPreconditionFailed}, nil
	}
	if m := q.header.Get("If-None-Match"); m == "*" || strings.Contains(m, f.tag) && m != "" {
		return []int{http.StatusNotModified}, nil
	}
	asked := q.header.Get("Range")
	if asked == "" || q.header.Get("If-Range") != "" && strings.TrimPrefix(q.header.Get("If-Range"), "W/") != f.tag || !strings.HasPrefix(asked, "bytes=") || strings.Contains(asked, ",") || asked == "bytes=-0" {
		return []int{http.StatusOK}, nil
	}
	size := int64(len(f.content))
	m := oneRange.FindStringSubmatch(asked)
	if m == nil || m[1] == "" && m[2] == "" {
		return []int{http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable}, f.lenient(asked)
	}
	first, errFirst := strconv.ParseInt(m[1], 10, 64)
	last, errLast := strconv.ParseInt(m[2], 10, 64)
	switch {
	case m[1] == "":
		first, last = max(0, size-last), size-1
	case m[2] == "":
		last = size - 1
	case errLast != nil || last < first:
		return []int{http.StatusRequestedRangeNotSatisfiable, http.StatusOK}, nil
	}
	if m[1] != "" && errFirst != nil || first >= size {
		return []int{http.StatusRequestedRangeNotSatisfiable}, nil
	}
	return []int{http.StatusPartialContent}, f.content[first : min(last, size-1)+1]
}

// lenient returns the part that a range written with blanks asks for.
func (f heldFile) lenient(asked string) []byte {
	var first, last int
	if _, err := fmt.Sscanf(strings.ReplaceAll(asked, " ", ""), "bytes=%d-%d", &first, &last); err != nil || first < 0 || last < first || last >= len(f.content) {
		return nil
	}
	return f.content[first : last+1]
}

// TestT5OracleOfFirstMessages opens sockets whose first message is hostile. Only a hello
// that is right in every member is welcomed, and every other socket gets only the reason.
func TestT5OracleOfFirstMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := rand.New(rand.NewPCG(5, 1))
	for i := range hostileInputs(150) {
		hello := bridge.Hello{Token: w.Token(fmt.Sprintf("f%d", i/20), "alice", bridge.Agent, bridge.AllRights...)}
		text, good := hostileHello(r, string(bridge.AppendMessage(nil, &hello)))
		first := byte(fin | opText)
		if r.IntN(10) == 0 {
			first, good = fin|opBinary, false
		}
		conn := w.raw()
		conn.Write(piece(first, text))
		_, answer, err := readPiece(conn, bufio.NewReader(conn))
		conn.Close()
		if good {
			require.NoError(t, err, text)
			require.Contains(t, answer, `"type":"welcome"`, text)
			continue
		}
		require.NotContains(t, answer, `"type":"welcome"`, text)
	}
}

// hostileHello changes a good hello, or does not.
func hostileHello(r *rand.Rand, good string) (text string, still bool) {
	changes := []func() (string, bool){
		func() (string, bool) { return good, true },
		func() (string, bool) { return " " + good + "\n", true },
		func() (string, bool) { return strings.TrimSuffix(good, "}") + `,"position":0,"agent":"x"}`, true },
		func() (string, bool) { return strings.TrimSuffix(good, "}") + `,"clientVersion":106}`, true },
		func() (string, bool) { return strings.TrimSuffix(good, "}") + `,"clientVersion":7}`, false },
		func() (string, bool) { return strings.TrimSuffix(good, "}") + `,"position":-1}`, false },
		func() (string, bool) { return strings.TrimSuffix(good, "}") + `,"admin":true}`, false },
		func() (string, bool) { return strings.TrimSuffix(good, "}") + `,"token":"x"}`, false },
		func() (string, bool) { return strings.Replace(good, `"token"`, `"Token"`, 1), false },
		func() (string, bool) { return strings.Replace(good, "hello", "Hello", 1), false },
		func() (string, bool) { return good[:r.IntN(len(good))], false },
		func() (string, bool) { return good + good, false },
		func() (string, bool) { return "[" + good + "]", false },
		func() (string, bool) { return strings.Replace(good, ".", "..", 1), false },
		func() (string, bool) { return `{"type":"ping","ref":1}`, false },
		func() (string, bool) { return "GET / HTTP/1.1\r\n\r\n", false },
		func() (string, bool) { return "", false },
		func() (string, bool) {
			// Within the token: its signature, or what it signs.
			at := strings.Index(good, "ey") + r.IntN(len(good)-40)
			if slices.Contains([]byte(`."}`), good[at]) {
				return good, true
			}
			return good[:at] + flip(good[at]) + good[at+1:], false
		},
		func() (string, bool) { return strings.Repeat(" ", bridge.MaxHello) + good, false },
		func() (string, bool) { return strings.Replace(good, `"type"`, "\"\xff\"", 1), false },
	}
	return changes[r.IntN(len(changes))]()
}
