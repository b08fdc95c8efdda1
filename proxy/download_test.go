package proxy_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"

	"github.com/stretchr/testify/require"
)

func TestDownloadRanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	content := random(3_000_000)
	file := w.upload(agent, w.data(w.agent), "a b.pdf", content)
	path := w.ticket(agent, file.ID)
	_, head := w.fetch(path, nil, http.StatusOK)
	tag := head.Get("ETag")
	tests := []struct {
		name   string
		header http.Header
		status int
		want   []byte
	}{
		{"from the middle", http.Header{"Range": {"bytes=1000000-"}}, http.StatusPartialContent, content[1_000_000:]},
		{"a piece", http.Header{"Range": {"bytes=959999-960001"}}, http.StatusPartialContent, content[959_999:960_002]},
		{"the end", http.Header{"Range": {"bytes=-5"}}, http.StatusPartialContent, content[len(content)-5:]},
		{"if it is still the same", http.Header{"Range": {"bytes=10-19"}, "If-Range": {tag}}, http.StatusPartialContent, content[10:20]},
		{"B58: if it is, as nginx writes it", http.Header{"Range": {"bytes=10-19"}, "If-Range": {"W/" + tag}}, http.StatusPartialContent, content[10:20]},
		{"B58: as Apache and Caddy write it", http.Header{"Range": {"bytes=10-19"}, "If-Range": {strings.TrimSuffix(tag, `"`) + `-gzip"`}}, http.StatusPartialContent, content[10:20]},
		{"B58: as Jetty writes it", http.Header{"Range": {"bytes=10-19"}, "If-Range": {"W/" + strings.TrimSuffix(tag, `"`) + `--gzip"`}}, http.StatusPartialContent, content[10:20]},
		{"if it were another", http.Header{"Range": {"bytes=10-19"}, "If-Range": {`"other"`}}, http.StatusOK, content},
		{"not again", http.Header{"If-None-Match": {tag}}, http.StatusNotModified, nil},
		{"beyond the end", http.Header{"Range": {"bytes=3000000-"}}, http.StatusRequestedRangeNotSatisfiable, nil},
		{"M2: several ranges", http.Header{"Range": {"bytes=0-1,5-6"}}, http.StatusOK, content},
		{"M2: several lines of them", http.Header{"Range": {"bytes=0-1", "bytes=5-6"}}, http.StatusOK, content},
		{"L11: a unit that nobody knows", http.Header{"Range": {"lines=1-2"}}, http.StatusOK, content},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := w.fetch(path, tt.header, tt.status)
			if tt.want != nil {
				require.Equal(t, tt.want, got)
			}
		})
	}
}

// A download manager asks for the end of a file first; an empty file has none.
func TestB58RangeOfAnEmptyFileIsNotSatisfiable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	path := w.ticket(agent, w.upload(agent, w.data(w.agent), "empty.txt", nil).ID)
	for _, asked := range []string{"bytes=-5", "bytes=0-", "bytes=0-1023", "bytes=7-"} {
		got, h := w.fetch(path, http.Header{"Range": {asked}}, http.StatusOK)
		require.Empty(t, got, asked)
		require.Empty(t, h.Get("Content-Range"), asked)
	}
}

func TestT26DownloadsAreNeverShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	d := w.data(w.agent)
	for _, name := range []string{"page.html", "image.svg", "doc.pdf", "x.js"} {
		file := w.upload(agent, d, name, []byte("<script>alert(1)</script>"))
		_, h := w.fetch(w.ticket(agent, file.ID), http.Header{"Origin": {origin}}, http.StatusOK)
		require.Equal(t, "application/octet-stream", h.Get("Content-Type"))
		require.True(t, strings.HasPrefix(h.Get("Content-Disposition"), "attachment; "))
		require.Equal(t, "sandbox; default-src 'none'", h.Get("Content-Security-Policy"))
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.Equal(t, origin, h.Get("Access-Control-Allow-Origin"))
		require.Contains(t, h.Get("Access-Control-Expose-Headers"), "Content-Disposition")
	}
	file := w.upload(agent, d, "a.txt", []byte("x"))
	_, h := w.fetch(w.ticket(agent, file.ID), http.Header{"Origin": {"https://evil.example"}}, http.StatusOK)
	require.Empty(t, h.Get("Access-Control-Allow-Origin"), "a page that is not on the list cannot read it")
}

func TestT14FileOfAnotherSessionIsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	file := w.upload(agent, w.data(w.agent), "a.txt", []byte("secret"))
	stranger, _ := w.join(w.Token("other-session", "eve", bridge.Agent, bridge.AllRights...))
	refusals := map[string]bool{}
	for _, id := range []string{file.ID, file.DocumentID, file.Key, "1", "nothing"} {
		stranger.send(&bridge.Ask{Ref: 1, File: id, Attempt: newKey()})
		fail := await(stranger, anything[*bridge.Fail])
		require.Equal(t, bridge.CodeFileUnknown, fail.Error.Code)
		refusals[fail.Error.Message] = true
	}
	require.Len(t, refusals, 1, "the answer does not reveal whether the file exists in another session")
}

// A customer names another session's document in a notice of its own, which reaches the
// Chat Server without this proxy.
func TestT15DocumentOfAnotherSessionGivesNoTicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	victim := w.upload(agent, w.data(w.agent), "a.txt", []byte("secret"))
	eve := w.Token("other-session", "eve", bridge.Client, bridge.AllRights...)
	page, _ := w.join(eve)
	e := bridge.Announcement{Name: "a.txt", Size: 6, DocumentID: victim.DocumentID, Key: victim.Key}.Notice(bridge.All)
	posted, err := w.chat.Post(t.Context(), "other-session", "eve", e)
	require.NoError(t, err)
	page.send(&bridge.Ask{Ref: 1, File: posted.Data.Get(bridge.KeyFileID), Attempt: newKey()})
	require.Equal(t, bridge.CodeFileUnknown, page.refused())
}

func TestT3ForgedTicketIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	file := w.upload(agent, w.data(w.agent), "a.txt", []byte("x"))
	path := w.ticket(agent, file.ID)
	good := strings.Split(path, "/")[3]
	for name, ticket := range map[string]string{
		"garbage":         "abc",
		"changed":         good[:len(good)-9] + string('A'+(good[len(good)-9]+1)%26) + good[len(good)-8:],
		"a token instead": w.agent,
		"empty signature": good[:strings.LastIndexByte(good, '.')+1],
	} {
		t.Run(name, func(t *testing.T) {
			body, _ := w.fetch(bridge.PathFile+"/"+ticket+"/a.txt", nil, http.StatusForbidden)
			require.Contains(t, string(body), bridge.CodeTicketInvalid)
		})
	}
}

func TestDownloadAttempts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	file := w.upload(agent, w.data(w.agent), "a.txt", []byte("x"))
	customer, _ := w.join(w.customer)
	ask := &bridge.Ask{Ref: 1, File: file.ID, Attempt: newKey()}
	for range 5 {
		customer.send(ask)
		await(customer, anything[*bridge.Ticket])
	}
	customer.send(&bridge.Ask{Ref: 2, File: file.ID, Attempt: newKey()})
	await(customer, anything[*bridge.Ticket])
	customer.send(&bridge.Ask{Ref: 3, File: file.ID, Attempt: newKey()})
	require.Equal(t, bridge.CodeDownloads, customer.refused(), "the third attempt of two")
	agent.send(&bridge.Ask{Ref: 4, File: file.ID, Attempt: newKey()})
	await(agent, anything[*bridge.Ticket])
}

// awayRecords are unavailable.
type awayRecords struct{ proxy.Records }

func (awayRecords) Get(context.Context, string, string) (proxy.Record, error) {
	return proxy.Record{}, errors.New("no quorum")
}

func TestUnreadableRecordIsStorageUnavailable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer, _ := w.join(w.customer)
	file := w.upload(customer, w.data(w.customer), "a.txt", []byte("x"))
	agent, _ := w.another(func(c *proxy.Config) { c.Records = awayRecords{c.Records} }).join(w.agent)
	agent.send(&bridge.Ask{Ref: 1, File: file.ID, Attempt: newKey()})
	require.Equal(t, bridge.CodeStorageUnavailable, await(agent, anything[*bridge.Fail]).Error.Code)
}

