package token_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var secret = []byte("0123456789abcdef0123456789abcdef")

type object = map[string]any

// good returns the claims of a valid token.
func good() object {
	return object{
		"aud": "attache", "sub": "agent-7", "session": "chat-1", "user_type": "AGENT", "nickname": "Kim",
		"rights": []string{"chat", "download"}, "exp": time.Now().Add(time.Hour).Unix(),
	}
}

// with returns the good claims with changes; nil removes a claim.
func with(changes object) object {
	c := good()
	maps.Copy(c, changes)
	for k, v := range c {
		if v == nil {
			delete(c, k)
		}
	}
	return c
}

func part(v any) string {
	text, ok := v.(string)
	if !ok {
		b, _ := json.Marshal(v)
		text = string(b)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// sign makes a token from any header and claims; a string is used unchanged.
func sign(t *testing.T, header, claims any, method jwt.SigningMethod, key any) string {
	t.Helper()
	text := part(header) + "." + part(claims)
	signature, err := method.Sign(text, key)
	require.NoError(t, err)
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func hs256(t *testing.T, claims any) string {
	t.Helper()
	return sign(t, object{"alg": "HS256", "typ": "JWT"}, claims, jwt.SigningMethodHS256, secret)
}

func withSecret(t *testing.T) *token.Authenticator {
	t.Helper()
	a, err := token.NewAuthenticator(token.Secret(secret))
	require.NoError(t, err)
	return a
}

func TestMint_MakesAnAcceptedToken(t *testing.T) {
	who := proxy.Identity{
		Session: "chat-1",
		Party: bridge.Party{
			UserID: "agent-7", Nickname: "Kim", UserType: bridge.Agent, Visibility: bridge.Internal, ClientVersion: 104,
		},
		Rights:  bridge.Rights{bridge.RightChat, bridge.RightDownload},
		Expires: time.Now().Add(time.Hour).Truncate(time.Second),
	}
	a := withSecret(t)
	signed, err := a.Mint(who)
	require.NoError(t, err)
	got, err := a.Authenticate(t.Context(), signed)
	require.NoError(t, err)
	require.Equal(t, who, got)
}

func TestMint_RefusesAnInvalidIdentity(t *testing.T) {
	fine := proxy.Identity{Session: "chat-1", Party: bridge.Party{UserID: "u", UserType: bridge.Client}, Expires: time.Now().Add(time.Hour)}
	for name, spoil := range map[string]func(*proxy.Identity){
		"no session":                        func(who *proxy.Identity) { who.Session = "" },
		"no user":                           func(who *proxy.Identity) { who.Party.UserID = "" },
		"no user type":                      func(who *proxy.Identity) { who.Party.UserType = "" },
		"a customer who would watch unseen": func(who *proxy.Identity) { who.Party.Visibility = bridge.Vip },
	} {
		t.Run(name, func(t *testing.T) {
			who := fine
			_, err := withSecret(t).Mint(who)
			require.NoError(t, err)
			spoil(&who)
			_, err = withSecret(t).Mint(who)
			require.Error(t, err)
		})
	}
}

func TestAuthenticate_AcceptsValidTokens(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]object{
		"as it should be":                good(),
		"several audiences":              with(object{"aud": []string{"other", "attache"}}),
		"expired within the leeway":      with(object{"exp": now.Add(-20 * time.Second).Unix()}),
		"a fraction of a second":         with(object{"exp": float64(now.Add(time.Hour).Unix()) + 0.5}),
		"valid since just now":           with(object{"nbf": now.Unix(), "iat": now.Unix()}),
		"a clock that is ahead a little": with(object{"nbf": now.Add(20 * time.Second).Unix(), "iat": now.Add(20 * time.Second).Unix()}),
		"no nickname":                    with(object{"nickname": nil}),
		"no rights":                      with(object{"rights": nil}),
		"a right of a later release":     with(object{"rights": []string{"fly"}}),
		"other claims":                   with(object{"iss": "crm", "tenant": 7}),
	} {
		t.Run(name, func(t *testing.T) {
			who, err := withSecret(t).Authenticate(t.Context(), hs256(t, c))
			require.NoError(t, err)
			require.Equal(t, "chat-1", who.Session)
			require.Equal(t, "agent-7", who.Party.UserID)
			require.Equal(t, bridge.All, who.Party.Visibility)
			require.Zero(t, who.Party.ClientVersion, "the page may name one")
		})
	}
}

func TestAuthenticate_ExpiredOnlyIfNothingElseIsWrong(t *testing.T) {
	past := time.Now().Add(-time.Hour).Unix()
	for name, c := range map[string]struct {
		claims object
		code   bridge.Code
	}{
		"only expired":              {with(object{"exp": past}), bridge.CodeTokenExpired},
		"just over the leeway":      {with(object{"exp": time.Now().Add(-35 * time.Second).Unix()}), bridge.CodeTokenExpired},
		"expired, for another":      {with(object{"exp": past, "aud": "attache-file"}), bridge.CodeTokenInvalid},
		"expired, no audience":      {with(object{"exp": past, "aud": nil}), bridge.CodeTokenInvalid},
		"expired and not valid yet": {with(object{"exp": past, "nbf": time.Now().Add(time.Hour).Unix()}), bridge.CodeTokenInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := withSecret(t).Authenticate(t.Context(), hs256(t, c.claims))
			require.Equal(t, c.code, bridge.CodeOf(err))
		})
	}
}

func TestNewAuthenticator_ChecksSecretLength(t *testing.T) {
	for _, short := range []string{"", "secret", strings.Repeat("x", 31)} {
		_, err := token.NewAuthenticator(token.Secret([]byte(short)))
		require.ErrorContains(t, err, "32")
	}
}
