package cli_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The demo shows what would be sent once a chat has ended.
func TestDemoShowsTheMailOfAnEndedChat(t *testing.T) {
	t.Parallel()
	_, at := startDemo(t)
	status, _, body := get(t, at+"/demo/session.json?session=mail")
	require.Equal(t, http.StatusOK, status)
	var tokens struct{ Agent, Customer struct{ Token string } }
	require.NoError(t, json.Unmarshal([]byte(body), &tokens))
	customer := openTabWith(t, at, at, tokens.Customer.Token)
	agent := openTabWith(t, at, at, tokens.Agent.Token)
	agent.announced(customer.send("größe.pdf", []byte("hello")).Key)
	require.NoError(t, agent.End(t.Context()))
	var answer struct {
		Mails []struct{ Session, To, Subject, Text, HTML string }
	}
	require.Eventually(t, func() bool {
		_, _, body := get(t, at+"/demo/mails.json?session=mail")
		require.NoError(t, json.Unmarshal([]byte(body), &answer))
		return len(answer.Mails) == 1
	}, patience, 20*time.Millisecond)
	require.Contains(t, answer.Mails[0].Text, "File: größe.pdf (PDF, 5 bytes)")
	require.Equal(t, "customer@demo.example", answer.Mails[0].To)
}

func TestMailFlagsThatCannotWork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "texts.json")
	require.NoError(t, os.WriteFile(bad, []byte(`{"subject": "a\nb"}`), 0o600))
	for message, args := range map[string][]string{
		"--mail-from has no effect without a server":        {"--mail-from", "a@b.example"},
		"is not host:port":                                  {"--mail-server", "mail.example", "--mail-from", "a@b.example"},
		"is not an address such as":                         {"--mail-server", "mail.example:25"},
		"--mail-recipient: this is not an e-mail address":   {"--mail-server", "mail.example:25", "--mail-from", "a@b.example", "--mail-recipient", "x"},
		"--mail-texts: read the mail's texts in":            {"--mail-server", "mail.example:25", "--mail-from", "a@b.example", "--mail-texts", bad},
		"--mail-per-address=0: at least 1":                  {"--mail-server", "mail.example:25", "--mail-from", "a@b.example", "--mail-per-address", "0"},
		"read the mail server's password":                   {"--mail-server", "mail.example:25", "--mail-from", "a@b.example", "--mail-user", "u", "--mail-password-file", filepath.Join(dir, "none")},
		"the user and the password for the server go toget": {"--mail-server", "mail.example:25", "--mail-from", "a@b.example", "--mail-user", "u"},
	} {
		got := run(t, command(t, append([]string{
			"serve", "--scanner", "off", "--origin", "https://desk.example", "--data", dir, "--token-secret", secret,
		}, args...)...))
		require.Equal(t, 1, got.code)
		require.Contains(t, got.log, message)
	}
}
