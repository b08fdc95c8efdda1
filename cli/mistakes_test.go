package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

const longSecret = "0123456789abcdef0123456789abcdef"

// refused runs a command that must fail at startup, and returns what it logs.
func refused(t *testing.T, args ...string) string {
	t.Helper()
	var log strings.Builder
	require.NotZero(t, run(nil, args, io.Discard, &log), "%q", args)
	require.NotContains(t, log.String(), "panic")
	return log.String()
}

func serveWith(t *testing.T, more ...string) []string {
	return append([]string{"serve", "--admin=", "--scanner=off", "--listen=127.0.0.1:0", "--origin=https://desk.example", "--token-secret=" + longSecret, "--data=" + t.TempDir()}, more...)
}

// B66: a setting that cannot work is refused at startup, with the form that works.
func TestB66InvalidSettingsAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte(longSecret), 0o600))
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	whole := func(more ...string) []string { return serveWith(t, more...) }
	scanned := func(more ...string) []string {
		return whole(append([]string{"--scanner=strict", "--clamd=/run/clamd"}, more...)...)
	}
	backend := func(more ...string) []string {
		return append([]string{"backend", "--admin=", "--listen=127.0.0.1:0", "--backend-secret=" + longSecret, "--data=" + t.TempDir()}, more...)
	}
	mint := func(more ...string) []string {
		return append([]string{"token", "--token-secret=" + longSecret, "--session=s", "--user=u"}, more...)
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"a wildcard":                       {whole("--origin=https://*.desk.example"), "wildcard"},
		"a default port":                   {whole("--origin=https://desk.example:443"), "write https://desk.example"},
		"origins with a blank":             {whole("--origin=https://desk.example, https://shop.example"), "write https://shop.example"},
		"a demo's origin":                  {[]string{"demo", "--origin=shop.example"}, "write https://shop.example"},
		"a port alone":                     {whole("--listen=8371"), "write :8371"},
		"an address with a scheme":         {whole("--listen=http://127.0.0.1:8371/"), "write 127.0.0.1:8371"},
		"an address without a port":        {whole("--listen=127.0.0.1"), "write 127.0.0.1:8371"},
		"every address":                    {whole("--listen=*:8371"), "write :8371"},
		"a port too high":                  {whole("--listen=:83710"), "1 to 65535"},
		"no address":                       {whole("--listen="), "host:port"},
		"an admin without a port":          {whole("--admin=localhost"), "--admin"},
		"admin where the pages are":        {whole("--listen=127.0.0.1:8371", "--admin=127.0.0.1:8371"), "another port"},
		"a file without a certificate":     {whole("--tls-cert="+file, "--tls-key="+file), "PEM"},
		"a reverse proxy's name":           {whole("--trusted-proxy=front.example"), "10.0.0.7 or fd00::/8"},
		"a reverse proxy with a port":      {whole("--trusted-proxy=10.0.0.7:443"), "write 10.0.0.7"},
		"a network with an address's bits": {whole("--trusted-proxy=10.0.0.7/8"), "write 10.0.0.0/8"},
		"IPv4 written as IPv6":             {whole("--trusted-proxy=::ffff:10.0.0.7"), "write 10.0.0.7"},
		"an empty secret":                  {[]string{"serve", "--scanner=off", "--origin=https://desk.example", "--data=d", "--token-secret-file=" + empty}, "is empty"},
		"a file without a key set":         {[]string{"serve", "--scanner=off", "--origin=https://desk.example", "--data=d", "--jwks=" + file}, "--jwks"},
		"a key set that is not there":      {[]string{"serve", "--scanner=off", "--origin=https://desk.example", "--data=d", "--jwks=/nowhere/keys"}, "no such file"},
		"a key set over http":              {[]string{"serve", "--scanner=off", "--origin=https://desk.example", "--data=d", "--jwks=http://keys.example/set"}, "is not https"},
		"a file as directory":              {whole("--data=" + file), "is a file"},
		"copies without a cluster":         {whole("--replicas=3"), "--nats"},
		"negative copies":                  {whole("--replicas=-3"), "0 for 3"},
		"days that overflow":               {whole("--keep-days=200000"), "at most 36500"},
		"a negative store":                 {whole("--max-store=-1"), "0 for the whole volume"},
		"a store of megabytes":             {backend("--max-store=500"), "bytes from 67108864"},
		"a limit on a cluster":             {[]string{"serve", "--scanner=off", "--origin=https://desk.example", "--token-secret=" + longSecret, "--nats=nats://127.0.0.1", "--max-store=100000000"}, "max_file"},
		"a file beyond the store":          {whole("--max-store=70000000", "--upload-max-file-size=80000000", "--upload-max-total-size=-1"), "--max-store=70000000"},
		"an agent's beyond the store":      {whole("--max-store=70000000", "--agent-max-file-size=80000000"), "--max-store=70000000"},
		"a backend's beyond the store":     {backend("--max-store=70000000", "--upload-max-file-size=80000000", "--upload-max-total-size=-1"), "--max-store=70000000"},
		"a negative count":                 {whole("--upload-max-files", "-2"), "-1 for no limit"},
		"a negative size":                  {whole("--upload-max-file-size=-2"), "-1 for no limit"},
		"negative attempts":                {backend("--download-attempts=-7"), "-1 for no limit"},
		"a negative agent's size":          {whole("--agent-max-file-size=-5"), "-1 for no limit"},
		"a token that does not exist":      {whole("--delete-file=even"), "odd, keep, off"},
		"a backend that counts no agents":  {whole("--backend=https://backend.example", "--backend-secret="+longSecret, "--agent-max-files=3"), "counts customers' files only"},
		"a file of limits in a cluster":    {[]string{"serve", "--scanner=off", "--origin=https://desk.example", "--token-secret=" + longSecret, "--nats=nats://127.0.0.1:1", "--limits-file=" + file}, "attache limits set"},
		"a file of limits that is not one": {whole("--limits-file=" + file), "not a JSON object"},
		"no file of limits":                {whole("--limits-file=nowhere.json"), "no such file"},
		"a file beyond the total":          {whole("--upload-max-file-size=9000000"), "--upload-max-total-size=5242880"},
		"a file beyond the scanner":        {scanned("--scan-max-size=1000"), "--scan-max-size=1000"},
		"an agent's beyond the scanner":    {scanned("--agent-max-file-size=99000000"), "raise --scan-max-size"},
		"a scanner that takes nothing":     {scanned("--scan-max-size=0"), "--scan-max-size=0"},
		"a clamd without a port":           {scanned("--clamd=localhost"), "host:port"},
		"a clamd's port":                   {scanned("--clamd=localhost:33100000"), "127.0.0.1:3310"},
		"a clamd without a host":           {scanned("--clamd=:3310"), "127.0.0.1:3310"},
		"a secret with a line end":         {whole("--token-secret=" + longSecret + "\n"), "line break"},
		"a backend's secret with a blank":  {backend("--backend-secret=" + longSecret + " "), "line break"},
		"a negative age":                   {whole("--signatures-max-age", "-72h"), "is negative"},
		"patterns as extensions":           {whole("--upload-file-types=*.jpg:pdf"), "write jpg"},
		"every extension":                  {whole("--agent-file-types=*"), "leave the list empty"},
		"MIME types":                       {whole("--upload-file-types=image/jpeg"), "MIME type"},
		"every MIME type":                  {whole("--upload-file-types=*/*"), "leave the list empty"},
		"semicolons":                       {backend("--upload-file-types=jpg;pdf"), "jpg:pdf"},
		"two extensions":                   {whole("--upload-file-types=tar.gz"), "write gz"},
		"only separators":                  {whole("--upload-file-types=:"), "names no extension"},
		"a long extension":                 {whole("--upload-file-types=" + strings.Repeat("x", 33)), "without dots"},
		"an audit log in a directory":      {whole("--audit=" + t.TempDir()), "is a directory"},
		"names of no audit log":            {whole("--audit-names"), "--audit"},
		"a backend with a query":           {whole("--backend=http://backend.example/?a=b", "--backend-secret="+longSecret), "write http://backend.example/"},
		"documents of no backend":          {whole("--documents=backend"), "--backend"},
		"a GWS without an account":         {whole("--gws=https://gws.example"), "--gws-user"},
		"a GWS of no scheme":               {whole("--gws=gws.example", "--gws-user=u", "--gws-password-file="+file), "http://host:port"},
		"an account of no GWS":             {whole("--gws-user=u"), "name one with --gws"},
		"an unknown option of GWS":         {whole("--gws=https://gws.example", "--gws-user=u", "--gws-password-file="+file, "--gws-option=announced=no"), "not an option of GWS"},
		"a path without its interaction":   {whole("--gws=https://gws.example", "--gws-user=u", "--gws-password-file="+file, "--gws-option=chat-path=/me/chats"), "lacks {interaction}"},
		"GWS and files that it has not":    {whole("--gws=https://gws.example", "--gws-user=u", "--gws-password-file="+file, "--gws-option=store=documents"), "cannot attach"},
		"certificates of GWS that are not": {whole("--gws=https://gws.example", "--gws-user=u", "--gws-password-file="+file, "--gws-ca="+file), "no certificate"},
		"a secret of no backend":           {whole("--backend-secret=" + longSecret), "--backend"},
		"a backend's port":                 {whole("--backend=http://backend.example:99999", "--backend-secret="+longSecret), "port"},
		"a backend to try, of no scheme":   {[]string{"conform", "--backend=backend.example", "--backend-secret=" + longSecret}, "http://host:port"},
		"a cluster of no scheme":           {[]string{"serve", "--scanner=off", "--origin=https://desk.example", "--token-secret=" + longSecret, "--nats=nats.example:4222"}, "nats://host:4222"},
		"an unknown option of the chat":    {whole("--chat-option=password-enforce=true"), "is it session-password-enforce?"},
		"an option without a value":        {backend("--chat-option=session-password-enforce"), "NAME=VALUE"},
		"an option set twice":              {whole("--chat-option=vip-is-agent=true", "--chat-option=vip-is-agent=false"), "set twice"},
		"a token for an early version":     {mint("--client-version=5"), "attache: --client-version=5: give 101 to 106, or 0\n"},
		"a token for a later version":      {mint("--client-version=107"), "--client-version=107: give 101 to 106, or 0"},
		"no library":                       {whole("--responses=nowhere"), "--responses: open the library"},
		"a token for no party":             {mint("--user="), "--user"},
	} {
		t.Run(name, func(t *testing.T) { require.Contains(t, refused(t, c.args...), c.says) })
	}
}

