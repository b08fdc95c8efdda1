package token

import (
	"context"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// MinSecret is the least length of a shared secret, in bytes: that of the hash that it keys
// (RFC 7518, 3.2). The secret of the backend contract needs as much.
const MinSecret = 32

// Keys verify the signatures of tokens: a shared secret, or a key set. Each kind of key has its
// own algorithms, so that a public key can never be used as a secret.
type Keys struct {
	secret []byte
	set    *keySet
}

// Reload reads the key set again, within ten seconds. If it cannot be read, or has no usable key,
// the previous set stays in force. For a secret, Reload does nothing.
func (k Keys) Reload() error {
	if k.set == nil {
		return nil
	}
	return k.set.reload()
}

// Secret returns keys for HS256 tokens of a shared secret of at least [MinSecret] bytes.
func Secret(secret []byte) Keys { return Keys{secret: secret} }

func (k Keys) check() error {
	if k.set == nil && len(k.secret) < MinSecret {
		return fmt.Errorf("the token secret has %d bytes and needs at least %d", len(k.secret), MinSecret)
	}
	return nil
}

func (k Keys) methods() []string {
	if k.set == nil {
		return []string{jwt.SigningMethodHS256.Alg()}
	}
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// find returns the key that verifies t. In a set it is the key that the token names,
// if the key is for the token's algorithm.
func (k Keys) find(ctx context.Context, t *jwt.Token) (any, error) {
	if k.set == nil {
		return k.secret, nil
	}
	id, _ := t.Header["kid"].(string)
	if id == "" {
		return nil, errors.New("the token names no key")
	}
	found, err := k.set.keys().Storage().KeyRead(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("find the token's key: %w", err)
	}
	method, err := methodOf(found.Key(), found.Marshal().ALG.String(), found.Marshal().USE.String())
	if err != nil {
		return nil, err
	}
	if method != t.Method.Alg() {
		return nil, errors.New("the token's key is for " + method)
	}
	return found.Key(), nil
}
