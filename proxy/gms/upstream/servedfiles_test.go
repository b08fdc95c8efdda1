package upstream_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/gms"
	"attache/proxy/proxytest"
	"attache/wasm/page"
)

// relayTo starts a proxy that relays to another Attaché.
func relayTo(t *testing.T, s *served) *world {
	t.Helper()
	e := newEngine(t)
	c := relay(t, e, s.way.URL)
	return &world{World: proxytest.StartOn(t, e, behind(c)), t: t, client: c}
}

// limited sets what a customer may send and fetch.
func limited(change func(*bridge.Limits)) proxytest.Change {
	return func(o *assembly.Options) {
		l := bridge.VendorLimits()
		change(&l)
		o.Chat.CustomerLimits = &l
	}
}

// Two of ours in a row carry a file each way. The key of the upload comes back in the notice.
func TestFilesThroughTwoOfOurs(t *testing.T) {
	t.Parallel()
	s := serve(t)
	w := relayTo(t, s)
	b := w.open(t)
	a := s.agent(t)
	b.await(func(e bridge.Event) bool { return e.Type == bridge.NewParty && e.From.Nickname == "Alice" })

	f := b.send("Rechnung für Ann.pdf", pdf)
	require.True(t, f.Downloadable, f.Reason)
	e := a.await(func(e bridge.Event) bool { return e.IsFile() })
	require.Equal(t, bridge.Client, e.From.UserType)
	require.Equal(t, f.Key, e.Data.Get(bridge.KeyFileKey), "both sides know the upload by one key")
	sent, err := bridge.DecodeFile(e)
	require.NoError(t, err)
	require.Equal(t, "Rechnung für Ann.pdf", sent.Name.Text)
	fetch(t, a, sent.ID, pdf)

	answer := a.send("Antwort.pdf", pdf[1:])
	e = b.await(func(e bridge.Event) bool { return e.IsFile() && e.From.UserType == bridge.Agent })
	require.Equal(t, answer.ID, e.Data.Get(bridge.KeyFileID))
	require.Empty(t, e.Data.Get(bridge.KeyFileKey))
	fetch(t, b, answer.ID, pdf[1:])

	l, err := w.client.Limits(t.Context(), "s1", "ann")
	require.NoError(t, err)
	require.EqualValues(t, 1, l.UsedFiles)
	require.EqualValues(t, len(pdf), l.UsedTotalSize)
	require.EqualValues(t, 1, l.UsedDownloads)
}

func fetch(t *testing.T, b *tab, id string, want []byte) {
	t.Helper()
	got, err := b.Download(t.Context(), id, key())
	require.NoError(t, err)
	require.Equal(t, page.Fetched{Size: int64(len(want)), SHA256: sha256.Sum256(want)}, got)
}

func TestDeletionsThroughTwoOfOurs(t *testing.T) {
	t.Parallel()
	s := serve(t)
	w := relayTo(t, s)
	b := w.open(t)
	a := s.agent(t)
	f := b.send("a.pdf", pdf)
	a.await(func(e bridge.Event) bool { return e.IsFile() })
	who := proxy.Identity{Session: "s1", Party: ann, Rights: bridge.AllRights}
	_, err := w.Proxy.Transfers().Delete(t.Context(), who, f.ID, "")
	require.NoError(t, err)
	a.await(func(e bridge.Event) bool { return e.Deletes() == f.ID })
	_, err = a.Download(t.Context(), f.ID, key())
	require.Equal(t, bridge.CodeFileUnknown, bridge.CodeOf(err), "%v", err)
	_, err = w.client.File(t.Context(), "s1", "ann", f.ID)
	require.Equal(t, bridge.CodeFileUnknown, bridge.CodeOf(err), "%v", err)

	answer := a.send("b.pdf", pdf)
	b.await(func(e bridge.Event) bool { return e.Data.Get(bridge.KeyFileID) == answer.ID })
	alice := proxy.Identity{Session: s.chatID(t), Party: bridge.Party{UserID: "alice", Nickname: "Alice", UserType: bridge.Agent}, Rights: bridge.AllRights, Expires: time.Now().Add(time.Hour)}
	_, err = s.Proxy.Transfers().Delete(t.Context(), alice, answer.ID, "")
	require.NoError(t, err)
	b.await(func(e bridge.Event) bool { return e.Deletes() == answer.ID })
	_, err = b.Download(t.Context(), answer.ID, key())
	require.Equal(t, bridge.CodeFileUnknown, bridge.CodeOf(err), "%v", err)
}

// What the served side refuses has its code here, also if the limits did not show it before the upload.
func TestRefusalsOfOursHaveTheirCodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits func(*bridge.Limits)
		file   string
		code   bridge.Code
	}{
		"201": {func(l *bridge.Limits) { l.MaxFiles = 1 }, "b.pdf", bridge.CodeFileCount},
		"202": {func(l *bridge.Limits) { l.MaxTotalSize = int64(len(pdf)) + 1 }, "b.pdf", bridge.CodeTotalSize},
		"203": {func(l *bridge.Limits) { l.Types = bridge.ParseTypes("pdf") }, "b.exe", bridge.CodeFileType},
	} {
		for _, known := range []bool{true, false} {
			t.Run(name+map[bool]string{true: ", limits known", false: ", limits not shown"}[known], func(t *testing.T) {
				t.Parallel()
				s := serve(t, limited(c.limits))
				if !known {
					s.openLimits()
				}
				w := relayTo(t, s)
				w.join(t)
				require.Empty(t, w.upload(t, "a.pdf", pdf).Code)
				require.Equal(t, c.code, w.upload(t, c.file, pdf).Code)
				_, err := w.client.Post(t.Context(), "s1", "ann", say("and on"))
				require.NoError(t, err, "the chat goes on")
			})
		}
	}
}

// openLimits makes the way show no limits of uploads, so that only the served side checks them.
func (s *served) openLimits() {
	way := s.way.Config.Handler.(*httputil.ReverseProxy)
	look := way.ModifyResponse
	way.ModifyResponse = func(r *http.Response) error {
		if !strings.HasSuffix(r.Request.URL.Path, "/file/limits") {
			return look(r)
		}
		var reply gms.Reply
		if err := json.NewDecoder(r.Body).Decode(&reply); err != nil {
			return err
		}
		for name := range reply.Messages[0].UserData {
			if strings.HasPrefix(name, "upload-") {
				delete(reply.Messages[0].UserData, name)
			}
		}
		reply.Messages[0].UserData["upload-file-types"] = "pdf:exe"
		body, err := json.Marshal(reply)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
		return err
	}
}

func TestDownloadsThroughTwoOfOursAreCounted(t *testing.T) {
	t.Parallel()
	s := serve(t, limited(func(l *bridge.Limits) { l.MaxDownloads = 1 }))
	w := relayTo(t, s)
	b := w.open(t)
	a := s.agent(t)
	answer := a.send("a.pdf", pdf)
	b.await(func(e bridge.Event) bool { return e.IsFile() })
	fetch(t, b, answer.ID, pdf)
	_, err := b.Download(t.Context(), answer.ID, key())
	require.Equal(t, bridge.CodeDownloads, bridge.CodeOf(err), "%v", err)
}
