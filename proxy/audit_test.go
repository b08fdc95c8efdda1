package proxy_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/audit"

	"github.com/stretchr/testify/require"
)

// kept is the part of a line of the audit log that a test checks.
type kept struct {
	Action   proxy.Action
	Session  string
	User     string
	Type     bridge.UserType
	Conn     string
	Document string
	File     string
	Size     int64
	Digest   string
	Code     bridge.Code
}

// keptOf reads the audit log's lines that are about that party.
func (w *world) keptOf(user string) (lines []kept) {
	w.t.Helper()
	text, err := os.ReadFile(w.AuditFile)
	require.NoError(w.t, err)
	for line := range strings.Lines(string(text)) {
		var k kept
		require.NoError(w.t, json.Unmarshal([]byte(line), &k), line)
		if k.User == user {
			lines = append(lines, k)
		}
	}
	return lines
}

func TestT21EveryActionIsInTheAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.ShowDocumentIDs = true })
	token := w.Token("s1", "dora", bridge.Client, bridge.AllRights...)
	p, welcome := w.join(token)
	d := w.data(token)
	line := func(k kept) kept {
		k.Session, k.User, k.Type, k.Conn = "s1", "dora", bridge.Client, welcome.ID
		return k
	}
	var want []kept
	next := func(k kept) {
		t.Helper()
		want = append(want, line(k))
		pollUntil(func() bool { return len(w.keptOf("dora")) >= len(want) })
		require.Equal(t, want, w.keptOf("dora"))
	}
	p.send(&bridge.Offer{Key: newKey(), Name: "a.bin", Size: 1 << 40})
	require.Equal(t, bridge.CodeFileSize, p.refused())
	next(kept{Action: proxy.ActionRefused, Size: 1 << 40, Code: bridge.CodeFileSize})

	content := random(300_000)
	file := w.upload(p, d, "a.bin", content)
	digest := sum(content)
	next(kept{Action: proxy.ActionAnnounced, Document: file.DocumentID, File: file.ID, Size: 300_000, Digest: digest})

	path := w.ticket(p, file.ID)
	next(kept{Action: proxy.ActionTicket, Document: file.DocumentID, File: file.ID, Size: 300_000})
	w.fetch(path, nil, http.StatusOK)
	next(kept{Action: proxy.ActionDownload, Document: file.DocumentID, File: file.ID, Size: 300_000, Digest: digest})

	for _, again := range []struct {
		header http.Header
		status int
	}{
		{nil, http.StatusOK}, {http.Header{"Range": {"bytes=1000-"}}, http.StatusPartialContent},
		{http.Header{"If-None-Match": {`"` + digest + `"`}}, http.StatusNotModified},
		{http.Header{"Range": {"bytes=300000-"}}, http.StatusRequestedRangeNotSatisfiable},
	} {
		w.fetch(path, again.header, again.status) // of the same ticket
	}

	key := newKey()
	p.offer(&bridge.Offer{Key: key, Name: "b.bin", Size: 10, Digest: strings.Repeat("0", 64)})
	r, err := w.Records.Get(t.Context(), "s1", key)
	require.NoError(t, err)
	wrong := random(10)
	d.frame(key, 0, wrong)
	next(kept{Action: proxy.ActionFailed, Document: r.DocumentID, Size: 10, Digest: strings.Repeat("0", 64), Code: bridge.CodeDigest})

	key = newKey()
	p.offer(&bridge.Offer{Key: key, Name: "c.bin", Size: 10})
	r, err = w.Records.Get(t.Context(), "s1", key)
	require.NoError(t, err)
	p.send(&bridge.Cancel{Key: key})
	next(kept{Action: proxy.ActionCancelled, Document: r.DocumentID, Size: 10})

	f, err := os.Open(w.AuditFile)
	require.NoError(t, err)
	defer f.Close()
	_, err = audit.Check(f, audit.Chain{})
	require.NoError(t, err)
}

func TestT2AuditLogHasNoTokenAndNoName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.Token("s1", "dora", bridge.Agent, bridge.AllRights...)
	p, _ := w.join(token)
	file := w.upload(p, w.data(token), "name-canary.pdf", random(10))
	p.send(&bridge.Offer{Key: "key-canary", Name: "name-canary", Description: "name-canary", Size: 1})
	p.refused()
	path := w.ticket(p, file.ID)
	w.fetch(path, nil, http.StatusOK)
	pollUntil(func() bool { return len(w.keptOf("dora")) == 4 })
	text, err := os.ReadFile(w.AuditFile)
	require.NoError(t, err)
	require.Contains(t, string(text), file.DocumentID)
	for _, secret := range append(strings.Split(token, "."), strings.Split(strings.Split(path, "/")[3], ".")[1:]...) {
		require.NotContains(t, string(text), secret)
	}
	require.NotContains(t, string(text), "canary")
}

// A ticket writes one line, however often it is used at once.
func TestT21FirstUseOfATicketIsOneLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.join(w.agent)
	file := w.upload(p, w.data(w.agent), "a.txt", random(10))
	path := w.ticket(p, file.ID)
	head, err := http.Head(w.Server.URL + path)
	require.NoError(t, err)
	head.Body.Close()
	require.Equal(t, http.StatusOK, head.StatusCode)
	require.NotContains(t, w.acts("alice"), proxy.ActionDownload, "a HEAD request is not a use")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if res, err := http.Get(w.Server.URL + path); err == nil {
				res.Body.Close()
			}
		})
	}
	all.Wait()
	var downloads int
	for _, k := range w.keptOf("alice") {
		if k.Action == proxy.ActionDownload {
			downloads++
		}
	}
	require.Equal(t, 1, downloads)
}

// fullAudit is a log that cannot be written.
type fullAudit struct{}

func (fullAudit) Write(proxy.AuditRecord) error {
	return bridge.WrapError(bridge.CodeStorageUnavailable, errors.New("no space left"))
}

func TestT21ActionThatCannotBeAuditedIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, _ := w.join(w.agent)
	file := w.upload(p, w.data(w.agent), "a.txt", random(10))
	path := w.ticket(p, file.ID)
	full := w.another(func(c *proxy.Config) { c.Audit = fullAudit{} })
	p, _ = full.join(w.agent)
	p.send(&bridge.Ask{Ref: 1, File: file.ID, Attempt: newKey()})
	require.Equal(t, bridge.CodeStorageUnavailable, p.refused())
	body, _ := full.fetch(path, nil, http.StatusServiceUnavailable)
	require.Contains(t, string(body), bridge.CodeStorageUnavailable)
	p.send(&bridge.Offer{Key: newKey(), Name: "a.bin", Size: 1 << 40})
	require.Equal(t, bridge.CodeFileSize, p.refused(), "a refusal stays one")
}