// TestT19DownloadThatIsNotReadIsCut begins downloads and reads none of them.
func TestT19DownloadThatIsNotReadIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	content := random(12 << 20) // more than the connection's buffers hold
	link := w.ticket(agent, w.upload(agent, w.data(w.agent), "large.bin", content).ID)
	for name, c := range map[string]struct {
		within time.Duration
		busy   bool
	}{"cut off": {20 * time.Millisecond, false}, "counted meanwhile": {2 * wait, true}} {
		t.Run(name, func(t *testing.T) {
			twin := w.another(func(p *proxy.Config) { p.PieceTimeout, p.MaxDownloads = c.within, 1 })
			ended := make(chan struct{}, 1)
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				twin.Proxy.ServeHTTP(rw, r)
				ended <- struct{}{}
			}))
			defer server.Close()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(4<<10))
			io.WriteString(conn, "GET "+link+" HTTP/1.1\r\nHost: x\r\n\r\n")
			if c.busy {
				io.ReadFull(conn, make([]byte, 1)) // it has been counted
				body, h := twin.fetch(link, nil, http.StatusServiceUnavailable)
				require.Equal(t, "1", h.Get("Retry-After"))
				require.Contains(t, string(body), bridge.CodeBusy)
				conn.Close()
			}
			<-ended
			require.Less(t, twin.Proxy.Traffic().Down, int64(len(content)))
			_, h := twin.fetch(link, http.Header{"Range": {"bytes=0-0"}}, http.StatusPartialContent)
			require.Equal(t, "1", h.Get("Content-Length"))
		})
	}
}

// TestM2RangesAreRateLimited asks for more small pieces than a party's rate limit
// allows.
func TestM2RangesAreRateLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	link := w.ticket(agent, w.upload(agent, w.data(w.agent), "a.bin", random(3000)).ID)
	twin := w.another(func(p *proxy.Config) { p.MessageRate, p.MessageBurst = 1e-3, 3 })
	piece := http.Header{"Range": {"bytes=0-0"}}
	for range 3 {
		twin.fetch(link, piece, http.StatusPartialContent)
	}
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan int, 1)
	go func() {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, link, nil)
		answer := httptest.NewRecorder()
		twin.Proxy.ServeHTTP(answer, r)
		got <- answer.Code
	}()
	select {
	case status := <-got:
		t.Fatalf("the fourth of three was answered: %d", status)
	case <-time.After(50 * time.Millisecond):
	}
	cancel()
	require.NotEqual(t, http.StatusOK, <-got)
}

// TestB58DownloadResumesAfterTheTicketExpired uses a link after its time to begin.
func TestB58DownloadResumesAfterTheTicketExpired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *proxy.Config) { p.TicketTime = time.Nanosecond })
	agent, _ := w.join(w.agent)
	content := random(3000)
	link := w.ticket(agent, w.upload(agent, w.data(w.agent), "a.bin", content).ID)
	tag := `"` + sum(content) + `"`
	for name, c := range map[string]struct {
		header http.Header
		status int
	}{
		"all of it":                {nil, http.StatusGone},
		"a piece":                  {http.Header{"Range": {"bytes=1000-"}}, http.StatusGone},
		"a piece of another":       {http.Header{"Range": {"bytes=1000-"}, "If-Range": {`"other"`}}, http.StatusGone},
		"a piece since some day":   {http.Header{"Range": {"bytes=1000-"}, "If-Range": {"Wed, 21 Oct 2015 07:28:00 GMT"}}, http.StatusGone},
		"several pieces":           {http.Header{"Range": {"bytes=1000-1001,1003-1004"}, "If-Range": {tag}}, http.StatusGone},
		"no piece, of the same":    {http.Header{"If-Range": {tag}}, http.StatusGone},
		"the rest, weakly":         {http.Header{"Range": {"bytes=1000-"}, "If-Range": {"W/" + tag}}, http.StatusPartialContent},
		"the rest, if it is still": {http.Header{"Range": {"bytes=1000-"}, "If-Range": {tag}}, http.StatusPartialContent},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := w.fetch(link, c.header, c.status)
			if c.status == http.StatusPartialContent {
				require.Equal(t, content[1000:], got)
			}
		})
	}
}

