package cli_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"
	"attache/proxy/transcript"
)

// The transcript of a session comes from the data directory, with the proxy running and without,
// and over HTTP.
func TestTranscriptOfARunningProxyAndOfNone(t *testing.T) {
	t.Parallel()
	data, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	d, public, _ := startServe(t, "--data", data, "--customer-max-text", "4194304")
	agent := openTab(t, public, "s1", "ann", bridge.Agent)
	customer := openTab(t, public, "s1", "carol", bridge.Client)
	agent.announced(customer.send("a.txt", []byte("hello")).Key)

	running := run(t, command(t, "transcript", "--data", data, "s1"))
	require.Zero(t, running.code, running.log)
	for _, part := range []string{`sessionId="s1"`, `<noticeText noticeType="SYS_COMMAND">file-uploaded</noticeText>`, `<item key="file-size" type="int">5</item>`} {
		require.Contains(t, running.out, part)
	}
	require.NotContains(t, running.out, bridge.KeyFileKey)

	auth, err := token.NewAuthenticator(token.Secret([]byte(secret)))
	require.NoError(t, err)
	pass, err := auth.Mint(proxy.Identity{
		Session: "s1", Party: bridge.Party{UserID: "archive", UserType: bridge.System}, Rights: bridge.TranscriptRights, Expires: time.Now().Add(time.Hour),
	})
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, public+transcript.Path+"?visibility=customer", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+pass)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "application/xml; charset=utf-8", res.Header.Get("Content-Type"))
	decoder, err := transcript.NewDecoder(res.Body)
	require.NoError(t, err)
	require.Equal(t, "s1", decoder.Header().Session)

	none := run(t, command(t, "transcript", "--data", data, "--ended", "--dir", out))
	require.Zero(t, none.code, none.log)
	require.Equal(t, "transcripts in "+out+": 0\n", none.out)

	d.signal()
	d.wait()
	several := run(t, command(t, "transcript", "--data", data, "--visibility", "customer", "--dir", out, "s1", "s1"))
	require.Zero(t, several.code, several.log)
	info, err := os.Stat(filepath.Join(out, "s1.xml"))
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	names, err := os.ReadDir(out)
	require.NoError(t, err)
	require.Len(t, names, 1, "nothing unfinished is left")

	unknown := run(t, command(t, "transcript", "--data", data, "--dir", out, "other"))
	require.Equal(t, 1, unknown.code)
	require.Contains(t, unknown.log, "write the transcript of other: there is no transcript of this chat session")
	empty := run(t, command(t, "transcript", "--data", t.TempDir(), "s1"))
	require.Contains(t, empty.log, "is not a data directory")
	for _, c := range []struct {
		args    []string
		message string
	}{
		{nil, "no session: name one, or give --ended"},
		{[]string{"--ended", "s1"}, "--ended is every session that has ended"},
		{[]string{"s1", "s2"}, "several transcripts need a directory"},
		{[]string{"a/b", "--dir", "/dev/null"}, "2 settings cannot work"},
	} {
		got := run(t, command(t, append([]string{"transcript", "--data", data}, c.args...)...))
		require.Equal(t, 1, got.code)
		require.Contains(t, got.log, c.message)
	}
}
