package token_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"
)

var silent = slog.New(slog.DiscardHandler)

// The set is fetched again when a token names a new key, but not for every token that names an
// invented one.
func TestKeySet_FetchesUnknownKeysRarely(t *testing.T) {
	var served atomic.Pointer[[]byte]
	var fetches atomic.Int32
	publish := func(keys ...object) {
		text := keySetJSON(t, keys...)
		served.Store(&text)
	}
	publish(ecJWK("ec", &ecKey.PublicKey))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetches.Add(1)
		w.Write(*served.Load())
	}))
	defer server.Close()
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	keys, err := token.KeySet(ctx, server.URL, silent)
	require.NoError(t, err)
	a, err := token.NewAuthenticator(keys)
	require.NoError(t, err)
	_, err = a.Authenticate(ctx, sign(t, head("ES256", "ec"), good(), jwt.SigningMethodES256, ecKey))
	require.NoError(t, err)

	publish(ecJWK("ec", &ecKey.PublicKey), edJWK("new", edPublic))
	_, err = a.Authenticate(ctx, sign(t, head("EdDSA", "new"), good(), jwt.SigningMethodEdDSA, edKey))
	require.NoError(t, err)
	for range 20 {
		_, err = a.Authenticate(ctx, sign(t, head("EdDSA", "made up"), good(), jwt.SigningMethodEdDSA, edKey))
		require.Equal(t, bridge.CodeTokenInvalid, bridge.CodeOf(err))
	}
	require.EqualValues(t, 2, fetches.Load())
}

func TestKeySet_RefusesUselessSets(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	garbage := filepath.Join(t.TempDir(), "keys.json")
	require.NoError(t, os.WriteFile(garbage, []byte("BEGIN CERTIFICATE"), 0o600))
	away := httptest.NewServer(nil)
	away.Close()
	for name, source := range map[string]string{
		"no file":              filepath.Join(t.TempDir(), "missing.json"),
		"no JSON":              garbage,
		"no keys":              keySetFile(t),
		"a symmetric key":      keySetFile(t, object{"kid": "oct", "kty": "oct", "k": b64(secret)}),
		"a key for encryption": keySetFile(t, rsaJWK("enc", &rsaKey.PublicKey, object{"use": "enc"})),
		"a short key":          keySetFile(t, rsaJWK("small", &small.PublicKey, nil)),
		"plain http":           "http://keys.example/keys.json",
		"no server":            away.URL,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err := token.KeySet(ctx, source, silent)
			require.ErrorContains(t, err, "read key set")
		})
	}
}

func TestMint_NeedsASharedSecret(t *testing.T) {
	_, err := withKeySet(t).Mint(proxy.Identity{})
	require.ErrorContains(t, err, "shared secret")
}

// B68: Reload reads a key set again, and continues with the old one if the new one is broken.
func TestB68ReloadKeepsTheOldSetIfTheNewIsBroken(t *testing.T) {
	path := keySetFile(t, ecJWK("ec", &ecKey.PublicKey))
	keys, err := token.KeySet(t.Context(), path, silent)
	require.NoError(t, err)
	a, err := token.NewAuthenticator(keys)
	require.NoError(t, err)
	believes := func(signed string) bool {
		_, err := a.Authenticate(t.Context(), signed)
		return err == nil
	}
	old := sign(t, head("ES256", "ec"), good(), jwt.SigningMethodES256, ecKey)
	newer := sign(t, head("EdDSA", "new"), good(), jwt.SigningMethodEdDSA, edKey)
	require.NoError(t, os.WriteFile(path, keySetJSON(t, edJWK("new", edPublic)), 0o600))
	require.True(t, believes(old))
	require.False(t, believes(newer))
	require.NoError(t, a.Reload())
	require.False(t, believes(old), "a removed key is no longer accepted")
	require.True(t, believes(newer))
	for _, broken := range []string{"{", `{"keys":[]}`} {
		require.NoError(t, os.WriteFile(path, []byte(broken), 0o600))
		require.ErrorContains(t, a.Reload(), "read key set")
		require.True(t, believes(newer))
	}
	require.NoError(t, withSecret(t).Reload())
}
