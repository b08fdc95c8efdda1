package backend_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/proxytest"
)

// A backend with a library lends it to its proxies: nothing is uploaded, and the document is in
// the session as long as its notice.
func TestLibrary_AProxyAttachesFromItsBackends(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "welcome.txt"), []byte("hello"), 0o600))
	w := proxytest.Start(t, proxytest.BehindBackend(t, func(o *assembly.Options) { o.Responses = dir }))
	for user, kind := range map[string]bridge.UserType{"ann": bridge.Agent, "carol": bridge.Client} {
		p := bridge.Party{UserID: user, UserType: kind, ClientVersion: bridge.VersionCurrent}
		require.NoError(t, p.Check())
		_, err := w.Chat.Join(t.Context(), "s1", proxy.Joining{Party: p})
		require.NoError(t, err)
	}
	staff := proxy.Identity{Session: "s1", Party: bridge.Party{UserID: "ann", UserType: bridge.Agent}, Rights: bridge.AllRights}
	var found []bridge.Response
	require.Eventually(t, func() bool {
		var err error
		found, _, err = w.Proxy.Transfers().FindResponses(t.Context(), staff, "Welcome", "")
		require.NoError(t, err)
		return len(found) == 1
	}, patience, 10*time.Millisecond)
	a := proxy.Attachment{Key: randomKey(), DocumentID: found[0].DocumentID}
	e, err := w.Proxy.Transfers().Attach(t.Context(), staff, a)
	require.NoError(t, err)
	again, err := w.Proxy.Transfers().Attach(t.Context(), staff, a)
	require.NoError(t, err)
	require.Equal(t, e.ID, again.ID)
	file, err := bridge.DecodeFile(e)
	require.NoError(t, err)
	require.Equal(t, bridge.FromStandardResponse, file.UploadType)
	customer := proxy.Identity{Session: "s1", Party: bridge.Party{UserID: "carol", UserType: bridge.Client, ClientVersion: bridge.VersionCurrent}, Rights: bridge.AllRights}
	grant, _, err := w.Proxy.Transfers().Authorize(t.Context(), customer, proxy.Wish{FileID: file.ID, Attempt: randomKey()})
	require.NoError(t, err)
	content, err := w.Proxy.Transfers().Open(t.Context(), proxy.Fetch{Grant: grant})
	require.NoError(t, err)
	defer content.Close()
	b, err := io.ReadAll(content)
	require.NoError(t, err)
	require.Equal(t, "hello", string(b))

	a.Key, a.DocumentID = randomKey(), "2500aaaaaaaaaaaa"
	_, err = w.Proxy.Transfers().Attach(t.Context(), staff, a)
	require.Equal(t, bridge.CodeDocument, bridge.CodeOf(err))
}
