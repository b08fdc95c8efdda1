package token_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/token"
)

// An application's keys, generated once because that is slow.
var (
	rsaKey, _          = rsa.GenerateKey(rand.Reader, 2048)
	otherRSA, _        = rsa.GenerateKey(rand.Reader, 2048)
	ecKey, _           = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	edPublic, edKey, _ = ed25519.GenerateKey(rand.Reader)
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func rsaJWK(id string, k *rsa.PublicKey, more object) object {
	return merge(object{"kid": id, "kty": "RSA", "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}, more)
}

func ecJWK(id string, k *ecdsa.PublicKey) object {
	point := must(k.Bytes()) // 4, then both coordinates
	return object{"kid": id, "kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
}

func edJWK(id string, k ed25519.PublicKey) object {
	return object{"kid": id, "kty": "OKP", "crv": "Ed25519", "x": b64(k)}
}

func merge(a, b object) object {
	for k, v := range b {
		a[k] = v
	}
	return a
}

func keySetJSON(t *testing.T, keys ...object) []byte {
	t.Helper()
	text, err := json.Marshal(object{"keys": keys})
	require.NoError(t, err)
	return text
}

func keySetFile(t *testing.T, keys ...object) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.json")
	require.NoError(t, os.WriteFile(path, keySetJSON(t, keys...), 0o600))
	return path
}

// withKeySet accepts an RSA key (by default RS256), one for PS256, an EC and an Ed25519 key. Its set
// also has an encryption key and a symmetric one, which must not verify tokens.
func withKeySet(t *testing.T) *token.Authenticator {
	t.Helper()
	keys, err := token.KeySet(t.Context(), keySetFile(t,
		rsaJWK("rsa", &rsaKey.PublicKey, nil),
		rsaJWK("pss", &rsaKey.PublicKey, object{"alg": "PS256", "use": "sig"}),
		ecJWK("ec", &ecKey.PublicKey),
		edJWK("ed", edPublic),
		rsaJWK("enc", &rsaKey.PublicKey, object{"use": "enc"}),
		object{"kid": "oct", "kty": "oct", "k": b64(secret)},
	), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	a, err := token.NewAuthenticator(keys)
	require.NoError(t, err)
	return a
}

func head(alg, kid string) object { return object{"alg": alg, "typ": "JWT", "kid": kid} }

func TestAuthenticate_AcceptsKeySetTokens(t *testing.T) {
	a := withKeySet(t)
	for name, signed := range map[string]string{
		"RS256": sign(t, head("RS256", "rsa"), good(), jwt.SigningMethodRS256, rsaKey),
		"PS256": sign(t, head("PS256", "pss"), good(), jwt.SigningMethodPS256, rsaKey),
		"ES256": sign(t, head("ES256", "ec"), good(), jwt.SigningMethodES256, ecKey),
		"EdDSA": sign(t, head("EdDSA", "ed"), good(), jwt.SigningMethodEdDSA, edKey),
	} {
		t.Run(name, func(t *testing.T) {
			who, err := a.Authenticate(t.Context(), signed)
			require.NoError(t, err)
			require.Equal(t, "agent-7", who.Party.UserID)
		})
	}
}

// TestT4Forgeries tries tokens that are forged, for another audience or for another time. None is
// accepted, with either kind of keys.
func TestT4Forgeries(t *testing.T) {
	now := time.Now()
	hour := now.Add(time.Hour).Unix()
	fine := hs256(t, good())
	parts := strings.Split(fine, ".")
	none := func(alg string) string { return part(object{"alg": alg, "typ": "JWT"}) + "." + part(good()) + "." }
	rsaPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(&rsaKey.PublicKey))})
	rsaDER := x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)
	embedded := object{"alg": "RS256", "kid": "mine", "jwk": rsaJWK("mine", &otherRSA.PublicKey, nil)}
	ticket, err := token.NewTickets(secret).Sign(grant(now.Add(time.Hour)))
	require.NoError(t, err)

	forgeries := map[string]string{
		// Empty, and not a token at all.
		"empty":                   "",
		"a word":                  "token",
		"two dots":                "..",
		"four parts":              fine + "." + parts[2],
		"two parts":               parts[0] + "." + parts[1],
		"another alphabet":        strings.NewReplacer("-", "+", "_", "/").Replace(parts[0]) + "." + parts[1] + "." + parts[2] + "==",
		"blanks around":           " " + fine + " ",
		"a line end inside":       parts[0] + ".\n" + parts[1] + "." + parts[2],
		"Bearer in front":         "Bearer " + fine,
		"no JSON in the header":   part("{") + "." + parts[1] + "." + parts[2],
		"no object in the header": part("[]") + "." + parts[1] + "." + parts[2],
		"no JSON in the claims":   hs256(t, "{"),
		"null for claims":         hs256(t, "null"),
		"a list for claims":       hs256(t, "[]"),
		"Chat Server's own id":    hs256(t, with(object{"sub": "chat-server"})),
		"huge":                    hs256(t, with(object{"nickname": strings.Repeat("x", 1<<20)})),
		"deep":                    hs256(t, strings.Repeat("[", 1500)),

		// No signature, or a wrong one.
		"alg none":                 none("none"),
		"alg None":                 none("None"),
		"alg NONE":                 none("NONE"),
		"alg none, our signature":  part(object{"alg": "none"}) + "." + parts[1] + "." + parts[2],
		"no alg":                   sign(t, object{"typ": "JWT"}, good(), jwt.SigningMethodHS256, secret),
		"alg is a number":          sign(t, object{"alg": 256}, good(), jwt.SigningMethodHS256, secret),
		"alg unheard of":           sign(t, object{"alg": "HS1"}, good(), jwt.SigningMethodHS256, secret),
		"no signature":             parts[0] + "." + parts[1] + ".",
		"a bit turned":             parts[0] + "." + parts[1] + "." + flipped(parts[2]),
		"half the signature":       parts[0] + "." + parts[1] + "." + parts[2][:20],
		"other claims signed":      parts[0] + "." + part(with(object{"sub": "admin"})) + "." + parts[2],
		"another secret":           sign(t, head("HS256", ""), good(), jwt.SigningMethodHS256, []byte(strings.Repeat("y", 32))),
		"an empty secret":          sign(t, head("HS256", ""), good(), jwt.SigningMethodHS256, []byte{}),
		"HS384 with our secret":    sign(t, head("HS384", ""), good(), jwt.SigningMethodHS384, secret),
		"HS512 with our secret":    sign(t, head("HS512", ""), good(), jwt.SigningMethodHS512, secret),
		"critical extensions":      sign(t, object{"alg": "HS256", "crit": []string{"b64"}, "b64": false}, good(), jwt.SigningMethodHS256, secret),
		"critical extensions, RSA": sign(t, object{"alg": "RS256", "kid": "rsa", "crit": []string{"x"}}, good(), jwt.SigningMethodRS256, rsaKey),

		// Algorithms and keys confused.
		"HS256 with the public key, PEM":      sign(t, head("HS256", "rsa"), good(), jwt.SigningMethodHS256, rsaPEM),
		"HS256 with the public key, DER":      sign(t, head("HS256", "rsa"), good(), jwt.SigningMethodHS256, rsaDER),
		"HS256 with the public key's modulus": sign(t, head("HS256", "rsa"), good(), jwt.SigningMethodHS256, rsaKey.N.Bytes()),
		"HS256 with the set's symmetric key":  sign(t, head("HS256", "oct"), good(), jwt.SigningMethodHS256, []byte(b64(secret))),
		"PS256 with a key for RS256":          sign(t, head("PS256", "rsa"), good(), jwt.SigningMethodPS256, rsaKey),
		"RS256 with a key for PS256":          sign(t, head("RS256", "pss"), good(), jwt.SigningMethodRS256, rsaKey),
		"RS512 with a key for RS256":          sign(t, head("RS512", "rsa"), good(), jwt.SigningMethodRS512, rsaKey),
		"RS256 with a key for encryption":     sign(t, head("RS256", "enc"), good(), jwt.SigningMethodRS256, rsaKey),
		"RS256, says ES256":                   sign(t, head("ES256", "rsa"), good(), jwt.SigningMethodRS256, rsaKey),
		"RS256 with the EC key's id":          sign(t, head("RS256", "ec"), good(), jwt.SigningMethodRS256, rsaKey),
		"RS256 with a key of its own":         sign(t, embedded, good(), jwt.SigningMethodRS256, otherRSA),
		"RS256 with a key from its own URL":   sign(t, object{"alg": "RS256", "kid": "rsa", "jku": "https://evil.example/keys"}, good(), jwt.SigningMethodRS256, otherRSA),
		"RS256 with a stranger's key":         sign(t, head("RS256", "rsa"), good(), jwt.SigningMethodRS256, otherRSA),

		// The key's id as a path, a URL or a query.
		"kid is missing":  sign(t, object{"alg": "RS256"}, good(), jwt.SigningMethodRS256, rsaKey),
		"kid is empty":    sign(t, head("RS256", ""), good(), jwt.SigningMethodRS256, rsaKey),
		"kid is unknown":  sign(t, head("RS256", "rsa2"), good(), jwt.SigningMethodRS256, rsaKey),
		"kid is a path":   sign(t, head("HS256", "../../../../dev/null"), good(), jwt.SigningMethodHS256, []byte{}),
		"kid is a file":   sign(t, head("RS256", "/proc/self/environ"), good(), jwt.SigningMethodRS256, rsaKey),
		"kid is a URL":    sign(t, head("RS256", "https://evil.example/key"), good(), jwt.SigningMethodRS256, otherRSA),
		"kid is a query":  sign(t, head("RS256", "x' UNION SELECT 'a"), good(), jwt.SigningMethodRS256, rsaKey),
		"kid is a number": sign(t, object{"alg": "RS256", "kid": 1}, good(), jwt.SigningMethodRS256, rsaKey),
		"kid is a list":   sign(t, object{"alg": "RS256", "kid": []string{"rsa"}}, good(), jwt.SigningMethodRS256, rsaKey),

		// Correctly signed, but for another audience or time, or without a party.
		"exp is missing":           hs256(t, with(object{"exp": nil})),
		"exp is null":              hs256(t, `{"exp":null,`+claimsText(t, with(object{"exp": nil}))[1:]),
		"exp is zero":              hs256(t, with(object{"exp": 0})),
		"exp is negative":          hs256(t, with(object{"exp": -1})),
		"exp is text":              hs256(t, with(object{"exp": "tomorrow"})),
		"exp is a list":            hs256(t, with(object{"exp": []int64{hour}})),
		"expired":                  hs256(t, with(object{"exp": now.Add(-time.Hour).Unix()})),
		"not valid yet":            hs256(t, with(object{"nbf": hour})),
		"exp is a number as text":  hs256(t, with(object{"exp": "1e"})),
		"L8 never valid":           hs256(t, strings.Replace(claimsText(t, with(object{"nbf": "NBF"})), `"NBF"`, "1e308", 1)),
		"L8 never valid, beyond":   hs256(t, strings.Replace(claimsText(t, with(object{"nbf": "NBF"})), `"NBF"`, "1e999", 1)),
		"exp before time":          hs256(t, strings.Replace(claimsText(t, with(object{"exp": "EXP"})), `"EXP"`, "-1e308", 1)),
		"aud is missing":           hs256(t, with(object{"aud": nil})),
		"aud is empty":             hs256(t, with(object{"aud": ""})),
		"aud is an empty list":     hs256(t, with(object{"aud": []string{}})),
		"aud is another":           hs256(t, with(object{"aud": "crm"})),
		"aud is longer":            hs256(t, with(object{"aud": "attache2"})),
		"aud in capitals":          hs256(t, with(object{"aud": "ATTACHE"})),
		"a ticket":                 ticket,
		"a ticket with all claims": hs256(t, with(object{"aud": "attache-file"})),
		"sub is missing":           hs256(t, with(object{"sub": nil})),
		"sub is empty":             hs256(t, with(object{"sub": ""})),
		"sub is a number":          hs256(t, with(object{"sub": 7})),
		"sub has a line end":       hs256(t, with(object{"sub": "a\nb"})),
		"sub is long":              hs256(t, with(object{"sub": strings.Repeat("x", 65)})),
		"session is missing":       hs256(t, with(object{"session": nil})),
		"session is empty":         hs256(t, with(object{"session": ""})),
		"session is a pattern":     hs256(t, with(object{"session": "*"})),
		"session has a dot":        hs256(t, with(object{"session": "chat.1"})),
		"session is a path":        hs256(t, with(object{"session": "../1"})),
		"session is long":          hs256(t, with(object{"session": strings.Repeat("x", 65)})),
		"session is a list":        hs256(t, with(object{"session": []string{"chat-1"}})),
		"user type is missing":     hs256(t, with(object{"user_type": nil})),
		"user type unheard of":     hs256(t, with(object{"user_type": "ROOT"})),
		"user type in small":       hs256(t, with(object{"user_type": "agent"})),
		"visibility unheard of":    hs256(t, with(object{"visibility": "NONE"})),
		"a customer unseen":        hs256(t, with(object{"user_type": "CLIENT", "visibility": "INT"})),
		"a version too old":        hs256(t, with(object{"client_version": 99})),
		"a version of text":        hs256(t, with(object{"client_version": "106"})),
		"rights are text":          hs256(t, with(object{"rights": "download"})),
	}
	require.GreaterOrEqual(t, len(forgeries), 60)
	for keys, a := range map[string]*token.Authenticator{"secret": withSecret(t), "key set": withKeySet(t)} {
		for name, forged := range forgeries {
			t.Run(keys+"/"+name, func(t *testing.T) {
				who, err := a.Authenticate(t.Context(), forged)
				require.Error(t, err)
				require.Empty(t, who)
				require.Contains(t, []bridge.Code{bridge.CodeTokenInvalid, bridge.CodeTokenExpired}, bridge.CodeOf(err))
				require.NotContains(t, bridge.AsError(err).Message, "sign", "a page does not learn why it failed")
			})
		}
	}
	// Apart from the named forgery each of them is valid.
	_, err = withSecret(t).Authenticate(t.Context(), fine)
	require.NoError(t, err)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func claimsText(t *testing.T, c object) string {
	t.Helper()
	text, err := json.Marshal(c)
	require.NoError(t, err)
	return string(text)
}

// flipped changes one bit of a base64 text's first byte.
func flipped(s string) string {
	b := must(base64.RawURLEncoding.DecodeString(s))
	b[0] ^= 1
	return b64(b)
}

func FuzzAuthenticate(f *testing.F) {
	a := must(token.NewAuthenticator(token.Secret(secret)))
	// It is the same in every fuzzing process.
	text := part(object{"alg": "HS256"}) + "." + part(with(object{"exp": 4102444800}))
	signed := text + "." + b64(must(jwt.SigningMethodHS256.Sign(text, secret)))
	f.Add(signed)
	f.Add("..")
	f.Add(strings.Replace(signed, ".", "..", 1))
	f.Fuzz(func(t *testing.T, s string) {
		_, err := a.Authenticate(t.Context(), s)
		require.Equal(t, s == signed, err == nil)
	})
}
