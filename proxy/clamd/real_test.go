package clamd_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy"
	"attache/proxy/clamd"
)

// maxSize is what the tests' clamd takes of a stream, and what it looks at.
const maxSize = 2 << 20

const tuned = "AlertExceedsMax yes\nAlertEncrypted yes\n"

// startClamd runs ClamAV's daemon with one signature, of the EICAR file at the
// beginning of a file, as the official one has it, and further options.
func startClamd(t *testing.T, options string) (socket string) {
	t.Helper()
	path, err := exec.LookPath("clamd")
	if err != nil {
		t.Skip("clamd is missing: ci/deps.sh installs it, or apt-get install clamav-daemon")
	}
	dir, err := os.MkdirTemp("", "clamd") // a socket's path may have 107 bytes
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	write("own.ndb", "Own.Eicar:0:0:"+hex.EncodeToString(clamd.EICAR())+"\n")
	config := write("clamd.conf", fmt.Sprintf("Foreground yes\nDatabaseDirectory %s\nLocalSocket %s\nUser root\nTemporaryDirectory %s\n"+
		"StreamMaxLength %d\nMaxScanSize %d\nMaxFileSize %d\n%s", dir, socket, dir, 4*maxSize, maxSize/2, maxSize/2, options))
	var log bytes.Buffer
	cmd := exec.Command(path, "--config-file="+config)
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	client, err := clamd.New(socket, clamd.Options{})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return client.Ping(t.Context()) == nil }, time.Minute, 20*time.Millisecond, "clamd does not start")
	return socket
}

func tarred(content []byte) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Name: "eicar.com", Mode: 0o644, Size: int64(len(content))})
	w.Write(content)
	w.Close()
	return b.Bytes()
}

func gzipped(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(content)
	w.Close()
	return b.Bytes()
}

func zipWith(name string, method uint16, content []byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, _ := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
	w.Write(content)
	z.Close()
	return b.Bytes()
}

func mailed(content []byte) []byte {
	return []byte("From: a@example\r\nTo: b@example\r\nSubject: x\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/octet-stream; name=eicar.com\r\n" +
		"Content-Disposition: attachment; filename=eicar.com\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString(content) + "\r\n--b--\r\n")
}

// TestR13RealClamd shows twelve wrappings of EICAR to a tuned clamd, and to one
// as it comes, which lets some of them pass.
func TestR13RealClamd(t *testing.T) {
	e := clamd.EICAR()
	padded, err := io.ReadAll(clamd.Padded(e, maxSize))
	require.NoError(t, err)
	wrappings := map[string][]byte{
		"plain": e, "with a line's end": append(clamd.EICAR(), '\r', '\n'),
		"zip, stored": zipWith("a", zip.Store, e), "zip, deflated": zipWith("a", zip.Deflate, e),
		"zip in a zip": clamd.Nested(e, 2), "as a document's part": zipWith("word/document.xml", zip.Deflate, e),
		"tar": tarred(e), "gzip": gzipped(e), "tar.gz": gzipped(tarred(e)), "mail": mailed(e),
		"encrypted zip": clamd.Encrypted(clamd.EICAR()), "zip, 30 deep": clamd.Nested(e, 30), "behind padding": padded,
	}
	passed := func(t *testing.T, client *clamd.Client) (names []string) {
		for name, content := range wrappings {
			verdict, err := client.Scan(t.Context(), bytes.NewReader(content), proxy.Document{ID: "d", Size: int64(len(content))})
			require.NoError(t, err, name)
			require.NotEqual(t, proxy.Unknown, verdict, name)
			if verdict == proxy.Clean {
				names = append(names, name)
			}
		}
		return names
	}
	t.Run("tuned", func(t *testing.T) {
		client, err := clamd.New("unix://"+startClamd(t, tuned), clamd.Options{MaxSize: maxSize})
		require.NoError(t, err)
		require.NoError(t, client.Prove(t.Context()))
		require.Empty(t, passed(t, client), "released though not looked at")
		for name, content := range map[string][]byte{
			"empty": {}, "text": []byte("hello"), "zip": zipWith("a.txt", zip.Deflate, []byte("hello")),
		} {
			verdict, err := client.Scan(t.Context(), bytes.NewReader(content), proxy.Document{})
			require.NoError(t, err, name)
			require.Equal(t, proxy.Clean, verdict, name)
		}
	})
	t.Run("as it comes", func(t *testing.T) {
		client, err := clamd.New(startClamd(t, ""), clamd.Options{MaxSize: maxSize})
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"encrypted zip", "zip, 30 deep", "behind padding"}, passed(t, client))
		lax := client.Prove(t.Context())
		require.ErrorContains(t, lax, "AlertEncrypted")
		require.ErrorContains(t, lax, "AlertExceedsMax")
	})
	t.Run("half tuned", func(t *testing.T) {
		client, err := clamd.New(startClamd(t, "AlertEncrypted yes\n"), clamd.Options{MaxSize: maxSize})
		require.NoError(t, err)
		require.ErrorContains(t, client.Prove(t.Context()), "AlertExceedsMax")
	})
	t.Run("behind its stream's limit", func(t *testing.T) {
		client, err := clamd.New(startClamd(t, tuned), clamd.Options{})
		require.NoError(t, err)
		verdict, err := client.Scan(t.Context(), bytes.NewReader(make([]byte, 4*maxSize+1)), proxy.Document{})
		require.NoError(t, err)
		require.Equal(t, proxy.Unscannable, verdict)
	})
}
