package cli_test

import (
	"crypto/sha256"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/backend"
	"attache/proxy/chatrequest"
	"attache/proxy/engine/enginetest"
	"attache/proxy/gws/gwstest"
	"attache/wasm/page"
)

// TestMix sends a file each way through every combination of systems in docs/operating.md, "Any
// mix". Each row starts real processes.
func TestMix(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("../docs/operating.md")
	require.NoError(t, err)
	for name, flags := range map[string]func(*testing.T) []string{
		"own":                func(*testing.T) []string { return nil },
		"backend":            behindBackend,
		"backend, own files": func(t *testing.T) []string { return append(behindBackend(t), "--documents=own") },
		"UCS":                documentsInUCS,
		"backend, UCS":       func(t *testing.T) []string { return append(behindBackend(t), documentsInUCS(t)...) },
		"GWS":                func(t *testing.T) []string { return withGWS(t, gwstest.New(), 1) },
		"backend, GWS":       func(t *testing.T) []string { return append(behindBackend(t), withGWS(t, gwstest.New(), 1)...) },
		"backend, GWS that announces": func(t *testing.T) []string {
			server, flags := gwstest.New(), behindBackend(t)
			server.OnAttach = announcer(t, flags[1])
			return append(append(flags, withGWS(t, server, 1)...), "--documents=own", "--gws-option=announce=gws")
		},
		"UCS, GWS": func(t *testing.T) []string {
			return append(append(documentsInUCS(t), withGWS(t, gwstest.New(), 0)...), "--gws-option=store=documents")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, string(table), "\n| "+name+" |")
			mixOf(t, flags(t)...).bothWays(t)
		})
	}
	t.Run("own, in a cluster", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, string(table), "\n| own, in a cluster |")
		clustered(t).bothWays(t)
	})
	for name, cometd := range map[string]bool{"GMS over REST": false, "GMS over CometD": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, string(table), "\n| "+name+" |")
			_, public, _ := startServe(t, "--gms", "--gms-cometd")
			customer, agent := beginChat(t, public, cometd)
			customer.bothWays(agent)
		})
	}
	t.Run("GMS, served by another Attaché", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, string(table), "\n| GMS, served by another Attaché |")
		relayed(t).bothWays(t)
	})
}

// clustered is an agent and a customer at two proxies, whose documents are objects of a cluster.
func clustered(t *testing.T) *mix {
	t.Helper()
	urls := enginetest.Start(t).URL()
	proxy := func() string {
		d := start(t, command(t, "serve", "--listen", "127.0.0.1:0", "--admin=", "--scanner=off", "--origin", pageOrigin, "--nats", urls, "--token-secret", secret))
		return address.FindString(d.line)
	}
	return &mix{openTab(t, proxy(), "s1", "ann", bridge.Agent), openTab(t, proxy(), "s1", "carol", bridge.Client)}
}

// relayed is a customer of a proxy that relays to another one, and an agent of that one.
func relayed(t *testing.T) *mix {
	t.Helper()
	_, served, admin := startServe(t, "--gms")
	_, public, _ := startServe(t, "--gms", served, "--gms-poll", "100ms")
	customer := openTab(t, public, "s1", "carol", bridge.Client)
	var list struct{ Chats []chatrequest.Listed }
	require.Eventually(t, func() bool {
		_, _, body := get(t, admin+chatrequest.Path)
		return json.Unmarshal([]byte(body), &list) == nil && len(list.Chats) == 1
	}, patience, 50*time.Millisecond)
	return &mix{openTab(t, served, list.Chats[0].ChatID, "ann", bridge.Agent), customer}
}

// mix is one combination.
type mix struct{ agent, customer *tab }

func mixOf(t *testing.T, flags ...string) *mix {
	t.Helper()
	_, public, _ := startServe(t, flags...)
	return &mix{openTab(t, public, "s1", "ann", bridge.Agent), openTab(t, public, "s1", "carol", bridge.Client)}
}

// behindBackend starts a backend, and returns the flags of a proxy that uses it.
func behindBackend(t *testing.T) []string {
	t.Helper()
	b := start(t, command(t, "backend", "--listen", "127.0.0.1:0", "--admin=", "--data", t.TempDir(), "--backend-secret", secret))
	return []string{"--backend", address.FindString(b.line), "--backend-secret", secret}
}

// withGWS starts the double of GWS, and returns the flags of a proxy that attaches by it what agents
// send. In the end GWS has stored that many files.
func withGWS(t *testing.T, double *gwstest.Server, files int) []string {
	t.Helper()
	server := httptest.NewServer(double)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		require.Len(t, double.Documents(), files)
		require.Len(t, double.Attached(), 1, "the agent's file, and nobody else's")
	})
	password := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(password, []byte(gwstest.Secret+"\n"), 0o600))
	return []string{"--gws", server.URL, "--gws-user", gwstest.User, "--gws-password-file", password}
}

// announcer posts the notice of an attachment into the backend's chat, as a GWS may do.
func announcer(t *testing.T, url string) func(gwstest.Attachment) {
	t.Helper()
	client, err := backend.Dial(t.Context(), backend.ClientOptions{URL: url, Secret: []byte(secret)})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return func(a gwstest.Attachment) {
		notice := bridge.Announcement{Name: a.Name, Size: a.Size, DocumentID: a.Document}.Notice(bridge.All)
		_, err := client.Chat().Post(t.Context(), a.Interaction, "ann", notice)
		assert.NoError(t, err)
	}
}

func (m *mix) bothWays(t *testing.T) {
	t.Helper()
	for name, way := range map[string]struct{ from, to *tab }{
		"von Kundin.pdf": {m.customer, m.agent},
		"an Kundin.pdf":  {m.agent, m.customer},
	} {
		content := random(300_000)
		u := &page.Upload{Key: newKey(), Name: name, Content: content}
		require.NoError(t, way.from.Send(t.Context(), u))
		require.Empty(t, u.Code)
		f := way.to.named(name)
		got, err := way.to.Download(t.Context(), f.ID, newKey())
		require.NoError(t, err)
		require.Equal(t, page.Fetched{Size: int64(len(content)), SHA256: sha256.Sum256(content)}, got)
	}
}

// named waits for the notice of a file of that name: one that another system posts has no key.
func (b *tab) named(name string) bridge.File {
	b.t.Helper()
	late := time.After(patience)
	for {
		select {
		case e := <-b.events:
			if !e.IsFile() {
				continue
			}
			if f, err := bridge.DecodeFile(e); err == nil && f.Name.Text == name {
				return f
			}
		case <-late:
			require.FailNow(b.t, "the notice did not arrive")
		}
	}
}
