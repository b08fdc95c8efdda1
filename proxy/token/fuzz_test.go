package token_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"

	"github.com/stretchr/testify/require"
)

// A ticket is accepted exactly as it was signed, or not at all.
func FuzzT3Ticket(f *testing.F) {
	tickets := token.NewTickets(secret)
	grant := proxy.Grant{Session: "s", UserID: "u", UserType: bridge.Client, FileID: "1", DocumentID: "d", Name: "a.txt", Expires: time.Unix(4102444800, 0)}
	signed := must(tickets.Sign(grant))
	f.Add(signed)
	f.Add("..")
	f.Add(strings.ToUpper(signed))
	f.Fuzz(func(t *testing.T, s string) {
		g, err := tickets.Verify(s)
		require.Equal(t, s == signed, err == nil)
		if err != nil {
			require.Zero(t, g)
			require.Contains(t, []bridge.Code{bridge.CodeTicketInvalid, bridge.CodeTicketExpired}, bridge.CodeOf(err))
		}
	})
}

// A key set is refused at once, or has a key that can verify tokens.
func FuzzKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[]}`))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, in []byte) {
		file := filepath.Join(t.TempDir(), "keys")
		require.NoError(t, os.WriteFile(file, in, 0o600))
		keys, err := token.KeySet(t.Context(), file, nil)
		if err != nil {
			return
		}
		a, err := token.NewAuthenticator(keys)
		require.NoError(t, err)
		_, err = a.Authenticate(t.Context(), "e30.e30.e30")
		require.Error(t, err)
	})
}
