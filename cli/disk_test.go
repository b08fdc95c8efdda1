package cli_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"attache/bridge"
	"attache/wasm/page"
)

// TestFullDisk fills the last byte of the data directory's volume in the middle of
// uploads, as another program would, and frees it again: the same process resumes, and
// nothing that was acknowledged is lost.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := unix.Mount("tmpfs", data, "tmpfs", 0, "size=128m"); err != nil {
		t.Skip("a small file system cannot be mounted here: ", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(data, unix.MNT_DETACH)) })
	path, err := binary()
	require.NoError(t, err)
	const origin = "https://desk.example"
	d := start(t, exec.Command(path, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--scanner", "off",
		"--origin", origin, "--data", data, "--token-secret", secret))
	printed := address.FindAllString(d.line, -1)
	public, admin := printed[0], printed[1]

	pass := mint(t, "s1", "kim", bridge.Agent)
	open := func() *page.Page {
		p := page.Open(page.Options{
			Address: func() string { return public }, Token: pass, Origin: origin,
			Heard: func(string, *bridge.Upload) {}, Saw: func(bridge.Event) {},
		})
		t.Cleanup(p.Close)
		return p
	}
	agent := open()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()

	var mu sync.Mutex
	accepted := map[string][]byte{}
	send := func(u *page.Upload) {
		content := u.Content
		u.Broken = func(b page.Breach) { t.Error(b) }
		if err := agent.Send(ctx, u); err != nil || u.Code != "" {
			t.Errorf("%s of %d bytes: %v, %s", u.Key, len(content), err, u.Code)
			return
		}
		mu.Lock()
		accepted[u.Key] = content
		mu.Unlock()
	}
	// Small files arrive all the time, so that each step is interrupted for some of them.
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for n := range 3 {
		senders.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				send(&page.Upload{Key: fmt.Sprintf("%016x%016x", n+1, i), Name: "small.bin", Content: noise(20_000 + i)})
			}
		})
	}
	const large = 24 << 20
	reached, filled := make(chan struct{}), make(chan struct{})
	var once sync.Once
	senders.Go(func() {
		send(&page.Upload{Key: fmt.Sprintf("%032x", 9), Name: "large.bin", Content: noise(large), Sent: func(n int64) {
			if n > 6<<20 {
				once.Do(func() { close(reached) })
				select { // or the upload could be over before the disk is full
				case <-filled:
				case <-ctx.Done():
				}
			}
		}})
	})
	<-reached
	free := fillUp(t, data)
	close(filled)

	for i := range 5 {
		o := &bridge.Offer{Key: fmt.Sprintf("%032x", 100+i), Name: "new.bin", Size: 10}
		require.Equal(t, bridge.CodeStorageFull, offered(ctx, t, public, origin, pass, o))
	}
	running := &bridge.Offer{Key: fmt.Sprintf("%032x", 9), Name: "large.bin", Size: large}
	require.Equal(t, bridge.CodeStorageFull, offered(ctx, t, public, origin, pass, running), "an upload under way gets the same answer")
	// Nothing may have been written since, so parties join, which writes, until the
	// last page is full.
	knocks := 0
	require.Eventually(t, func() bool {
		knocks++
		knock(ctx, t, public, origin, mint(t, fmt.Sprint("knock-", knocks), "kim", bridge.Agent))
		status, _, _ := get(t, admin+"/readyz")
		return status == http.StatusServiceUnavailable
	}, patience, 10*time.Millisecond, "a write has failed, and the proxy has noticed")
	free()
	require.Eventually(t, func() bool { status, _, _ := get(t, admin+"/readyz"); return status == http.StatusOK },
		patience, 50*time.Millisecond)
	close(stop)
	senders.Wait()
	send(&page.Upload{Key: fmt.Sprintf("%032x", 10), Name: "after.bin", Content: noise(1 << 20)})

	reader := open()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		notices := map[string]int{}
		for _, s := range reader.Sights() {
			if s.Event.IsFile() {
				notices[s.Event.Key] += s.Times
			}
		}
		for key := range accepted {
			require.Equal(c, 1, notices[key], "notices of %s", key)
		}
	}, 2*patience, 100*time.Millisecond)
	for _, s := range reader.Sights() {
		f, err := bridge.DecodeFile(s.Event)
		if err != nil {
			continue
		}
		got, err := reader.Download(ctx, f.ID, f.Key)
		require.NoError(t, err)
		require.Equal(t, hex.EncodeToString(sum(accepted[f.Key])), hex.EncodeToString(got.SHA256[:]), f.Key)
	}
	d.signal()
	d.wait()
	require.Zero(t, d.cmd.ProcessState.ExitCode(), "it is still the process that was started: %s", d.log.String())
}

func sum(content []byte) []byte {
	s := sha256.Sum256(content)
	return s[:]
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(b)
	return b
}

// fillUp writes until a volume has no byte left, and returns a function that frees them.
func fillUp(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "other")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	for piece := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(piece)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	return func() { require.NoError(t, os.Remove(path)) }
}

// knock tries to join a session.
func knock(ctx context.Context, t *testing.T, at, origin, pass string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, at+bridge.PathChat, &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {origin}}, Subprotocols: []string{bridge.Subprotocol},
	})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	conn.Write(ctx, websocket.MessageText, bridge.AppendMessage(nil, &bridge.Hello{Token: pass}))
	conn.Read(ctx)
}

// offered offers a file on a socket of its own and returns the code of the refusal.
func offered(ctx context.Context, t *testing.T, at, origin, pass string, o *bridge.Offer) bridge.Code {
	t.Helper()
	conn, _, err := websocket.Dial(ctx, at+bridge.PathChat, &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {origin}}, Subprotocols: []string{bridge.Subprotocol},
	})
	require.NoError(t, err)
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	for _, m := range []bridge.Wire{&bridge.Hello{Token: pass}, o} {
		require.NoError(t, conn.Write(ctx, websocket.MessageText, bridge.AppendMessage(nil, m)))
	}
	for {
		_, text, err := conn.Read(ctx)
		require.NoError(t, err)
		m, err := bridge.FromProxy(text)
		require.NoError(t, err)
		if fail, ok := m.(*bridge.Fail); ok {
			return fail.Error.Code
		}
		_, taken := m.(*bridge.Accept)
		require.False(t, taken)
	}
}
