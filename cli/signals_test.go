//go:build unix

package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"attache/bridge"
)

// harmless are the signals that must not end a command.
var harmless = []os.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE, syscall.SIGWINCH}

// B68: neither a closed terminal nor a SIGHUP for a reload ends a command.
func TestB68HarmlessSignalsEndNoCommand(t *testing.T) {
	t.Parallel()
	commands := map[string]func(t *testing.T) (d *daemon, at string){
		"serve": func(t *testing.T) (*daemon, string) {
			d, public, _ := startServe(t)
			return d, public + "/web/attache.js"
		},
		"backend": func(t *testing.T) (*daemon, string) {
			d := start(t, command(t, "backend", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", t.TempDir(), "--backend-secret", secret))
			return d, address.FindAllString(d.line, -1)[1] + "/healthz"
		},
		"demo": func(t *testing.T) (*daemon, string) {
			d, at := startDemo(t)
			require.NoError(t, syscall.Kill(d.child(0), syscall.SIGHUP))
			return d, at + "/"
		},
	}
	for name, begin := range commands {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, at := begin(t)
			for range 3 {
				for _, signal := range harmless {
					require.NoError(t, d.cmd.Process.Signal(signal))
				}
				status, _, _ := get(t, at)
				require.Equal(t, http.StatusOK, status)
			}
			d.signal()
			d.wait()
			require.Zero(t, d.cmd.ProcessState.ExitCode(), d.log.String())
		})
	}
	t.Run("audit", func(t *testing.T) {
		pipe := filepath.Join(t.TempDir(), "audit")
		require.NoError(t, unix.Mkfifo(pipe, 0o600))
		c := command(t, "audit", pipe)
		require.NoError(t, c.Start())
		// It opens once the command reads, and then the command is under way.
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		require.NoError(t, err)
		require.NoError(t, c.Process.Signal(syscall.SIGHUP))
		require.NoError(t, w.Close())
		require.NoError(t, c.Wait())
	})
}

// B68: when the readers of output and log go away, nothing is lost.
func TestB68OutputWithoutReader(t *testing.T) {
	t.Parallel()
	c := command(t, "serve", "--listen", "127.0.0.1:0", "--admin", "", "--scanner", "off", "--origin", pageOrigin, "--data", t.TempDir(), "--token-secret", secret)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	log, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	text := make([]byte, 200)
	n, err := out.Read(text)
	require.NoError(t, err)
	public := address.FindString(string(text[:n]))
	require.NoError(t, out.Close())
	require.NoError(t, log.Close())
	b := openTab(t, public, "chat-1", "ada", bridge.Agent)
	b.send("a.bin", random(1000))
	require.NoError(t, c.Process.Signal(syscall.SIGTERM))
	c.Wait()
	require.Zero(t, c.ProcessState.ExitCode())
}

// writePair makes a certificate for localhost with that serial number.
func writePair(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
}

// serial is the number of the certificate that is served at that address.
func serial(t *testing.T, at string) int64 {
	t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", at, &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, err)
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// B68: a renewed certificate is served after SIGHUP, and a broken one is not.
func TestB68CertificateIsReloaded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, trail := filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "audit")
	writePair(t, cert, key, 1)
	d, public, admin := startServe(t, "--tls-cert", cert, "--tls-key", key, "--audit", trail)
	at := strings.TrimPrefix(public, "https://")
	require.EqualValues(t, 1, serial(t, at))
	writePair(t, cert, key, 2)
	require.EqualValues(t, 1, serial(t, at), "it is read at SIGHUP")
	hangup := func() {
		t.Helper()
		require.NoError(t, os.Rename(trail, trail+".old"))
		require.NoError(t, d.cmd.Process.Signal(syscall.SIGHUP))
	}
	hangup()
	require.Eventually(t, func() bool { return serial(t, at) == 2 }, patience, 10*time.Millisecond)
	require.NoError(t, os.WriteFile(key, []byte("half a k"), 0o600))
	hangup()
	holds(t, trail, `"action":"opened"`) // the audit file comes first, the certificate after it
	writePair(t, cert, key, 3)
	hangup()
	require.Eventually(t, func() bool { return serial(t, at) == 3 }, patience, 10*time.Millisecond)
	status, _, _ := get(t, admin+"/healthz")
	require.Equal(t, http.StatusOK, status)
	d.signal()
	io.Copy(io.Discard, d.out)
	d.wait()
	require.Zero(t, d.cmd.ProcessState.ExitCode(), d.log.String())
	require.Contains(t, d.log.String(), "reload=certificate")
}
