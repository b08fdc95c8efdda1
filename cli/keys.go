package cli

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"

	"attache/proxy/token"
)

// keyFlags say who signs the tokens.
type keyFlags struct {
	secretFlags
	JWKS string `name:"jwks" help:"key set (JWKS) for the tokens instead: a file or an https URL" group:"tokens" placeholder:"FILE|URL"`
}

// secretFlags name the secret that the tokens' maker and the proxy share.
type secretFlags struct {
	TokenSecret     string `xor:"secret" help:"shared secret of the tokens, at least 32 bytes" group:"tokens" placeholder:"TEXT"`
	TokenSecretFile string `xor:"secret" type:"existingfile" help:"file with that secret" group:"tokens"`
}

// secret is the shared secret, from wherever it was given; nil without one.
func (k secretFlags) secret() ([]byte, error) {
	if k.TokenSecretFile == "" {
		return []byte(k.TokenSecret), nil
	}
	text, err := os.ReadFile(k.TokenSecretFile)
	if err != nil {
		return nil, fmt.Errorf("read the token secret: %w", err)
	}
	return trimmed(text), nil
}

func (k keyFlags) check(m *mistakes) {
	secret, err := k.secret()
	switch {
	case err != nil || len(secret) > 0 && k.JWKS == "":
		m.secret(k.flag(), secret, err)
	case len(secret) > 0:
		m.add("give either a token secret or --jwks: one of them says who signs the tokens")
	case k.JWKS == "" && k.TokenSecretFile != "":
		m.add("--token-secret-file %s is empty: it needs at least %d bytes", k.TokenSecretFile, minSecret)
	case k.JWKS == "":
		m.add("who signs the tokens? give --token-secret-file or --jwks")
	default:
		m.addError("--jwks:", token.CheckSource(k.JWKS))
	}
}

// flag is the one that the secret was given by.
func (k secretFlags) flag() string {
	if k.TokenSecretFile != "" {
		return "--token-secret-file"
	}
	return "--token-secret"
}

func (k keyFlags) authenticator(ctx context.Context, log *slog.Logger) (*token.Authenticator, error) {
	if k.JWKS != "" {
		set, err := token.KeySet(ctx, k.JWKS, log)
		if err != nil {
			return nil, err
		}
		return token.NewAuthenticator(set)
	}
	secret, err := k.secret()
	if err != nil {
		return nil, err
	}
	return token.NewAuthenticator(token.Secret(secret))
}

// trimmed returns a secret as its file means it: an editor ends the file with a line break,
// and on Windows may begin it with a byte order mark.
func trimmed(text []byte) []byte { return bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff"))) }
