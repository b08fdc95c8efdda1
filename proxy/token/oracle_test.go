package token_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy/token"

	"github.com/stretchr/testify/require"
)

// change is one change of a token, and whether the token must still be accepted.
type change struct {
	key      string
	value    any // nil: the member is removed
	believed bool
}

// changesOf returns changes of the header or the claims for which the oracle knows the result. Times
// stay away from the bounds of the leeway.
func changesOf(now time.Time) (header, claims []change) {
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	header = []change{
		{"alg", "none", false}, {"alg", "None", false}, {"alg", "HS384", false}, {"alg", "HS512", false}, {"alg", "RS256", false}, {"alg", "", false}, {"alg", nil, false}, {"alg", 256, false},
		{"crit", []string{"exp"}, false}, {"crit", []string{}, false}, {"crit", nil, true},
		{"kid", "../../dev/null", true}, {"typ", "JWT", true}, {"typ", nil, true}, {"typ", "at+jwt", true}, {"jku", "https://evil.example", true}, {"x", 1, true},
	}
	claims = []change{
		{"exp", at(time.Hour), true}, {"exp", at(time.Minute), true}, {"exp", at(-time.Hour), false}, {"exp", nil, false}, {"exp", "soon", false}, {"exp", 0, false}, {"exp", -1, false},
		{"exp", int64(253402300799), true}, {"exp", int64(1)<<53 - 1, true}, {"exp", []int{1}, false}, {"exp", float64(at(time.Hour)) + 0.5, true},
		{"nbf", at(-time.Hour), true}, {"nbf", at(time.Hour), false}, {"nbf", 1e308, false}, {"nbf", "x", false}, {"nbf", nil, true}, {"nbf", 0, true},
		{"iat", at(time.Hour), true}, {"iat", at(-time.Hour), true}, {"iat", "x", false},
		{"aud", "attache", true}, {"aud", []string{"other", "attache"}, true}, {"aud", "Attache", false}, {"aud", "attache ", false}, {"aud", "attache-file", false}, {"aud", nil, false}, {"aud", 7, false}, {"aud", []string{}, false},
		{"sub", "u2", true}, {"sub", "", false}, {"sub", nil, false}, {"sub", 7, false}, {"sub", strings.Repeat("u", 65), false}, {"sub", "a\nb", false}, {"sub", "..", false},
		{"session", "other_session-1", true}, {"session", "", false}, {"session", "a b", false}, {"session", "a.b", false}, {"session", "a>", false}, {"session", strings.Repeat("s", 65), false}, {"session", nil, false}, {"session", []string{"s"}, false},
		{"user_type", "CLIENT", true}, {"user_type", "client", false}, {"user_type", "ROOT", false}, {"user_type", nil, false}, {"user_type", 1, false},
		{"rights", []string{}, true}, {"rights", []string{"later"}, true}, {"rights", nil, true}, {"rights", "chat", false}, {"rights", []int{1}, false},
		{"nickname", "Kim", true}, {"nickname", "", true}, {"nickname", "a\x00", false}, {"nickname", 7, false},
		{"visibility", "ALL", true}, {"visibility", "all", false}, {"visibility", 1, false},
		{"client_version", 101, true}, {"client_version", 1, false}, {"client_version", "106", false}, {"client_version", -1, false},
		{"iss", "anybody", true}, {"jti", "1", true}, {"admin", true, true},
	}
	return header, claims
}

// TestT4OracleOfTokens makes tokens and knows which are valid; the proxy must agree.
func TestT4OracleOfTokens(t *testing.T) {
	a := must(token.NewAuthenticator(token.Secret(secret)))
	n, err := strconv.Atoi(os.Getenv("ATTACHE_HOSTILE"))
	if err != nil {
		n = 3000
	}
	r := rand.New(rand.NewPCG(4, 1))
	now := time.Now()
	headers, claimed := changesOf(now)
	good := 0
	for range n {
		believed, did := true, []change{}
		head := object{"alg": "HS256"}
		body := object{"aud": "attache", "sub": "agent-7", "session": "s1", "user_type": "AGENT", "rights": []string{"chat"}, "exp": now.Add(time.Hour).Unix()}
		apply := func(to object, c change) {
			for _, before := range did {
				if before.key == c.key {
					return // one change a member
				}
			}
			did = append(did, c)
			to[c.key] = c.value
			if c.value == nil {
				delete(to, c.key)
			}
			believed = believed && c.believed
		}
		for range r.IntN(2) {
			apply(head, headers[r.IntN(len(headers))])
		}
		for range r.IntN(3) {
			apply(body, claimed[r.IntN(len(claimed))])
		}
		text := b64(must(json.Marshal(head))) + "." + b64(must(json.Marshal(body)))
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(text))
		signed, kept := sealed(r, text, mac.Sum(nil))
		_, err := a.Authenticate(t.Context(), signed)
		require.Equal(t, believed && kept, err == nil, "%s\nchanges %v, signature kept %v: %v", signed, did, kept, err)
		if err == nil {
			good++
			continue
		}
		require.Contains(t, []bridge.Code{bridge.CodeTokenInvalid, bridge.CodeTokenExpired, bridge.CodeTokenEarly}, bridge.CodeOf(err))
	}
	require.Positive(t, good)
}

// sealed returns the token with its signature, or with a wrong one.
func sealed(r *rand.Rand, text string, mac []byte) (signed string, kept bool) {
	switch whole := text + "." + b64(mac); r.IntN(14) {
	case 0:
		return text + ".", false
	case 1:
		mac[r.IntN(len(mac))] ^= 1 << r.IntN(8)
		return text + "." + b64(mac), false
	case 2:
		return whole + "=", false
	case 3:
		return whole + "." + b64(mac), false
	case 4:
		return text, false
	case 5:
		return " " + whole, false
	case 6:
		i := r.IntN(len(text))
		if text[i] == '.' || text[i] == 'A' {
			return whole, true
		}
		return text[:i] + "A" + text[i+1:] + "." + b64(mac), false
	case 7:
		return whole + strings.Repeat("A", 4096), false
	case 8:
		return text + "." + b64(mac[:16]), false
	default:
		return whole, true
	}
}
