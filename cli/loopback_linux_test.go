package cli_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backend"
	"attache/wasm/page"
)

// TestT34NothingLeavesLoopback runs the command in a network with nothing but loopback,
// gives it foreign addresses wherever a page, a token or another desktop may name
// something, and checks that it did not try to connect there: the kernel counts packets
// without a route.
func TestT34NothingLeavesLoopback(t *testing.T) {
	t.Parallel()
	if os.Getenv(commandVar) != "" {
		neverLeaves(t)
		return
	}
	path, err := binary()
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", (2 * patience).String())
	c.Env = append(os.Environ(), commandVar+"="+path)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := c.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skip("a network of its own cannot be made here: ", err)
	}
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: "+t.Name())
}

// neverLeaves runs inside that network.
func neverLeaves(t *testing.T) {
	raiseLoopback(t)
	run := func(args ...string) string {
		d := start(t, exec.CommandContext(t.Context(), os.Getenv(commandVar), args...))
		return address.FindString(d.line)
	}
	backend := run("backend", "--listen", "127.0.0.1:0", "--admin=", "--data", t.TempDir(), "--backend-secret", secret)
	public := run("serve", "--listen", "127.0.0.1:0", "--admin=", "--scanner=off", "--origin", pageOrigin, "--token-secret", secret,
		"--data", t.TempDir(), "--backend", backend, "--backend-secret", secret)

	agent := openTab(t, public, "s1", "ann", bridge.Agent)
	content := random(100_000)
	f := agent.send("http://192.0.2.1/a.bin", content)
	got, err := agent.Download(t.Context(), f.ID, newKey())
	require.NoError(t, err)
	require.Equal(t, page.Fetched{Size: int64(len(content)), SHA256: sha256.Sum256(content)}, got)
	refused := &page.Upload{Key: newKey(), Name: "http://192.0.2.1/" + strings.Repeat("x", 300), Content: content}
	require.NoError(t, agent.Send(t.Context(), refused))
	require.Equal(t, bridge.CodeNameLength, refused.Code)
	foreignNotices(t, backend, agent)
	foreignTokens(t, public)

	require.Zero(t, strays(t), "a process tried to leave loopback")
	for n, stranger := range []string{"192.0.2.1:80", "[2001:db8::1]:80"} {
		_, err := net.Dial("tcp", stranger)
		require.ErrorIs(t, err, syscall.ENETUNREACH)
		require.Equal(t, n+1, strays(t), "an attempt is counted")
	}
}

// foreignNotices posts notices as a trusted desktop would.
func foreignNotices(t *testing.T, url string, agent *tab) {
	t.Helper()
	client, err := backend.Dial(t.Context(), backend.ClientOptions{URL: url, Secret: []byte(secret)})
	require.NoError(t, err)
	defer client.Close()
	chat := client.Chat()
	_, err = chat.Join(t.Context(), "s1", proxy.Joining{Party: bridge.Party{
		UserID: "desk", Nickname: "desk", UserType: bridge.Agent, Visibility: bridge.All, ClientVersion: bridge.VersionCurrent,
	}})
	require.NoError(t, err)
	for _, c := range []struct {
		source, document string
		code             bridge.Code
	}{
		{"http://192.0.2.1/store", "1", bridge.CodeFileForeign},
		{"//192.0.2.1", "http://192.0.2.1", bridge.CodeFileForeign},
		{"", "//192.0.2.1/a", bridge.CodeDocument},
		{"", "http://192.0.2.1", bridge.CodeDocument},
		{"", "@192.0.2.1:80/a", bridge.CodeDocument},
		{"", "@[2001:db8::1]/", bridge.CodeDocument},
	} {
		notice := bridge.Announcement{Name: "a.bin", Size: 1, Source: c.source, DocumentID: c.document, Key: newKey()}.Notice(bridge.All)
		_, err := chat.Post(t.Context(), "s1", "desk", notice)
		require.NoError(t, err)
		_, err = agent.Download(t.Context(), agent.announced(notice.Key).ID, newKey())
		require.Equal(t, c.code, bridge.CodeOf(err), "%s in %s: %v", c.document, c.source, err)
	}
}

// foreignTokens name a URL that the key to verify them with could be fetched from.
func foreignTokens(t *testing.T, public string) {
	t.Helper()
	parts := strings.Split(mint(t, "s1", "eve", bridge.Agent), ".")
	for _, field := range []string{"jku", "x5u"} {
		for _, key := range []string{secret, "another"} {
			header := `{"alg":"HS256","typ":"JWT","kid":"1","` + field + `":"http://192.0.2.1/keys"}`
			said := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + parts[1]
			h := hmac.New(sha256.New, []byte(key))
			h.Write([]byte(said))
			s := dial(t, public)
			s.send(&bridge.Hello{Token: said + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))})
			if key == secret {
				require.IsType(t, &bridge.Welcome{}, s.next())
				continue
			}
			require.Equal(t, bridge.CodeTokenInvalid, awaitOn[*bridge.Fail](s).Error.Code)
		}
	}
}

func raiseLoopback(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	require.NoError(t, err)
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	require.NoError(t, unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo))
}

// strays is how many packets of this network had no route.
func strays(t *testing.T) (n int) {
	t.Helper()
	four, err := os.ReadFile("/proc/self/net/snmp")
	require.NoError(t, err)
	lines := strings.Split(string(four), "\n") // "Ip:" twice, the names and then the numbers
	column := slices.Index(strings.Fields(lines[0]), "OutNoRoutes")
	require.Positive(t, column)
	n, err = strconv.Atoi(strings.Fields(lines[1])[column])
	require.NoError(t, err)
	six, err := os.ReadFile("/proc/self/net/snmp6")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(six), "Ip6OutNoRoutes")
	require.True(t, found)
	more, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(t, err)
	return n + more
}
