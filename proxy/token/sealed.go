package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// A ticket is part of a URL that a customer's page gets, and customers are not shown documents'
// ids. So the id is encrypted in it, by AES-256-GCM. Each ticket has a key of its own, derived
// by HKDF from the proxies' secret and a random salt: no nonce can be used twice, however many
// tickets are made, and the key has nothing in common with that of the signature.
const (
	sealSalt = 16
	sealInfo = "attache ticket: document id"
)

// sealDocument returns the salt, and the id encrypted with the key of that salt.
func sealDocument(secret []byte, id string) ([]byte, error) {
	salt := make([]byte, sealSalt)
	rand.Read(salt)
	seal, err := sealOf(secret, salt)
	if err != nil {
		return nil, fmt.Errorf("encrypt the document's id: %w", err)
	}
	return seal.Seal(salt, make([]byte, seal.NonceSize()), []byte(id), nil), nil
}

func openDocument(secret, sealed []byte) (string, error) {
	if len(sealed) < sealSalt {
		return "", errors.New("decrypt the document's id: it is too short")
	}
	seal, err := sealOf(secret, sealed[:sealSalt])
	if err != nil {
		return "", fmt.Errorf("decrypt the document's id: %w", err)
	}
	id, err := seal.Open(nil, make([]byte, seal.NonceSize()), sealed[sealSalt:], nil)
	if err != nil {
		return "", fmt.Errorf("decrypt the document's id: %w", err)
	}
	return string(id), nil
}

func sealOf(secret, salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, secret, salt, sealInfo, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