func TestB66AllMistakesAreReportedAtOnce(t *testing.T) {
	said := refused(t, serveWith(t, "--listen=8371", "--origin=https://*.desk.example,null", "--tls-cert="+os.Args[0],
		"--upload-file-types=*.jpg:image/png", "--trusted-proxy=10.0.0.7/8", "--keep-days=0", "--download-attempts", "-9")...)
	for _, word := range []string{"9 settings", "write :8371", "wildcard", "sandboxed", "go together", "write jpg", "MIME", "10.0.0.0/8", "--keep-days=0", "--download-attempts=-9"} {
		require.Contains(t, said, word)
	}
	said = refused(t, serveWith(t, "--chat-option=bogus=1;vip-is-agent=2", "--chat-option=monitored-for=nobody")...)
	for _, word := range []string{"3 settings", "bogus", "vip-is-agent=2", "monitored-for=nobody"} {
		require.Contains(t, said, word)
	}
	said = refused(t, "serve", "--admin=", "--scanner=off", "--listen=8371", "--origin=https://desk.example", "--nats=nats://127.0.0.1",
		"--tls-cert=/nowhere/cert", "--tls-key=/nowhere/key", "--token-secret-file=/nowhere/secret", "--nats-credentials=/nowhere/login",
		"--backend=http://127.0.0.1:1", "--backend-secret-file=/nowhere/shared")
	for _, word := range []string{"5 settings", "write :8371", "/nowhere/cert", "/nowhere/secret", "/nowhere/login", "/nowhere/shared"} {
		require.Contains(t, said, word)
	}
	said = refused(t, "token", "--token-secret=short", "--session=a.b", "--user=")
	for _, word := range []string{"3 settings", "--token-secret", "--session", "--user"} {
		require.Contains(t, said, word)
	}
}

