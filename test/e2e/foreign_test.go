package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backend"
	"attache/proxy/clamd"
	"attache/proxy/clamd/clamdtest"
	"attache/proxy/proxytest"
)

// forgetful is a store that does not know the SHA-256 of the document of that name.
type forgetful struct {
	backend.Store
	name string
}

func (f forgetful) Open(ctx context.Context, id string) (proxy.Content, error) {
	content, err := f.Store.Open(ctx, id)
	if err != nil || content.Document().Name != f.name {
		return content, err
	}
	d := content.Document()
	d.SHA256 = [32]byte{}
	return undigested{content, d}, nil
}

type undigested struct {
	io.ReadSeekCloser
	document proxy.Document
}

func (u undigested) Document() proxy.Document { return u.document }

// A customer at the vendor's widget sends files through another server, and the agent at our
// page opens them: one that is clean, one that is not, and one whose store knows no SHA-256.
func TestT30FilesOfAnotherServer(t *testing.T) {
	t.Parallel()
	const unhashed = "unhashed.txt"
	scanner := clamdtest.Start(t, clamdtest.Tuned)
	other := proxytest.StartBackend(t)
	options := other.Options
	options.Documents = forgetful{options.Documents, unhashed}
	handler, err := backend.NewHandler(options)
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(func() { handler.Close(); server.CloseClientConnections(); server.Close() })
	d := startServed(t, "--scanner", "strict", "--clamd", scanner.Socket, "--scan-max-size", fmt.Sprint(clamdtest.MaxSize),
		"--backend", server.URL, "--backend-secret", proxytest.Secret, "--trust-customer-files")

	gus := bridge.Party{UserID: "gus", Nickname: "Gus", UserType: bridge.Client}
	require.NoError(t, gus.Check())
	_, err = other.Chat.Join(t.Context(), "tokens-1", proxy.Joining{Party: gus})
	require.NoError(t, err)
	send := func(name string, content []byte) {
		t.Helper()
		f := proxy.Document{ID: other.Store.NewID(), Name: name, Size: int64(len(content)), SHA256: sha256.Sum256(content)}
		id, err := options.Documents.Put(t.Context(), f, bytes.NewReader(content))
		require.NoError(t, err)
		_, err = other.Chat.Post(t.Context(), "tokens-1", "gus", bridge.Announcement{Name: name, Size: f.Size, DocumentID: id}.Notice(bridge.All))
		require.NoError(t, err)
		d.agent.shows(name, "ready")
	}
	for _, name := range []string{"hashed.txt", unhashed} {
		content := []byte("this is " + name)
		send(name, content)
		scanner.Suspend()
		got := d.agent.saves(func() {
			d.click("e2e.saver", "agent", name)
			tell(d.page, "(name) => e2e.until(() => e2e.named('agent', name).querySelector('.tile-meta').textContent.includes('Scanning for viruses'), 'the scan')", name)
			scanner.Resume()
		})
		require.Equal(t, fmt.Sprintf("%x", sha256.Sum256(content)), got.digest(t))
		d.agent.shows(name, "downloaded")
	}
	send("Invoice.com", clamd.EICAR())
	d.click("e2e.saver", "agent", "Invoice.com")
	require.Equal(t, "The virus scanner found something in this file, so it cannot be downloaded. Ask the sender for another file.",
		ask[string](d.page, "(name) => e2e.until(() => e2e.named('agent', name).querySelector('.refusal')?.textContent, 'the verdict')", "Invoice.com"))
	require.Equal(t, "ready", d.agent.shows("Invoice.com", "ready").State, "it can be asked for again")
}
