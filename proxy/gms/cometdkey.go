package gms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"attache/bridge"
)

// keySeal makes the secure keys of CometD, where the key alone names the party (user id and alias
// are optional, as clients show): a sealed note of session, user and the party's own key. Every
// proxy with the same secret can open it, and nothing is stored.
type keySeal struct{ aead cipher.AEAD }

// keyContents is what a key says, in few bytes.
type keyContents struct {
	Session string `json:"s"`
	UserID  string `json:"u"`
	Key     string `json:"k"`
}

func newKeySeal(secret []byte) (*keySeal, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "attache gms secure key", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &keySeal{aead}, err
}

// keyText writes a key with letters that a form and a header leave alone. It is strict, so that a
// key has one form only.
var keyText = base64.RawURLEncoding.Strict()

// seal returns the key of a party.
func (k *keySeal) seal(c keyContents) string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // three strings
	}
	return keyText.EncodeToString(k.aead.Seal(nil, nil, text, nil))
}

// open returns what a key says; false if it is not one of ours, such as a key of REST.
func (k *keySeal) open(key string) (c keyContents, ok bool) {
	sealed, err := keyText.DecodeString(key)
	if err != nil {
		return c, false
	}
	text, err := k.aead.Open(nil, nil, sealed, nil)
	return c, err == nil && json.Unmarshal(text, &c) == nil
}

// identify completes a call whose secure key names its party. What the call says itself must not
// contradict it. A key of REST is left as it is: the call then names session and user.
func (k *keySeal) identify(c *Call) error {
	says, ok := k.open(c.SecureKey)
	if !ok {
		if c.ChatID == "" || c.UserID == "" {
			return bridge.NewError(bridge.CodeSecureKey, "")
		}
		return nil
	}
	if c.ChatID != "" && c.ChatID != says.Session || c.UserID != "" && c.UserID != says.UserID {
		return bridge.NewError(bridge.CodeSecureKey, "it is the key of another party")
	}
	c.ChatID, c.UserID, c.SecureKey = says.Session, says.UserID, says.Key
	return nil
}

// of returns a reply with the party's key as CometD has it.
func (k *keySeal) of(r Reply) Reply {
	if r.SecureKey != "" {
		r.SecureKey = k.seal(keyContents{r.ChatID, r.UserID, r.SecureKey})
	}
	return r
}
