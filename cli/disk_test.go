package cli_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// fault is something that happens to a disk.
type fault struct {
	prepare func(t *testing.T, data string)               // mounts the volumes; nil: one at data
	breaks  func(t *testing.T, data string) (mend func()) // in the middle of uploads
	code    bridge.Code                                   // of refused offers
	reports string                                        // at /readyz and in the log; "": the proxy stays ready
	chats   bool                                          // texts are still taken
}

// TestDisk breaks the data directory's volumes in the middle of uploads, and mends them again:
// the same process resumes by itself, and nothing that was acknowledged is lost.
func TestDisk(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{
		"full to the last byte": {
			breaks:  fillUp,
			code:    bridge.CodeStorageFull,
			reports: "no space left",
		},
		"content's own volume is full": {
			prepare: twoVolumes,
			breaks:  func(t *testing.T, data string) func() { return fillUp(t, filepath.Join(data, "documents")) },
			code:    bridge.CodeStorageFull,
			chats:   true,
		},
		"only the chat's volume is full": {
			prepare: twoVolumes,
			breaks:  fillUp,
			code:    bridge.CodeStorageFull,
			reports: "no space left",
		},
		"failing until it is repaired": {
			prepare: mountImage,
			breaks:  failing,
			code:    bridge.CodeStorageUnavailable,
			reports: "input/output error",
		},
		"unmounted": {
			breaks:  unmounted,
			code:    bridge.CodeStorageUnavailable,
			reports: "the volume is not mounted at ",
		},
		"another one is mounted": {
			breaks:  swapped,
			code:    bridge.CodeStorageUnavailable,
			reports: "another volume is mounted at ",
		},
		"content's own volume is unmounted": {
			prepare: twoVolumes,
			breaks:  func(t *testing.T, data string) func() { return unmounted(t, filepath.Join(data, "documents")) },
			code:    bridge.CodeStorageUnavailable,
			reports: "the volume is not mounted at ",
			chats:   true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.run(t)
		})
	}
}

