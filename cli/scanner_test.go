package cli_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/clamd"
	"attache/proxy/clamd/clamdtest"
	"attache/wasm/page"
)

func strict(d *clamdtest.Daemon) []string {
	return []string{"--scanner", "strict", "--clamd", d.Socket, "--scan-max-size", fmt.Sprint(clamdtest.MaxSize)}
}

// TestT31ServeRefusesALaxScanner starts the command with clamd in its default settings.
func TestT31ServeRefusesALaxScanner(t *testing.T) {
	t.Parallel()
	lax := clamdtest.Start(t, "")
	got := run(t, command(t, append([]string{
		"serve", "--listen", "127.0.0.1:0", "--admin", "", "--origin", pageOrigin, "--data", t.TempDir(), "--token-secret", secret,
	}, strict(lax)...)...))
	require.Equal(t, 1, got.code, got.log)
	require.Empty(t, got.out)
	require.Contains(t, got.log, "failed its self-test")
	for _, option := range []string{"AlertEncrypted yes", "AlertExceedsMax yes"} {
		require.Contains(t, got.log, option, "every option that is missing is named")
	}
}

// TestT30InfectedIsForNobody sends a clean and an infected file to the command with a
// correctly configured clamd.
func TestT30InfectedIsForNobody(t *testing.T) {
	t.Parallel()
	_, public, admin := startServe(t, strict(clamdtest.Start(t, clamdtest.Tuned))...)
	sender := openTab(t, public, "chat-1", "ada", bridge.Agent)
	other := openTab(t, public, "chat-1", "bo", bridge.Agent)

	bad := &page.Upload{Key: newKey(), Name: "eicar.com", Content: clamd.EICAR()}
	require.NoError(t, sender.Send(t.Context(), bad))
	failure := sender.refused(bad.Key)
	require.Equal(t, bridge.CodeInfected, failure.Code)
	require.False(t, failure.Retry)

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

// dated is a proxy of clamd that gives another answer to VERSION.
type dated struct {
	socket  string
	version atomic.Value // of string
}

func startDated(t *testing.T, upstream *clamdtest.Daemon) *dated {
	t.Helper()
	d := &dated{socket: filepath.Join(filepath.Dir(upstream.Socket), "dated")}
	l, err := net.Listen("unix", d.socket)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go d.answer(conn.(*net.UnixConn), upstream.Socket)
		}
	}()
	return d
}

func (d *dated) answer(conn *net.UnixConn, upstream string) {
	defer conn.Close()
	asked := bufio.NewReader(conn)
	name, err := asked.ReadString(0)
	if err != nil {
		return
	}
	if name == "zVERSION\x00" {
		io.WriteString(conn, d.version.Load().(string)+"\x00")
		return
	}
	to, err := net.Dial("unix", upstream)
	if err != nil {
		return
	}
	defer to.Close()
	go func() { io.Copy(to, io.MultiReader(strings.NewReader(name), asked)) }()
	io.Copy(conn, to)
}

// setAge sets the age of the daily database.
func (d *dated) setAge(age time.Duration) {
	d.version.Store("ClamAV 1.4.3/27500/" + time.Now().Add(-age).Format(time.ANSIC))
}

const day = 24 * time.Hour

// TestT32ServeAndTheSignaturesAge starts the command with signatures of different
// ages, with and without a limit.
func TestT32ServeAndTheSignaturesAge(t *testing.T) {
	t.Parallel()
	real := clamdtest.Start(t, clamdtest.Tuned)
	scanner := startDated(t, real)
	const gauge = "\nattache_scanner_signatures_age_seconds "
	for name, c := range map[string]struct {
		version  func()
		log      string
		reported bool // to Prometheus
		passes   bool // with the limit
	}{
		"a day":   {func() { scanner.setAge(day) }, "level=INFO msg=\"clamd's signatures\" engine=1.4.3 daily=27500", true, true},
		"a month": {func() { scanner.setAge(30 * day) }, "level=WARN msg=\"clamd's signatures are old", true, false},
		"unknown": {func() { scanner.version.Store("ClamAV 1.4.3") }, "level=WARN msg=\"the age of clamd's signatures is unknown\" engine=1.4.3", false, false},
		"rubbish": {func() { scanner.version.Store("soon") }, "level=WARN msg=\"the age of clamd's signatures is unknown\"", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			c.version()
			flags := []string{"--scanner", "strict", "--clamd", scanner.socket, "--scan-max-size", fmt.Sprint(clamdtest.MaxSize)}
			d, _, admin := startServe(t, flags...)
			_, _, scrape := get(t, admin+"/metrics")
			require.Equal(t, c.reported, strings.Contains(scrape, gauge), scrape)
			d.signal()
			d.wait()
			require.Contains(t, d.log.String(), c.log)

			flags = append(flags, "--signatures-max-age", "72h")
			if c.passes {
				startServe(t, flags...)
				return
			}
			got := run(t, command(t, append([]string{
				"serve", "--listen", "127.0.0.1:0", "--admin", "", "--origin", pageOrigin, "--data", t.TempDir(), "--token-secret", secret,
			}, flags...)...))
			require.Equal(t, 1, got.code, got.log)
			require.Empty(t, got.out)
			require.Contains(t, got.log, "--signatures-max-age=72h")
		})
	}
}

// TestT32FilesWaitForSignatures lets the signatures grow old while a command runs,
// and then installs new ones.
func TestT32FilesWaitForSignatures(t *testing.T) {
	t.Parallel()
	scanner := startDated(t, clamdtest.Start(t, clamdtest.Tuned))
	scanner.setAge(day)
	_, public, admin := startServe(t, "--scanner", "strict", "--clamd", scanner.socket, "--scan-max-size", fmt.Sprint(clamdtest.MaxSize),
		"--signatures-max-age", "72h")
	sender := openTab(t, public, "chat-1", "ada", bridge.Agent)
	sender.send("before.pdf", random(100))

	scanner.setAge(30 * day)
	waits := &page.Upload{Key: newKey(), Name: "invoice.pdf", Content: random(100)}
	require.NoError(t, sender.Send(t.Context(), waits))
	scans := func(verdict string, n int) bool {
		_, _, scrape := get(t, admin+"/metrics")
		return strings.Contains(scrape, fmt.Sprintf("\nattache_scans_total{verdict=%q} %d\n", verdict, n))
	}
	require.Eventually(t, func() bool { return !scans("none", 0) }, patience, 20*time.Millisecond)
	require.True(t, scans("clean", 1), "the one from before")
	for _, s := range sender.Sights() {
		require.NotEqual(t, waits.Key, s.Event.Key)
	}

	scanner.setAge(day)
	require.Equal(t, "invoice.pdf", sender.announced(waits.Key).Name.Text)
	require.True(t, scans("clean", 2))
}
