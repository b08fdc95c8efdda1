package proxy_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/clamd"
	"attache/proxy/clamd/clamdtest"
	"attache/proxy/proxytest"

	"github.com/stretchr/testify/require"
)

// scanned runs the real scanner.
func scanned(t *testing.T) (proxytest.Change, *clamdtest.Daemon) {
	t.Helper()
	daemon := clamdtest.StartDaily(t, clamdtest.Tuned, time.Now().Add(-time.Hour))
	client, err := clamd.New(daemon.Socket, clamd.Options{MaxSize: clamdtest.MaxSize})
	require.NoError(t, err)
	return func(o *assembly.Options) {
		o.Scanner, o.Inspect.MaxSize, o.Inspect.Dir = client, clamdtest.MaxSize, t.TempDir()
	}, daemon
}

// actions are the audit log's lines about a party.
func actions(w *world, user string) (all []proxy.Action) {
	for _, k := range w.keptOf(user) {
		all = append(all, k.Action)
	}
	return all
}

// The documented flow of the vendor's widget: a customer's file that came through GMS, and an
// agent at our page. Only what the scanner passes leaves, and only that is charged.
func TestT30FileOfAnotherServerIsScannedFirst(t *testing.T) {
	t.Parallel()
	scan, _ := scanned(t)
	eicar := clamd.EICAR()
	for name, digest := range map[string]bool{"with SHA-256": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := &otherServer{vouch: true, digest: digest}
			w := beyond(t, other, scan)
			agent, _ := w.join(w.agent)
			customer, _ := w.join(w.customer)
			for name, c := range map[string]struct {
				content []byte
				want    bridge.Code
			}{
				"clean":        {[]byte("hello"), ""},
				"empty":        {nil, ""},
				"infected":     {eicar, bridge.CodeInfected},
				"beyond clamd": {make([]byte, clamdtest.MaxSize*3/4), bridge.CodeUnscannable},
				"too large":    {make([]byte, clamdtest.MaxSize+1), bridge.CodeUnscannable},
			} {
				user := "gus " + name
				id, _ := other.announce(user, "a.bin", c.content)
				for _, p := range []*page{agent, customer} {
					used := w.downloads(customer)
					p.send(&bridge.Ask{Ref: 7, File: id, Attempt: newKey()})
					require.EqualValues(t, 7, await(p, anything[*bridge.Scan]).Ref, "the page sees that it is scanned")
					if c.want != "" {
						fail := await(p, anything[*bridge.Fail])
						require.Equal(t, c.want, fail.Error.Code, name)
						require.Contains(t, fail.Error.Message, "cannot be downloaded")
						require.Equal(t, used, w.downloads(customer), "nothing was charged")
						continue
					}
					ticket := await(p, anything[*bridge.Ticket])
					require.Equal(t, sum(c.content), ticket.Digest, "the scanned bytes have a digest")
					got, h := w.fetch(ticket.Path, nil, http.StatusOK)
					require.Equal(t, string(c.content), string(got))
					require.Equal(t, `"`+sum(c.content)+`"`, h.Get("ETag"))
				}
			}
			require.ElementsMatch(t, []proxy.Action{
				proxy.ActionTicket, proxy.ActionDownload, proxy.ActionTicket, proxy.ActionDownload,
				proxy.ActionVerdict, proxy.ActionVerdict, proxy.ActionVerdict,
			}, actions(w, "alice"))
		})
	}
}

// downloads is how many attempts that customer has used.
func (w *world) downloads(*page) int64 {
	w.t.Helper()
	limits, err := w.Chat.(proxy.Allowances).Limits(w.t.Context(), "s1", "carol")
	require.NoError(w.t, err)
	return limits.UsedDownloads
}

// Between scan and download the document becomes a virus; the store gives no sign of that.
func TestT30DocumentThatChangesAfterItsScan(t *testing.T) {
	t.Parallel()
	scan, _ := scanned(t)
	other := &otherServer{vouch: true}
	w := beyond(t, other, scan)
	agent, _ := w.join(w.agent)
	eicar := clamd.EICAR()
	harmless := bytes.Repeat([]byte("x"), len(eicar))
	id, document := other.announce("gus", "a.com", harmless)
	path := w.ticket(agent, id)
	other.replace(document, eicar)
	got, _ := w.fetch(path, nil, http.StatusOK)
	require.Equal(t, harmless, got, "what was scanned is what is handed out")
	got, _ = w.fetch(path, http.Header{"Range": {"bytes=1-"}, "If-Range": {`"` + sum(harmless) + `"`}}, http.StatusPartialContent)
	require.Equal(t, harmless[1:], got)

	twin := &world{World: w.Another(func(o *assembly.Options) { o.Inspect.Dir = t.TempDir() }), t: t}
	body, _ := twin.fetch(path, nil, http.StatusForbidden)
	require.Contains(t, string(body), bridge.CodeInfected, "a proxy that did not scan it reads it again")
	page, _ := twin.join(w.agent)
	page.send(&bridge.Ask{Ref: 1, File: id, Attempt: newKey()})
	require.Equal(t, bridge.CodeInfected, page.refused())
	other.replace(document, bytes.Repeat([]byte("y"), len(eicar)))
	third := &world{World: w.Another(func(o *assembly.Options) { o.Inspect.Dir = t.TempDir() }), t: t}
	body, _ = third.fetch(path, nil, http.StatusConflict)
	require.Contains(t, string(body), bridge.CodeDocumentChanged)
}

