package main_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/chaos/page"
	"attache/proxy/clamd/clamdtest"
)

func strict(d *clamdtest.Daemon) []string {
	return []string{"--scanner", "strict", "--clamd", d.Socket, "--scan-max-size", fmt.Sprint(clamdtest.MaxSize)}
}

// TestT31ServeRefusesALaxScanner starts the command with clamd as it comes.
func TestT31ServeRefusesALaxScanner(t *testing.T) {
	lax := clamdtest.Start(t, "")
	got := run(t, command(t, append([]string{
		"serve", "--listen", "127.0.0.1:0", "--admin", "", "--origin", pageOrigin, "--data", t.TempDir(), "--token-secret", secret,
	}, strict(lax)...)...))
	require.Equal(t, 1, got.code, got.log)
	require.Empty(t, got.out)
	require.Contains(t, got.log, "not to be relied on")
	for _, option := range []string{"AlertEncrypted yes", "AlertExceedsMax yes"} {
		require.Contains(t, got.log, option, "every option that is missing is named")
	}
}

// TestT30InfectedIsForNobody sends a clean file and an infected one to the
// command with clamd as it should be.
func TestT30InfectedIsForNobody(t *testing.T) {
	_, public, admin := startServe(t, strict(clamdtest.Start(t, clamdtest.Tuned))...)
	sender := openTab(t, public, "chat-1", "ada", bridge.Agent)
	other := openTab(t, public, "chat-1", "bo", bridge.Agent)

	bad := &page.Upload{Key: newKey(), Name: "eicar.com", Content: clamdtest.EICAR()}
	require.NoError(t, sender.Send(t.Context(), bad))
	told := sender.refused(bad.Key)
	require.Equal(t, bridge.CodeInfected, told.Code)
	require.False(t, told.Retry)

	clean := sender.send("invoice.pdf", random(100<<10))
	require.Equal(t, clean, other.announced(clean.Key))
	for _, tab := range []*tab{sender, other} {
		for _, s := range tab.Sights() {
			require.NotEqual(t, bad.Key, s.Event.Key)
			require.False(t, s.Event.IsFile() && s.Event.Key != clean.Key, "the clean file is the only one")
		}
	}
	s := joinBy(t, public, "chat-1", "cy")
	s.send(&bridge.Ask{Ref: 1, File: clean.ID, Attempt: newKey()})
	awaitOn[*bridge.Ticket](s)
	s.send(&bridge.Ask{Ref: 2, File: bad.Key, Attempt: newKey()})
	require.Equal(t, bridge.CodeFileUnknown, awaitOn[*bridge.Fail](s).Error.Code)
	_, _, scrape := get(t, admin+"/metrics")
	for _, verdict := range []string{"infected", "clean"} {
		require.Contains(t, scrape, fmt.Sprintf("\nattache_scans_total{verdict=%q} 1\n", verdict))
	}
}
