package token_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"
)

// B42: an application's clock that is ahead does not lock out its users, and if a token's times are
// wrong the error names the clocks.
func TestB42DifferingClocksAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		claims map[string]time.Duration // by claim, from now
		code   bridge.Code              // empty: believed
		says   string
	}{
		"made 31 s ahead":           {map[string]time.Duration{"iat": 31 * time.Second}, "", ""},
		"made 2 min ahead":          {map[string]time.Duration{"iat": 2 * time.Minute}, "", ""},
		"made tomorrow":             {map[string]time.Duration{"iat": 24 * time.Hour}, "", ""},
		"valid within the leeway":   {map[string]time.Duration{"iat": 30 * time.Second, "nbf": 30 * time.Second}, "", ""},
		"valid in 31 s":             {map[string]time.Duration{"nbf": 31 * time.Second}, bridge.CodeTokenEarly, "not valid for another 31 s: compare the clocks"},
		"valid in 61 s":             {map[string]time.Duration{"iat": 61 * time.Second, "nbf": 61 * time.Second}, bridge.CodeTokenEarly, "another 61 s"},
		"valid in ten minutes":      {map[string]time.Duration{"nbf": 10 * time.Minute}, bridge.CodeTokenEarly, "another 10m: compare"},
		"valid in an hour":          {map[string]time.Duration{"nbf": time.Hour}, bridge.CodeTokenInvalid, "another 1h0m: compare"},
		"valid next week":           {map[string]time.Duration{"nbf": 7 * 24 * time.Hour}, bridge.CodeTokenInvalid, "another 7 days: compare"},
		"expired within the leeway": {map[string]time.Duration{"exp": -29 * time.Second}, "", ""},
		"expired, fresh":            {map[string]time.Duration{"iat": -2 * time.Minute, "exp": -61 * time.Second}, bridge.CodeTokenExpired, "expired 61 s ago; if it was new, compare the clocks"},
		"expired long ago":          {map[string]time.Duration{"exp": -2 * time.Hour}, bridge.CodeTokenExpired, "expired 2h0m ago"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				changes := object{"exp": time.Now().Add(24 * time.Hour * 30).Unix()}
				for claim, d := range c.claims {
					changes[claim] = time.Now().Add(d).Unix()
				}
				_, err := withSecret(t).Authenticate(t.Context(), hs256(t, with(changes)))
				require.Equal(t, c.code, bridge.CodeOf(err), "%v", err)
				if c.code == "" {
					return
				}
				told := bridge.AsError(err)
				require.Contains(t, told.Message, c.says)
				require.Equal(t, c.code != bridge.CodeTokenInvalid, told.Retry)
			})
		})
	}
}

// The error names times in the wrong unit.
func TestB42WrongUnitIsNamed(t *testing.T) {
	milli := time.Now().UnixMilli()
	for says, claims := range map[string]object{
		"seconds since 1970, not milliseconds": {"nbf": milli, "exp": milli + 3600_000},
		"seconds since 1970, not from now":     {"exp": 3600},
	} {
		_, err := withSecret(t).Authenticate(t.Context(), hs256(t, with(claims)))
		require.ErrorContains(t, err, says)
	}
}

// The hint at clocks is only for holders of a token that was signed for this proxy.
func TestB42ForgersLearnNothingAboutClocks(t *testing.T) {
	old := with(object{"exp": time.Now().Add(-time.Hour).Unix()})
	parts := strings.Split(hs256(t, old), ".")
	for _, forged := range []string{
		parts[0] + "." + parts[1] + "." + flipped(parts[2]),
		hs256(t, with(object{"exp": time.Now().Add(-time.Hour).Unix(), "aud": "crm"})),
		hs256(t, with(object{"nbf": time.Now().Add(time.Hour).Unix(), "aud": "crm"})),
	} {
		_, err := withSecret(t).Authenticate(t.Context(), forged)
		require.Equal(t, bridge.CodeTokenInvalid.Rule().Message, bridge.AsError(err).Message)
	}
}

// L3: an exp in the far future is accepted, and the sockets' timers do not overflow.
func TestL3FarExpiryIsBounded(t *testing.T) {
	for name, exp := range map[string]string{
		"the year 9999": "253402300799", "2^53-1": "9007199254740991", "beyond every integer": "1e308", "beyond every float": "1e999",
		"milliseconds": "1767225600000",
	} {
		t.Run(name, func(t *testing.T) {
			claims := strings.Replace(claimsText(t, with(object{"exp": "EXP"})), `"EXP"`, exp, 1)
			who, err := withSecret(t).Authenticate(t.Context(), hs256(t, claims))
			require.NoError(t, err)
			left := time.Until(who.Expires)
			require.Greater(t, left, 99*365*24*time.Hour)
			require.Positive(t, left+time.Hour)
		})
	}
	who := proxy.Identity{Session: "s", Party: bridge.Party{UserID: "u", UserType: bridge.Client}, Expires: time.Unix(253402300799, 0)}
	a, err := token.NewAuthenticator(token.Secret(secret))
	require.NoError(t, err)
	signed, err := a.Mint(who)
	require.NoError(t, err)
	_, err = a.Authenticate(t.Context(), signed)
	require.NoError(t, err)
}