// The trust in a file that our delivery scanned ends when its document is updated.
func TestT30UpdateEndsTheTrustInOurDelivery(t *testing.T) {
	t.Parallel()
	scan, _ := scanned(t)
	for name, digest := range map[string]bool{"with SHA-256": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := &otherServer{digest: digest}
			w := beyond(t, other, scan, func(o *assembly.Options) { o.Proxy.ShowDocumentIDs, o.Inspect.Fresh = true, 1 })
			agent, _ := w.join(w.agent)
			customer, _ := w.join(w.customer)
			eicar := clamd.EICAR()
			content := bytes.Repeat([]byte("x"), len(eicar))
			file := w.upload(customer, w.data(w.customer), "a.bin", content)
			agent.send(&bridge.Ask{Ref: 1, File: file.ID, Attempt: newKey()})
			ticket := await(agent, anything[*bridge.Ticket])
			require.Equal(t, sum(content), ticket.Digest)
			got, _ := w.fetch(ticket.Path, nil, http.StatusOK)
			require.Equal(t, content, got)

			other.replace(file.DocumentID, eicar)
			agent.send(&bridge.Ask{Ref: 2, File: file.ID, Attempt: newKey()})
			require.Equal(t, bridge.CodeInfected, agent.refused())
		})
	}
}

// Files that were delivered while there was no scanner are scanned, too, and the chat does
// not wait meanwhile.
func TestT30FileOfATimeWithoutAScanner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer, _ := w.join(w.customer)
	d := w.data(w.customer)
	clean := w.upload(customer, d, "a.txt", []byte("hello"))
	infected := w.upload(customer, d, "b.txt", clamd.EICAR())
	agent, _ := w.join(w.agent)
	old := w.ticket(agent, infected.ID)

	scan, daemon := scanned(t)
	w.Crash()
	again := &world{World: w.Another(scan), t: t}
	agent, _ = again.join(w.agent)
	daemon.Suspend()
	agent.send(&bridge.Ask{Ref: 1, File: infected.ID, Attempt: newKey()})
	await(agent, anything[*bridge.Scan])
	agent.send(&bridge.Say{Ref: 2, Key: newKey(), Text: "meanwhile"})
	require.EqualValues(t, 2, await(agent, anything[*bridge.Done]).Ref)
	daemon.Resume()
	require.Equal(t, bridge.CodeInfected, agent.refused())
	body, _ := again.fetch(old, nil, http.StatusForbidden)
	require.Contains(t, string(body), bridge.CodeInfected, "a ticket of a time without a scanner")
	got, _ := again.fetch(again.ticket(agent, clean.ID), nil, http.StatusOK)
	require.Equal(t, "hello", string(got))
}

// A party that leaves while its file is scanned gets nothing, and is not charged.
func TestPartyLeavesDuringAScan(t *testing.T) {
	t.Parallel()
	scan, daemon := scanned(t)
	other := &otherServer{vouch: true}
	w := beyond(t, other, scan)
	customer, _ := w.join(w.customer)
	id, _ := other.announce("gus", "a.txt", []byte("hello"))
	daemon.Suspend()
	customer.send(&bridge.Ask{Ref: 1, File: id, Attempt: newKey()})
	await(customer, anything[*bridge.Scan])
	customer.send(&bridge.Leave{Ref: 2})
	require.EqualValues(t, 2, await(customer, anything[*bridge.Done]).Ref)
	customer.closed()
	daemon.Resume()
	require.Empty(t, actions(w, "carol"))
}

// Another front door waits, and gets the same.
func TestAuthorizeWaitsForTheScan(t *testing.T) {
	t.Parallel()
	scan, _ := scanned(t)
	other := &otherServer{vouch: true}
	w := beyond(t, other, scan)
	w.join(w.agent)
	who := proxy.Identity{Session: "s1", Party: bridge.Party{UserID: "alice", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent}, Rights: bridge.AllRights}
	authorize := func(id string) (proxy.Grant, error) {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		g, _, err := w.Proxy.Transfers().Authorize(ctx, who, proxy.Wish{FileID: id, Attempt: newKey()})
		return g, err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	part, err := z.Create("a.txt")
	require.NoError(t, err)
	part.Write([]byte("hello"))
	z.Close()
	id, _ := other.announce("gus", "a.zip", b.Bytes())
	g, err := authorize(id)
	require.NoError(t, err)
	d, err := w.Proxy.Transfers().Open(t.Context(), proxy.Fetch{Grant: g})
	require.NoError(t, err)
	defer d.Close()
	got, err := io.ReadAll(d)
	require.NoError(t, err)
	require.Equal(t, b.Bytes(), got)
	id, _ = other.announce("gus", "b.com", clamd.EICAR())
	_, err = authorize(id)
	require.Equal(t, bridge.CodeInfected, bridge.CodeOf(err))
}