func (f fault) run(t *testing.T) {
	data := t.TempDir()
	if f.prepare == nil {
		mountSmall(t, data)
	} else {
		f.prepare(t, data)
	}
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
		if err := agent.Send(ctx, u); ctx.Err() == nil && (err != nil || u.Code != "") {
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
	defer senders.Wait()
	defer cancel()
	for n := range 3 {
		senders.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-ctx.Done():
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
	mend := f.breaks(t, data)
	close(filled)

	refused := func(o *bridge.Offer) (code bridge.Code) {
		require.Eventually(t, func() bool { // a party that opens many sockets has to wait
			code = offered(ctx, t, public, origin, pass, o)
			return code != bridge.CodeBusy
		}, patience, 50*time.Millisecond)
		return code
	}
	for i := range 5 {
		o := &bridge.Offer{Key: fmt.Sprintf("%032x", 100+i), Name: "new.bin", Size: 10}
		require.Equal(t, f.code, refused(o))
	}
	running := &bridge.Offer{Key: fmt.Sprintf("%032x", 9), Name: "large.bin", Size: large}
	require.Equal(t, f.code, refused(running), "an upload under way gets the same answer")
	if f.reports != "" {
		// Nothing may have been written since, so parties join, which writes, until the
		// last page is full.
		knocks, body := 0, ""
		require.Eventually(t, func() bool {
			knocks++
			knock(ctx, t, public, origin, mint(t, fmt.Sprint("knock-", knocks), "kim", bridge.Agent))
			var status int
			status, _, body = get(t, admin+"/readyz")
			return status == http.StatusServiceUnavailable && strings.Contains(body, f.reports)
		}, patience, 10*time.Millisecond, "a write has failed, and the proxy has noticed")
	} else {
		status, _, body := get(t, admin+"/readyz")
		require.Equal(t, http.StatusOK, status, body)
	}
	if f.chats {
		for n, kind := range []bridge.UserType{bridge.Agent, bridge.Client} {
			say(ctx, t, public, origin, mint(t, "talk", fmt.Sprint("kim-", n), kind))
		}
	}
	mend()
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
	require.Contains(t, d.log.String(), f.reports)
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

// mountSmall mounts a small volume until the test ends.
func mountSmall(t *testing.T, dir string) {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=128m"); err != nil {
		t.Skip("a small file system cannot be mounted here: ", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
}

// twoVolumes mounts one for the chat and one for content.
func twoVolumes(t *testing.T, data string) {
	t.Helper()
	mountSmall(t, data)
	documents := filepath.Join(data, "documents")
	require.NoError(t, os.Mkdir(documents, 0o700))
	mountSmall(t, documents)
}

// mountImage mounts a file with an ext4 file system.
func mountImage(t *testing.T, dir string) {
	t.Helper()
	image := dir + ".image"
	file, err := os.Create(image)
	require.NoError(t, err)
	require.NoError(t, errors.Join(file.Truncate(192<<20), file.Close()))
	for _, args := range [][]string{{"mkfs.ext4", "-q", "-F", image}, {"mount", "-o", "loop", image, dir}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Skip("no ext4 file system can be mounted here: ", err, string(out))
		}
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
}

// failing makes every write and sync of an ext4 file system fail from one moment on; what was
// synced before is on the disk. (After "mount -o remount,abort", which makes it read-only, that
// is not so: a sync that runs meanwhile may succeed, and its bytes are missing after the check.)
// An operator then checks the disk and mounts it again: a copy, because open files still hold
// the former mount.
func failing(t *testing.T, data string) (mend func()) {
	t.Helper()
	run := func(name string, args ...string) error {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Log(name, string(out))
		}
		return err
	}
	root, err := os.Open(data)
	require.NoError(t, err)
	const shutdown = 0x8004587d // EXT4_IOC_SHUTDOWN; 0 is EXT4_GOING_FLAGS_DEFAULT
	require.NoError(t, unix.IoctlSetPointerInt(int(root.Fd()), shutdown, 0))
	root.Close()
	return func() {
		require.NoError(t, unix.Unmount(data, unix.MNT_DETACH))
		repaired := data + ".repaired"
		require.NoError(t, run("cp", data+".image", repaired))
		if err := run("e2fsck", "-p", "-f", repaired); err != nil {
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			require.LessOrEqual(t, exit.ExitCode(), 2)
		}
		require.NoError(t, run("mount", "-o", "loop", repaired, data))
	}
}

// unmounted moves a volume to another directory.
func unmounted(t *testing.T, dir string) (mend func()) {
	t.Helper()
	drawer := t.TempDir()
	move := func(from, to string) {
		require.NoError(t, unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""))
		require.NoError(t, unix.Unmount(from, unix.MNT_DETACH))
	}
	move(dir, drawer)
	t.Cleanup(func() { unix.Unmount(drawer, unix.MNT_DETACH) })
	return func() {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, entries, "nothing was written below the mount point")
		move(drawer, dir)
	}
}

// swapped mounts another volume.
func swapped(t *testing.T, dir string) (mend func()) {
	t.Helper()
	back := unmounted(t, dir)
	mountSmall(t, dir)
	return func() {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, entries, "nothing was written to the other volume")
		require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH))
		back()
	}
}

// say writes a text and waits until it is in the chat.
func say(ctx context.Context, t *testing.T, at, origin, pass string) {
	t.Helper()
	conn, _, err := websocket.Dial(ctx, at+bridge.PathChat, &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {origin}}, Subprotocols: []string{bridge.Subprotocol},
	})
	require.NoError(t, err)
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	key := fmt.Sprintf("%032x", 900+len(pass))
	for _, m := range []bridge.Wire{&bridge.Hello{Token: pass}, &bridge.Say{Key: key, Text: "hello"}} {
		require.NoError(t, conn.Write(ctx, websocket.MessageText, bridge.AppendMessage(nil, m)))
	}
	for {
		_, text, err := conn.Read(ctx)
		require.NoError(t, err)
		m, err := bridge.FromProxy(text)
		require.NoError(t, err)
		_, failed := m.(*bridge.Fail)
		require.False(t, failed, "%s", text)
		if strings.Contains(string(text), key) {
			return
		}
	}
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
