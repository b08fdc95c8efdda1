package chat

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"time"

	"attache/bridge"
)

// keyHash is a secure key as the log has it. One round is enough, because keys are random.
type keyHash string

func hashKey(key string) keyHash {
	sum := sha256.Sum256([]byte(key))
	return keyHash(base64.RawStdEncoding.EncodeToString(sum[:]))
}

// is reports whether the hash is of that key. A party of an earlier release has no key.
func (h keyHash) is(key string) bool {
	return h != "" && subtle.ConstantTimeCompare([]byte(h), []byte(hashKey(key))) == 1
}

// olderKey is a key that another has replaced. A client may not have got the answer with the
// new one, or has made several requests at once, so it is accepted for some time.
type olderKey struct {
	hash  keyHash
	until int64 // milliseconds since 1970
}

const olderKeyTime = 5 * time.Minute

// rotate replaces a party's key by that of an attach entry, if it has one.
func (f *fold) rotate(e *logEntry) {
	if _, in := f.present[e.UserID]; !in || e.SecureKey == "" {
		return
	}
	older := slices.DeleteFunc(f.older[e.UserID], func(k olderKey) bool { return k.until <= e.At })
	f.older[e.UserID] = append(older, olderKey{f.secrets[e.UserID], e.At + olderKeyTime.Milliseconds()})
	f.secrets[e.UserID] = e.SecureKey
}

// hasKey reports whether key is the party's, or was a short time ago.
func (f *fold) hasKey(userID, key string, now int64) bool {
	return departure{secret: f.secrets[userID], older: f.older[userID]}.hasKey(key, now)
}

// hasKey reports whether key was the party's when it left, or a short time before.
func (d departure) hasKey(key string, now int64) bool {
	return d.secret.is(key) || slices.ContainsFunc(d.older, func(k olderKey) bool {
		return now < k.until && k.hash.is(key)
	})
}

// sessionPassword is a session's password as the log has it. Applications choose passwords, so
// a stolen log must not be worth guessing over.
type sessionPassword struct {
	Salt []byte `json:"salt"`
	Hash []byte `json:"hash"`
}

const (
	saltBytes      = 16
	passwordRounds = 50_000 // about 10 ms
)

// passwordGuess is a password that a party gives. It remembers its hash, because a decision
// is made again when another proxy was faster.
type passwordGuess struct {
	text string
	of   sessionPassword
}

// check returns the password of a session: the one it has, or for a new session, which has
// none, the guess.
func (g *passwordGuess) check(has *sessionPassword, begun bool) (*sessionPassword, error) {
	switch {
	case begun && has == nil:
		return nil, nil // it began before passwords were enforced
	case g.text == "":
		return nil, bridge.NewError(bridge.CodePassword, "a chat session has a password here, and none was given")
	case !begun:
		g.hash(nil)
		of := g.of
		return &of, nil
	}
	g.hash(has.Salt)
	if subtle.ConstantTimeCompare(g.of.Hash, has.Hash) != 1 {
		return nil, bridge.NewError(bridge.CodePassword, "")
	}
	return nil, nil
}

// hash computes the guess's hash with that salt; nil is a fresh one.
func (g *passwordGuess) hash(salt []byte) {
	if g.of.Salt != nil && (salt == nil || string(salt) == string(g.of.Salt)) {
		return
	}
	if salt == nil {
		salt = make([]byte, saltBytes)
		rand.Read(salt)
	}
	hash, err := pbkdf2.Key(sha256.New, g.text, salt, passwordRounds, sha256.Size)
	if err != nil {
		panic(err) // only for parameters that FIPS 140 does not allow
	}
	g.of = sessionPassword{salt, hash}
}