func TestB66ValidSettingsAreAccepted(t *testing.T) {
	for _, more := range [][]string{
		{"--upload-file-types=.jpg, PDF:7z:c++"}, {"--upload-file-types="}, {"--agent-file-types=報告"},
		{"--upload-max-files=0", "--upload-max-file-size=-1", "--upload-max-total-size=-1"},
		{"--upload-max-file-size=-1"}, {"--upload-max-total-size=0", "--upload-max-file-size=0"},
		{"--listen=[::1]:8371"}, {"--listen=:0"}, {"--listen=localhost:https"}, {"--trusted-proxy=10.0.0.0/8,192.0.2.7,fd00::/8"},
		{"--backend=https://backend.example/base/", "--backend-secret=" + longSecret},
		{"--backend=https://backend.example/base/", "--backend-secret=" + longSecret, "--documents=own"},
		{"--chat-option=vip-is-agent=true;monitored-for=all", "--chat-option=reason-text-5=a, b"},
		{"--replicas=1"}, {"--max-store=0"}, {"--max-store=67108864"},
	} {
		var c command
		parser, err := kong.New(&c, options(io.Discard, io.Discard, new(int))...)
		require.NoError(t, err)
		_, err = parser.Parse(serveWith(t, more...))
		require.NoError(t, err)
		require.NoError(t, c.Serve.mistakes().err(), "%q", more)
	}
}

