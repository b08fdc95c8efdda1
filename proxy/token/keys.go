package token

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// minSecret is how long a shared secret is at least, in bytes: as long as the
// hash it feeds.
const minSecret = 32

// Keys says whose tokens are believed. One kind of key has one kind of
// algorithm, so that a public key can never be taken for a secret.
type Keys struct {
	secret []byte
	set    keyfunc.Keyfunc
}

// Secret believes HS256 tokens of a shared secret of at least 32 bytes.
func Secret(secret []byte) Keys { return Keys{secret: secret} }

// KeySet believes tokens signed by a key of a JSON Web Key Set: a file, or an
// https URL that is read now and again in the background until ctx ends.
func KeySet(ctx context.Context, source string) (Keys, error) {
	set, err := openSet(ctx, source)
	if err != nil {
		return Keys{}, fmt.Errorf("read key set %s: %w", source, err)
	}
	return Keys{set: set}, nil
}

func openSet(ctx context.Context, source string) (keyfunc.Keyfunc, error) {
	if strings.HasPrefix(source, "https://") {
		return keyfunc.NewDefaultCtx(ctx, []string{source})
	}
	text, err := os.ReadFile(source)
	if err != nil {
		return nil, err
	}
	return keyfunc.NewJWKSetJSON(text)
}

func (k Keys) check() error {
	if k.set == nil && len(k.secret) < minSecret {
		return fmt.Errorf("a token secret has at least %d bytes", minSecret)
	}
	return nil
}

func (k Keys) methods() []string {
	if k.set != nil {
		return []string{"EdDSA", "ES256", "ES384", "RS256", "PS256"}
	}
	return []string{"HS256"}
}

func (k Keys) find(t *jwt.Token) (any, error) {
	if k.set == nil {
		return k.secret, nil
	}
	if t.Header["kid"] == nil {
		return nil, errors.New("the token names no key")
	}
	return k.set.Keyfunc(t)
}
