package cli_test

import (
	"context"
	"crypto/sha256"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/wasm/page"
)

// goneIn is how long a drain may take, whatever the pages do.
const goneIn = 10 * time.Second

// TestF29Drain ends a proxy in the middle of an upload, with pages that leave when asked,
// one that does not, and a download that is not read.
func TestF29Drain(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	d, public, admin := startServe(t, "--data", data)

	b := openTab(t, public, "chat-1", "ada", bridge.Agent)
	film := b.send("film.mp4", random(32<<20))
	held := stuckDownload(t, public, "chat-1", "bo", film)
	polite := []*socket{joinBy(t, public, "chat-2", "ada"), joinBy(t, public, "chat-2", "bo"), joinBy(t, public, "chat-3", "cy")}
	joinBy(t, public, "chat-4", "deaf") // reads nothing from here on
	dial(t, public)                     // and this one does not even authenticate

	content := random(8 << 20)
	half, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	u := &page.Upload{Key: newKey(), Name: "report.pdf", Content: content, Broken: func(b page.Breach) { t.Error(b) }, Sent: func(sent int64) {
		if sent >= int64(len(content)/2) {
			once.Do(func() { close(half); <-goOn })
		}
	}}
	sent := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		sent <- b.Send(ctx, u)
	}()
	<-half

	begun := time.Now()
	d.signal()
	waits := map[int64]bool{}
	for _, s := range polite {
		bye := awaitOn[*bridge.Bye](s)
		status, _, says := get(t, admin+"/readyz")
		require.Equal(t, http.StatusServiceUnavailable, status, "the proxy is not ready any more when it sends a page away")
		require.Equal(t, "draining\n", says)
		require.Positive(t, bye.After)
		waits[bye.After] = true
		_, err := s.read()
		require.Equal(t, websocket.StatusServiceRestart, websocket.CloseStatus(err))
	}
	require.Greater(t, len(waits), 1, "pages reconnect at different times")
	require.Empty(t, d.wait())
	require.Less(t, time.Since(begun), goneIn)
	require.Zero(t, d.cmd.ProcessState.ExitCode(), d.log.String())
	require.ErrorIs(t, held.rest(film.Size), errCutShort)

	_, public, _ = startServe(t, "--data", data)
	b.moveTo(public)
	close(goOn)
	require.NoError(t, <-sent)
	require.Equal(t, bridge.Code(""), u.Code)
	require.Positive(t, u.Resumed)
	file := b.announced(u.Key)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, err := b.Download(ctx, file.ID, newKey())
	require.NoError(t, err)
	require.Equal(t, page.Fetched{Size: int64(len(content)), SHA256: sha256.Sum256(content)}, got)
}
