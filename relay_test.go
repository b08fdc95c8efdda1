package main_test

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/chaos/page"
	"attache/proxy"
	"attache/proxy/token"
)

// visitor is a page of one party, and the events that it was shown.
type visitor struct {
	*page.Page
	saw chan bridge.Event
}

func visit(t *testing.T, public, session, user string, kind bridge.UserType) *visitor {
	t.Helper()
	auth, err := token.NewAuthenticator(token.Secret([]byte(secret)))
	require.NoError(t, err)
	signed, err := auth.Mint(proxy.Identity{
		Session: session, Party: bridge.Party{UserID: user, UserType: kind}, Rights: bridge.AllRights, Expires: time.Now().Add(time.Hour),
	})
	require.NoError(t, err)
	v := &visitor{saw: make(chan bridge.Event, 100)}
	v.Page = page.Open(page.Options{
		Address: func() string { return public }, Token: signed, Origin: "https://desk.example",
		Heard: func(string, *bridge.Upload) {}, Saw: func(e bridge.Event) { v.saw <- e },
	})
	t.Cleanup(v.Close)
	return v
}

// file waits for the notice of that key.
func (v *visitor) file(t *testing.T, key string) bridge.File {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case e := <-v.saw:
			if e.IsFile() && e.Key == key {
				f, err := bridge.DecodeFile(e)
				require.NoError(t, err)
				return f
			}
		case <-late:
			require.FailNow(t, "the notice did not come")
		}
	}
}

func freshKey() string {
	var k bridge.Key
	rand.Read(k[:])
	return k.String()
}

// TestProxyAndBackend sends files through a proxy whose Chat Server and store are
// another process, which is killed between them.
func TestProxyAndBackend(t *testing.T) {
	data := t.TempDir()
	backend := func(listen string) *daemon {
		return start(t, command(t, "backend", "--listen", listen, "--admin", "127.0.0.1:0", "--data", data, "--relay-secret", secret))
	}
	b := backend("127.0.0.1:0")
	at := address.FindAllString(b.line, -1)
	require.Len(t, at, 2)
	status, _, body := get(t, at[1]+"/readyz")
	require.Equal(t, 200, status, body)
	_, public, _ := startServe(t, "--relay", at[0], "--relay-secret", secret)
	agent := visit(t, public, "s1", "ann", bridge.Agent)
	customer := visit(t, public, "s1", "carol", bridge.Client)
	for _, size := range []int{0, 100_000, 2 << 20} {
		content := make([]byte, size)
		rand.Read(content)
		up := &page.Upload{Key: freshKey(), Name: "größe.bin", Content: content}
		require.NoError(t, customer.Send(t.Context(), up))
		f := agent.file(t, up.Key)
		require.Equal(t, "größe.bin", f.Name.Text)
		got, err := agent.Download(t.Context(), f.ID, freshKey())
		require.NoError(t, err)
		require.Equal(t, page.Fetched{Size: int64(size), SHA256: sha256.Sum256(content)}, got)
		require.NoError(t, b.cmd.Process.Kill())
		b.wait()
		b = backend(strings.TrimPrefix(at[0], "http://"))
	}
	// The customers' limits are the backend's: three files of a session.
	fourth := &page.Upload{Key: freshKey(), Name: "fourth.bin", Content: []byte("x")}
	require.NoError(t, customer.Send(t.Context(), fourth))
	require.Equal(t, bridge.CodeFileCount, fourth.Code)

	got := run(t, command(t, "conform", "--relay", at[0], "--relay-secret", secret, "--only", "join"))
	require.Zero(t, got.code, got.log)
	require.Contains(t, got.out, "ok    join answers")
	b.signal()
	b.wait()
	require.Zero(t, b.cmd.ProcessState.ExitCode(), b.log.String())
}
