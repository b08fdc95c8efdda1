package cli_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy/gms"
)

// T5: a customer who comes by REST stays in its chat when every proxy was killed, and away for
// longer than the customer may be.
func TestRestartOfAllProxiesKeepsRESTCustomers(t *testing.T) {
	t.Parallel()
	const away = 3 * time.Second
	serve := func(data string) (*daemon, string) {
		d, public, _ := startServe(t, "--gms", "--flex-disconnect-timeout", away.String(), "--data", data)
		return d, public + "/genesys/2/chat/support"
	}
	ask := func(address string, form url.Values) (r gms.Reply) {
		answer, err := http.PostForm(address, form)
		require.NoError(t, err)
		defer answer.Body.Close()
		require.NoError(t, json.NewDecoder(answer.Body).Decode(&r))
		require.Equal(t, gms.StatusOK, r.StatusCode, r.Errors)
		return r
	}
	data := t.TempDir()
	d, service := serve(data)
	r := ask(service, url.Values{"nickname": {"Ann"}})
	require.NoError(t, d.cmd.Process.Kill())
	d.wait()
	<-time.After(away + away/10)
	_, service = serve(data)
	r = ask(service+"/"+r.ChatID+"/send", url.Values{"userId": {r.UserID}, "secureKey": {r.SecureKey}, "alias": {r.Alias}, "message": {"still here"}})
	require.False(t, r.ChatEnded)
}
