package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// writePair writes a certificate that is valid between the two times, and its key.
func writePair(t *testing.T, begins, ends time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: begins, NotAfter: ends}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	der2, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der2}), 0o600))
	return cert, key
}

// B68: browsers refuse an expired certificate without reporting it, so the log has to.
func TestB68ExpiredCertificateIsLogged(t *testing.T) {
	now, day := time.Now(), 24*time.Hour
	for name, c := range map[string]struct {
		begins, ends time.Duration
		says         string
	}{
		"good":          {-day, 30 * day, ""},
		"expires soon":  {-day, 2 * day, "expires soon"},
		"expired":       {-3 * day, -2 * day, "has expired"},
		"not valid yet": {2 * day, 60 * day, "not valid yet"},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			cert, key := writePair(t, now.Add(c.begins), now.Add(c.ends))
			pair, err := openCertificate(cert, key, slog.New(slog.NewTextHandler(&log, nil)))
			require.NoError(t, err)
			for range 3 {
				_, err := pair.config().GetCertificate(nil)
				require.NoError(t, err)
			}
			if c.says == "" {
				require.Empty(t, log.String())
				pair.checkDates(now.Add(40 * day))
				require.Contains(t, log.String(), "has expired", "while it is in use")
				return
			}
			require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
			require.Contains(t, log.String(), c.says)
			pair.checkDates(now.Add(day + time.Minute))
			require.Equal(t, 2, strings.Count(log.String(), "\n"), "the next day")
		})
	}
}

// B66: what an editor adds around a secret is not part of it.
func TestB66SecretFileIsTrimmed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	for _, text := range []string{longSecret, longSecret + "\n", longSecret + "\r\n", "\ufeff" + longSecret + "\r\n"} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		got, err := tokenSecret{TokenSecretFile: file}.read()
		require.NoError(t, err)
		require.Equal(t, longSecret, string(got))
		got, err = backendSecret{BackendSecretFile: file}.read()
		require.NoError(t, err)
		require.Equal(t, longSecret, string(got))
	}
}
