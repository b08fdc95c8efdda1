package upstream

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"

	"attache/proxy/engine"
)

// seal encrypts what would let its reader act as a customer, with a key that all proxies on the
// engine share.
type seal struct{ aead cipher.AEAD }

func openSeal(ctx context.Context, e *engine.Engine) (*seal, error) {
	key, err := e.Secret(ctx, "gms")
	if err != nil {
		return nil, fmt.Errorf("read the secret for the chats of GMS: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &seal{aead}, nil
}

// close encrypts; the subject is authenticated, so that no chat passes as another's.
func (s *seal) close(subject string, plain []byte) []byte {
	return s.aead.Seal(nil, nil, plain, []byte(subject))
}

func (s *seal) open(subject string, sealed []byte) ([]byte, error) {
	plain, err := s.aead.Open(nil, nil, sealed, []byte(subject))
	if err != nil {
		return nil, errors.New("the identity of a chat was sealed by another secret")
	}
	return plain, nil
}
