package token_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"
)

func grant(expires time.Time) proxy.Grant {
	return proxy.Grant{
		Session: "chat-1", UserID: "agent-7", UserType: bridge.Supervisor, Conn: "0123456789ab", FileID: "0123456789ABCDEF", DocumentID: "2500abcdefghijkl",
		Name: "Übersicht \u202egpj.pdf", Expires: expires.Truncate(time.Second), Ends: expires.Add(time.Hour).Truncate(time.Second),
	}
}

func TestTicket_RoundTrip(t *testing.T) {
	tickets := token.NewTickets(secret)
	plain := grant(time.Now().Add(10 * time.Minute))
	scanned := plain
	scanned.Digest, scanned.Spooled = strings.Repeat("0f", 32), true
	for most, g := range map[int]proxy.Grant{470: plain, 560: scanned} {
		signed, err := tickets.Sign(g)
		require.NoError(t, err)
		require.Less(t, len(signed), most, "a ticket is part of a URL")
		require.NotContains(t, signed, "/")
		got, err := token.NewTickets(secret).Verify(signed)
		require.NoError(t, err)
		require.Equal(t, g, got)
	}
}

func TestTicket_Expires(t *testing.T) {
	tickets := token.NewTickets(secret)
	for name, ends := range map[string]time.Duration{"L11: a moment ago": -time.Second, "in a minute": time.Minute} {
		t.Run(name, func(t *testing.T) {
			g := grant(time.Now().Add(-time.Hour))
			g.Ends = time.Now().Add(ends).Truncate(time.Second)
			signed, err := tickets.Sign(g)
			require.NoError(t, err)
			got, err := tickets.Verify(signed)
			if ends < 0 {
				require.Equal(t, bridge.CodeTicketExpired, bridge.CodeOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, g, got, "the proxy decides whether a download may still begin")
		})
	}
}

func TestVerify_RefusesForgedTickets(t *testing.T) {
	tickets := token.NewTickets(secret)
	fine, err := tickets.Sign(grant(time.Now().Add(time.Hour)))
	require.NoError(t, err)
	_, err = tickets.Verify(fine)
	require.NoError(t, err)
	parts := strings.Split(fine, ".")
	claims := func(change object) object {
		c := object{"aud": "attache-file", "sub": "u", "s": "chat-1", "f": "f1", "d": "d1", "n": "a.pdf", "exp": time.Now().Add(time.Hour).Unix()}
		for k, v := range change {
			if c[k] = v; v == nil {
				delete(c, k)
			}
		}
		return c
	}
	_, err = tickets.Verify(hs256(t, claims(nil)))
	require.NoError(t, err)
	for name, forged := range map[string]string{
		"empty":               "",
		"garbage":             "a.b.c",
		"huge":                fine + strings.Repeat("A", 1<<20),
		"alg none":            part(object{"alg": "none"}) + "." + parts[1] + ".",
		"another secret":      sign(t, object{"alg": "HS256"}, claims(nil), jwt.SigningMethodHS256, []byte(strings.Repeat("y", 32))),
		"HS512":               sign(t, object{"alg": "HS512"}, claims(nil), jwt.SigningMethodHS512, secret),
		"critical extensions": sign(t, object{"alg": "HS256", "crit": []string{"x"}}, claims(nil), jwt.SigningMethodHS256, secret),
		"another document":    parts[0] + "." + part(claims(object{"d": "d2"})) + "." + parts[2],
		"a token":             hs256(t, good()),
		"a token's audience":  hs256(t, claims(object{"aud": "attache"})),
		"no audience":         hs256(t, claims(object{"aud": nil})),
		"no exp":              hs256(t, claims(object{"exp": nil})),
		"no session":          hs256(t, claims(object{"s": nil})),
		"no user":             hs256(t, claims(object{"sub": nil})),
		"no file":             hs256(t, claims(object{"f": nil})),
		"no document":         hs256(t, claims(object{"d": nil})),
		"a short document":    hs256(t, claims(object{"d": nil, "e": "QUJD"})),
		"a clear document":    hs256(t, claims(object{"e": []byte("0123456789abcdef2500abcdefghijkl")})),
		"another's document":  hs256(t, claims(object{"e": flippedByte(sealedIn(t, fine))})),
		"not valid yet":       hs256(t, claims(object{"nbf": time.Now().Add(time.Hour).Unix()})),
		"expired, a token's":  hs256(t, claims(object{"aud": "attache", "exp": 1})),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tickets.Verify(forged)
			require.Equal(t, bridge.CodeTicketInvalid, bridge.CodeOf(err))
			require.Empty(t, got)
		})
	}
}

// sealedIn is the encrypted claim of a ticket.
func sealedIn(t *testing.T, ticket string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(ticket, ".")[1])
	require.NoError(t, err)
	var c struct {
		Sealed []byte `json:"e"`
	}
	require.NoError(t, json.Unmarshal(raw, &c))
	require.NotEmpty(t, c.Sealed)
	return c.Sealed
}

func flippedByte(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-1] ^= 1
	return b
}

// A customer reads in its link neither the document's id nor whether two links are of one
// document; a link of an earlier release, which has the id, is valid as long as it was to be.
func TestTicket_HidesTheDocument(t *testing.T) {
	tickets := token.NewTickets(secret)
	g := grant(time.Now().Add(time.Hour))
	first, err := tickets.Sign(g)
	require.NoError(t, err)
	second, err := tickets.Sign(g)
	require.NoError(t, err)
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(first, ".")[1])
	require.NoError(t, err)
	require.NotContains(t, string(claims), g.DocumentID)
	require.NotContains(t, string(sealedIn(t, first)), g.DocumentID)
	require.NotEqual(t, sealedIn(t, first), sealedIn(t, second))

	earlier, err := tickets.Verify(hs256(t, object{
		"aud": "attache-file", "sub": g.UserID, "s": g.Session, "f": g.FileID, "d": g.DocumentID, "n": g.Name, "exp": g.Ends.Unix(),
	}))
	require.NoError(t, err)
	require.Equal(t, g.DocumentID, earlier.DocumentID)
}
