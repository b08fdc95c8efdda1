package cli_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A flag whose master is not there, or is not of its kind, would change nothing: serve says so.
func TestServeRefusesFlagsWithoutTheirMaster(t *testing.T) {
	t.Parallel()
	const onlyServed = "with the address of a GMS: give --gms without an address to serve its Chat API here"
	relay := "--gms=http://127.0.0.1:1"
	for name, c := range map[string]struct {
		args, want string
	}{
		"CometD":                          {"--gms-cometd", "--gms-cometd has no effect without --gms"},
		"CometD's flags":                  {"--gms-cometd-callback --gms-cometd-background=1m", "--gms-cometd-callback and --gms-cometd-background have no effect without --gms"},
		"services":                        {"--gms-service=a --gms-headers=b --gms-option=alias=2", "--gms-service, --gms-headers and --gms-option have no effect without --gms"},
		"admission":                       {"--gms-admission=token", "--gms-admission has no effect without --gms"},
		"CometD of another GMS":           {relay + " --gms-cometd --gms-admission=token", "--gms-admission and --gms-cometd have no effect " + onlyServed},
		"requested chats of another GMS":  {relay + " --on-chat=http://x/y", "--on-chat has no effect " + onlyServed},
		"requested chats of none":         {"--on-chat=http://x/y", "--on-chat has no effect without --gms, because only GMS' Chat API requests chats"},
		"a secret of requested chats":     {"--gms --on-chat-secret=x", "--on-chat-secret has no effect without an address"},
		"a service of another GMS":        {"--gms --gms-upstream-service=a --gms-poll=2s", "--gms-upstream-service and --gms-poll have no effect without the address of a GMS"},
		"a service of no GMS":             {"--gms-settle=20s", "--gms-settle has no effect without the address of a GMS"},
		"numbers of UCS":                  {"--ucs-timeout=2m --ucs-spool=5000000000", "--ucs-timeout and --ucs-spool have no effect without --ucs or --ucs-listen"},
		"UCS as a server, for the client": {"--ucs=http://x --ucs-base=/x", "--ucs-base has no effect without --ucs-listen"},
		"UCS as a client, for the server": {"--ucs-listen=127.0.0.1:0 --ucs-secret=" + secret + " --ucs-max-size=5", "--ucs-max-size has no effect without --ucs"},
		"GWS":                             {"--gws-timeout=2s", "--gws-timeout has no effect without GWS"},
		"mail":                            {"--mail-late=2h --mail-unclear=repeat", "--mail-unclear and --mail-late have no effect without a server"},
	} {
		got := run(t, command(t, append([]string{"serve"}, append(strings.Fields(c.args),
			"--scanner=off", "--origin=https://desk.example", "--listen=127.0.0.1:0", "--admin=", "--data="+t.TempDir(), "--token-secret="+secret)...)...))
		require.Equal(t, 1, got.code, name)
		require.Contains(t, got.log, c.want, name)
	}
}

func TestHelpSaysThatTheAddressOfGMSIsOptional(t *testing.T) {
	t.Parallel()
	got := run(t, command(t, "serve", "--help"))
	require.Zero(t, got.code)
	require.Contains(t, got.out, "--gms[=URL]")
}