// TestB58LinkEndsWithThePartysRight uses a link, takes its right away and uses it again.
func TestB58LinkEndsWithThePartysRight(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lose   func(t *testing.T, w *world, agent *page, file bridge.File)
		status int
		code   bridge.Code
	}{
		"the document is removed": {func(t *testing.T, w *world, _ *page, file bridge.File) {
			require.NoError(t, w.Store.Remove(t.Context(), file.DocumentID))
		}, http.StatusNotFound, bridge.CodeDocument},
		"the party leaves": {func(t *testing.T, w *world, _ *page, _ bridge.File) {
			require.NoError(t, w.chat.Leave(t.Context(), "s1", "carol", proxy.Departure{Reason: bridge.Reason{}, After: bridge.KeepAlive}))
		}, http.StatusForbidden, bridge.CodeNotJoined},
		"the session ends": {func(t *testing.T, w *world, agent *page, _ bridge.File) {
			agent.send(&bridge.Leave{Ref: 9, After: bridge.ForceClose})
			await(agent, anything[*bridge.Done])
		}, http.StatusForbidden, bridge.CodeSessionEnded},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			agent, _ := w.join(w.agent)
			customer, _ := w.join(w.customer)
			content := random(3000)
			file := w.upload(agent, w.data(w.agent), "a.bin", content)
			link := w.ticket(customer, file.ID)
			w.fetch(link, nil, http.StatusOK)
			c.lose(t, w, agent, file)
			rest := http.Header{"Range": {"bytes=1000-"}, "If-Range": {`"` + sum(content) + `"`}}
			other := w.another() // it has not asked a moment ago
			for _, header := range []http.Header{nil, rest} {
				body, _ := other.fetch(link, header, c.status)
				require.Contains(t, string(body), c.code)
			}
			require.Eventually(t, func() bool { // what was asked before is believed for a second
				r := httptest.NewRequest(http.MethodGet, link, nil)
				answer := httptest.NewRecorder()
				w.Proxy.ServeHTTP(answer, r)
				return answer.Code == c.status
			}, wait, 20*time.Millisecond)
		})
	}
}

// TestB58LinkEndsIfThePartyMayNotSeeTheFile hides a file: the same user leaves as a
// supervisor and comes back as a customer.
func TestB58LinkEndsIfThePartyMayNotSeeTheFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	_, _ = w.join(w.customer)
	watcher, _ := w.join(w.Token("s1", "eve", bridge.Supervisor, bridge.AllRights...))
	content := random(3000)
	o := &bridge.Offer{Key: newKey(), Name: "a.bin", Size: int64(len(content)), Visibility: bridge.Internal}
	agent.send(o)
	await(agent, anything[*bridge.Accept])
	w.data(w.agent).frame(o.Key, 0, content)
	link := w.ticket(watcher, agent.announced(o.Key).ID)
	w.fetch(link, nil, http.StatusOK)
	watcher.send(&bridge.Leave{Ref: 9})
	await(watcher, anything[*bridge.Done])
	w.join(w.Token("s1", "eve", bridge.Client, bridge.AllRights...))
	rest := http.Header{"Range": {"bytes=1000-"}, "If-Range": {`"` + sum(content) + `"`}}
	other := w.another() // it has not asked a moment ago
	for _, header := range []http.Header{nil, rest} {
		body, _ := other.fetch(link, header, http.StatusNotFound)
		require.Contains(t, string(body), bridge.CodeFileUnknown)
	}
}