func TestExpiredTokenIsIssuedWithAWarning(t *testing.T) {
	var out, log strings.Builder
	require.Zero(t, run(nil, []string{"token", "--token-secret=" + longSecret, "--session=s", "--user=u", "--life", "-2m"}, &out, &log))
	require.NotEmpty(t, out.String())
	require.Contains(t, log.String(), "already expired")
}

// B82: a negative number is a value, as --flag -1, as --flag=-1 and in the environment.
func TestB82NegativeNumbers(t *testing.T) {
	parse := func(args ...string) serve {
		t.Helper()
		var c command
		parser, err := kong.New(&c, options(io.Discard, io.Discard, new(int))...)
		require.NoError(t, err)
		_, err = parser.Parse(joinNegatives(serveWith(t, args...)))
		require.NoError(t, err)
		return c.Serve
	}
	flags := map[string]func(serve) int64{
		"upload-max-files":      func(c serve) int64 { return c.UploadMaxFiles },
		"upload-max-file-size":  func(c serve) int64 { return c.UploadMaxFileSize },
		"upload-max-total-size": func(c serve) int64 { return c.UploadMaxTotalSize },
		"download-attempts":     func(c serve) int64 { return c.DownloadAttempts },
		"customer-max-text":     func(c serve) int64 { return c.CustomerMaxText },
		"agent-max-text":        func(c serve) int64 { return c.AgentMaxText },
		"agent-max-file-size":   func(c serve) int64 { return c.AgentMaxFileSize },
		"scan-max-size":         func(c serve) int64 { return c.ScanMaxSize },
		"max-store":             func(c serve) int64 { return c.MaxStore },
		"replicas":              func(c serve) int64 { return int64(c.Replicas) },
		"keep-days":             func(c serve) int64 { return int64(c.KeepDays) },
	}
	for flag, value := range flags {
		require.EqualValues(t, -1, value(parse("--"+flag, "-1")), flag)
		require.EqualValues(t, -1, value(parse("--"+flag+"=-1")), flag)
	}
	for flag, value := range flags {
		t.Setenv("ATTACHE_"+strings.ToUpper(strings.ReplaceAll(flag, "-", "_")), "-1")
		require.EqualValues(t, -1, value(parse()), flag)
	}
	require.Equal(t, []string{"audit", "--", "--x", "-1"}, joinNegatives([]string{"audit", "--", "--x", "-1"}))
	require.Equal(t, []string{"audit", "-1"}, joinNegatives([]string{"audit", "-1"}))
	require.Equal(t, []string{"--a=1", "-1"}, joinNegatives([]string{"--a=1", "-1"}))
	require.Equal(t, []string{"--a=-.5h", "-x"}, joinNegatives([]string{"--a", "-.5h", "-x"}))
}
