package cli

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"attache/proxy/token"
)

// keyFlags say how tokens are verified.
type keyFlags struct {
	tokenSecret
	JWKS string `name:"jwks" help:"verify tokens with this key set (JWKS) instead: a file or an https URL" group:"tokens" placeholder:"FILE|URL"`
}

// tokenSecret is shared by the proxy and the application that issues tokens.
type tokenSecret struct {
	TokenSecret     string `xor:"secret" help:"secret that the application signs tokens with (HS256), at least 32 bytes" group:"tokens" placeholder:"TEXT"`
	TokenSecretFile string `xor:"secret" type:"path" help:"file with that secret" group:"tokens" placeholder:"FILE"`
}

// backendSecret is shared by the proxy and the backend.
type backendSecret struct {
	BackendSecret     string `xor:"backend" help:"secret that the proxy and the backend share, at least 32 bytes" group:"backend" placeholder:"TEXT"`
	BackendSecretFile string `xor:"backend" type:"path" help:"file with that secret" group:"backend" placeholder:"FILE"`
}

// read returns the secret from the flag or the file; empty if neither is given.
func (s tokenSecret) read() ([]byte, error) {
	if s.TokenSecretFile == "" {
		return []byte(s.TokenSecret), nil
	}
	text, err := os.ReadFile(s.TokenSecretFile)
	if err != nil {
		return nil, fmt.Errorf("read the token secret: %w", err)
	}
	return trimmed(text), nil
}

// flag names the flag that the secret came from.
func (s tokenSecret) flag() string {
	if s.TokenSecretFile != "" {
		return "--token-secret-file"
	}
	return "--token-secret"
}

func (f keyFlags) check(m *mistakes) {
	secret, err := f.read()
	switch {
	case err != nil || len(secret) > 0 && f.JWKS == "":
		m.secret(f.flag(), secret, err)
	case len(secret) > 0:
		m.add("a token secret and --jwks are both set: give the one that verifies your tokens")
	case f.JWKS == "" && f.TokenSecretFile != "":
		m.add("--token-secret-file %s is empty: it needs at least %d bytes", f.TokenSecretFile, token.MinSecret)
	case f.JWKS == "":
		m.add("no key to verify tokens with: give --token-secret-file or --jwks")
	default:
		m.addError("--jwks:", token.CheckSource(f.JWKS))
	}
}

func (f keyFlags) authenticator(ctx context.Context, log *slog.Logger) (*token.Authenticator, error) {
	if f.JWKS != "" {
		set, err := token.KeySet(ctx, f.JWKS, log)
		if err != nil {
			return nil, err
		}
		return token.NewAuthenticator(set)
	}
	secret, err := f.read()
	if err != nil {
		return nil, err
	}
	return token.NewAuthenticator(token.Secret(secret))
}

func (s backendSecret) check(m *mistakes) {
	if s.BackendSecretFile == "" && s.BackendSecret != strings.TrimSpace(s.BackendSecret) {
		m.secret("--backend-secret", []byte(s.BackendSecret), nil)
		return
	}
	if _, err := s.read(); err != nil {
		m.add("%w", err)
	}
}

func (s backendSecret) read() ([]byte, error) {
	secret := []byte(s.BackendSecret)
	if s.BackendSecretFile != "" {
		text, err := os.ReadFile(s.BackendSecretFile)
		if err != nil {
			return nil, fmt.Errorf("read the backend secret: %w", err)
		}
		secret = trimmed(text)
	}
	if len(secret) < token.MinSecret {
		return nil, fmt.Errorf("the backend secret has %d bytes and needs %d: give --backend-secret-file", len(secret), token.MinSecret)
	}
	return secret, nil
}

// trimmed returns the secret in a file: an editor ends the file with a line break, and
// on Windows may begin it with a byte order mark.
func trimmed(text []byte) []byte { return bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff"))) }
