package clamd_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/clamd"
	"attache/proxy/clamd/clamdtest"
)

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

// TestR13RealClamd scans wrappings of EICAR with a tuned clamd, and with a default one, which
// passes some of them.
func TestR13RealClamd(t *testing.T) {
	e := clamd.EICAR()
	padded, err := io.ReadAll(clamd.Padded(e, clamdtest.MaxSize))
	require.NoError(t, err)
	wrappings := map[string][]byte{
		"plain": e, "with a line's end": append(clamd.EICAR(), '\r', '\n'),
		"zip, stored": zipWith("a", zip.Store, e), "zip, deflated": zipWith("a", zip.Deflate, e),
		"zip in a zip": clamd.Nested(e, 2), "as a document's part": zipWith("word/document.xml", zip.Deflate, e),
		"tar": tarred(e), "gzip": gzipped(e), "tar.gz": gzipped(tarred(e)), "mail": mailed(e),
		"encrypted zip": clamd.Encrypted(clamd.EICAR()), "zip, 30 deep": clamd.Nested(e, 30), "after padding": padded,
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
		client, err := clamd.New("unix://"+clamdtest.Start(t, clamdtest.Tuned).Socket, clamd.Options{MaxSize: clamdtest.MaxSize})
		require.NoError(t, err)
		require.NoError(t, client.SelfTest(t.Context()))
		require.Empty(t, passed(t, client), "passed unscanned")
		for name, content := range map[string][]byte{
			"empty": {}, "text": []byte("hello"), "zip": zipWith("a.txt", zip.Deflate, []byte("hello")),
		} {
			verdict, err := client.Scan(t.Context(), bytes.NewReader(content), proxy.Document{})
			require.NoError(t, err, name)
			require.Equal(t, proxy.Clean, verdict, name)
		}
	})
	t.Run("default", func(t *testing.T) {
		client, err := clamd.New(clamdtest.Start(t, "").Socket, clamd.Options{MaxSize: clamdtest.MaxSize})
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"encrypted zip", "zip, 30 deep", "after padding"}, passed(t, client))
		lax := client.SelfTest(t.Context())
		require.ErrorContains(t, lax, "AlertEncrypted")
		require.ErrorContains(t, lax, "AlertExceedsMax")
	})
	t.Run("half tuned", func(t *testing.T) {
		client, err := clamd.New(clamdtest.Start(t, "AlertEncrypted yes\n").Socket, clamd.Options{MaxSize: clamdtest.MaxSize})
		require.NoError(t, err)
		require.ErrorContains(t, client.SelfTest(t.Context()), "AlertExceedsMax")
	})
	t.Run("beyond its stream limit", func(t *testing.T) {
		client, err := clamd.New(clamdtest.Start(t, clamdtest.Tuned).Socket, clamd.Options{})
		require.NoError(t, err)
		verdict, err := client.Scan(t.Context(), bytes.NewReader(make([]byte, 4*clamdtest.MaxSize+1)), proxy.Document{})
		require.NoError(t, err)
		require.Equal(t, proxy.Unscannable, verdict)
	})
}

func TestT32RealClamdWithoutDailyDatabase(t *testing.T) {
	d := clamdtest.Start(t, clamdtest.Tuned)
	for _, maxAge := range []time.Duration{0, 24 * time.Hour} {
		client, err := clamd.New(d.Socket, clamd.Options{MaxSize: clamdtest.MaxSize, MaxAge: maxAge})
		require.NoError(t, err)
		require.NoError(t, client.SelfTest(t.Context()))
		s, err := client.Signatures(t.Context())
		require.NoError(t, err)
		require.Regexp(t, `^\d+\.\d+`, s.Engine)
		require.Equal(t, clamd.Signatures{Engine: s.Engine}, s)
		_, err = client.Age(t.Context())
		require.ErrorContains(t, err, "no daily database")
		verdict, err := client.Scan(t.Context(), strings.NewReader("hello"), proxy.Document{Size: 5})
		if maxAge == 0 {
			require.NoError(t, client.CheckAge(t.Context()))
			require.NoError(t, err)
			require.Equal(t, proxy.Clean, verdict)
			continue
		}
		require.ErrorContains(t, client.CheckAge(t.Context()), "unknown")
		require.ErrorIs(t, err, bridge.NewError(bridge.CodeScannerOffline, ""))
		require.Equal(t, proxy.Unknown, verdict)
	}
}

func TestT32RealClamdWithDailyDatabase(t *testing.T) {
	d := clamdtest.StartDaily(t, clamdtest.Tuned, made)
	for name, c := range map[string]struct {
		after time.Duration
		want  proxy.Verdict
	}{
		"three days":      {3 * day, proxy.Clean},
		"a second longer": {3*day + time.Second, proxy.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			now := func() time.Time { return made.Add(c.after) }
			client, err := clamd.New(d.Socket, clamd.Options{MaxSize: clamdtest.MaxSize, MaxAge: 3 * day, Now: now})
			require.NoError(t, err)
			require.NoError(t, client.SelfTest(t.Context()))
			s, err := client.Signatures(t.Context())
			require.NoError(t, err)
			require.True(t, made.Equal(s.Made), "%s is not %s", s.Made, made)
			require.NotZero(t, s.Daily)
			verdict, err := client.Scan(t.Context(), strings.NewReader("hello"), proxy.Document{Size: 5})
			require.Equal(t, c.want, verdict, "%v", err)
		})
	}
}