// TestB56TicketHasTheDocumentsSizeAndDigest compares what a ticket says with the document,
// and asks for a file whose notice says something else.
func TestB56TicketHasTheDocumentsSizeAndDigest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	for _, content := range [][]byte{random(3000), {}} {
		file := w.upload(agent, w.data(w.agent), "a.bin", content)
		agent.send(&bridge.Ask{Ref: 1, File: file.ID, Attempt: newKey()})
		ticket := await(agent, anything[*bridge.Ticket])
		require.EqualValues(t, len(content), ticket.Size)
		require.Equal(t, sum(content), ticket.Digest)
		e := bridge.Announcement{Name: "b.bin", Size: 5000, DocumentID: file.DocumentID, Key: newKey()}.Notice(bridge.All)
		posted, err := w.chat.Post(t.Context(), "s1", "alice", e)
		require.NoError(t, err)
		agent.send(&bridge.Ask{Ref: 1, File: posted.Data.Get(bridge.KeyFileID), Attempt: newKey()})
		require.Equal(t, bridge.CodeDownloadMismatch, agent.refused())
	}
}

// TestB57RefusedLinkDoesNotReplaceThePage follows refused links with the headers that
// browsers send.
func TestB57RefusedLinkDoesNotReplaceThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	good := w.ticket(agent, w.upload(agent, w.data(w.agent), "a.txt", []byte("x")).ID)
	const forged = bridge.PathFile + "/x/a.txt"
	how := func(mode, dest, site string) http.Header {
		return http.Header{"Sec-Fetch-Mode": {mode}, "Sec-Fetch-Dest": {dest}, "Sec-Fetch-Site": {site}}
	}
	for name, c := range map[string]struct {
		link   string
		header http.Header
		status int
	}{
		"by a click":             {forged, how("navigate", "document", "cross-site"), http.StatusNoContent},
		"by a click, here":       {forged, how("navigate", "document", "same-origin"), http.StatusNoContent},
		"by a click, for a file": {good, how("navigate", "document", "cross-site"), http.StatusOK},
		"as an address":          {forged, how("navigate", "document", "none"), http.StatusForbidden},
		"in a frame":             {forged, how("navigate", "iframe", "cross-site"), http.StatusForbidden},
		"by a script":            {forged, how("cors", "empty", "cross-site"), http.StatusForbidden},
		"without the header":     {forged, nil, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) { w.fetch(c.link, c.header, c.status) })
	}
}

// TestL7LinksOfOneAttemptAreRateLimited asks again and again with one key.
func TestL7LinksOfOneAttemptAreRateLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	file := w.upload(agent, w.data(w.agent), "a.txt", []byte("x"))
	customer, _ := w.join(w.customer)
	ask := &bridge.Ask{Ref: 1, File: file.ID, Attempt: newKey()}
	links := 0
	for range 40 {
		customer.send(ask)
		switch m := await(customer, func(m bridge.Wire) bool {
			switch m.(type) {
			case *bridge.Ticket, *bridge.Fail:
				return true
			}
			return false
		}).(type) {
		case *bridge.Ticket:
			links++
		case *bridge.Fail:
			require.Equal(t, bridge.CodeBusy, m.Error.Code)
			require.True(t, m.Error.Retry)
		}
	}
	require.Less(t, links, 20)
	customer.send(&bridge.Ask{Ref: 2, File: file.ID, Attempt: newKey()})
	await(customer, anything[*bridge.Ticket])
}

// TestB56CredentialsHeaderOnlyIfConfigured looks for the header that lets a page
// send them.
func TestB56CredentialsHeaderOnlyIfConfigured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	link := w.ticket(agent, w.upload(agent, w.data(w.agent), "a.txt", []byte("x")).ID)
	for _, on := range []bool{false, true} {
		twin := w.another(func(p *proxy.Config) { p.Credentials = on })
		for page, want := range map[string]string{origin: "true", "https://evil.example": ""} {
			if !on {
				want = ""
			}
			_, h := twin.fetch(link, http.Header{"Origin": {page}}, http.StatusOK)
			require.Equal(t, want, h.Get("Access-Control-Allow-Credentials"))
			_, h = twin.fetch(bridge.PathFile+"/x/a.txt", http.Header{"Origin": {page}}, http.StatusForbidden)
			require.Equal(t, want, h.Get("Access-Control-Allow-Credentials"))
		}
	}
}
