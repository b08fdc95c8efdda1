package ci_test

import (
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "attache"

// product lists what the harnesses may import: all but cli, which only main imports.
var product = []string{"bridge", "web", "proxy", "proxy/*", "wasm/page"}

// directions lists which packages of this module a package may import. The first
// pattern that matches decides; a package that matches none needs an entry here.
var directions = []struct {
	pattern string
	may     []string
}{
	{module, []string{"cli"}},
	{"cli", []string{"bridge", "web", "proxy", "proxy/*", "proxy/gms/upstream"}},
	{"bridge", nil},
	{"bridge/gen", []string{"bridge"}},
	{"wasm", []string{"bridge", "wasm/client"}},
	{"wasm/client", []string{"bridge"}},
	{"wasm/page", []string{"bridge", "wasm/client"}},
	{"web", []string{"web/joined"}},
	{"web/joined", nil},
	{"web/pack", []string{"web/joined"}},
	{"web/pack/fmt", nil},
	{"proxy", []string{"bridge", "proxy/guests"}},
	{"proxy/bayeux", []string{"proxy/guests"}}, // a protocol that knows nothing of chat
	{"proxy/bayeux/bayeuxtest", nil},
	{"proxy/guests", nil},                // bounds connections and requests of any kind
	{"proxy/engine", []string{"bridge"}}, // which the packages beside it import
	{"proxy/assembly", []string{"bridge", "proxy", "proxy/*"}},
	{"proxy/migration", []string{"bridge", "proxy", "proxy/objects"}},
	{"proxy/backup", []string{"bridge", "proxy", "proxy/*"}}, // reads the streams of several packages
	{"proxy/proxytest", []string{"bridge", "proxy", "proxy/*"}},
	{"proxy/docid", []string{"bridge"}}, // the ids that both document stores make
	{"proxy/files/modeldisk", []string{"proxy/files"}},
	{"proxy/named", []string{"bridge"}},
	{"proxy/chatrequest", []string{"bridge", "proxy", "proxy/engine", "proxy/work"}},
	{"proxy/gms", []string{"bridge", "proxy", "proxy/bayeux", "proxy/chatrequest", "proxy/guests", "proxy/mail", "proxy/named"}}, // mail: which addresses it takes
	{"proxy/*", []string{"bridge", "proxy", "proxy/docid", "proxy/engine", "proxy/guests", "proxy/named", "proxy/spool"}},
	{"proxy/gms/upstream", []string{"bridge", "proxy", "proxy/docid", "proxy/engine", "proxy/gms"}}, // shares the wire types
	{"proxy/clamd/clamdtest", []string{"proxy/clamd"}},
	{"proxy/engine/enginetest", nil},
	{"proxy/gws/gwstest", nil},
	{"proxy/files/modeldisk", []string{"proxy/files"}}, // for its tests only
	{"ci/results", nil},
	{"test/bench", append(product, "test/harness")},
	{"test/bench/*", nil},
	{"test/chaos", append(product, "test/chaos/bugs", "test/chaos/oracle", "test/chaos/widget", "test/harness")},
	{"test/chaos/bugs", nil},
	{"test/chaos/widget", nil},
	{"test/chaos/oracle", []string{"bridge", "wasm/page"}},
	{"test/e2e", append(product, "test/harness")},
	{"test/e2e/*", nil},
	{"test/harness", nil},
	{"test/openapi", product},
	{"test/siege", append(product, "test/harness")},
}

func TestPackagesDependInOneDirection(t *testing.T) {
	for _, platform := range [][]string{nil, {"GOOS=js", "GOARCH=wasm"}} {
		for _, line := range everyPackage(t, platform) {
			imports := strings.Fields(line)
			from := short(imports[0])
			for _, to := range imports[1:] {
				if to != module && !strings.HasPrefix(to, module+"/") {
					continue
				}
				require.True(t, permitted(t, from, short(to)), "%s imports %s", from, short(to))
			}
		}
	}
}

// One package decides which values are counted; the others know nothing of counters.
func TestOnlyMetricsKnowsPrometheus(t *testing.T) {
	for _, line := range everyPackage(t, nil) {
		imports := strings.Fields(line)
		for _, to := range imports[1:] {
			if strings.HasPrefix(to, "github.com/prometheus/") {
				require.Equal(t, module+"/proxy/metrics", imports[0], to)
			}
		}
	}
}

func short(path string) string { return strings.TrimPrefix(path, module+"/") }

func permitted(t *testing.T, from, to string) bool {
	if strings.HasSuffix(to, "test") && !strings.HasSuffix(from, "test") && !strings.HasPrefix(from, "test/") {
		return false // what is for tests is for nothing else
	}
	for _, d := range directions {
		if fits(t, d.pattern, from) {
			return slices.ContainsFunc(d.may, func(pattern string) bool { return fits(t, pattern, to) })
		}
	}
	require.Fail(t, "no direction for "+from, "add it to the list above")
	return false
}

func fits(t *testing.T, pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	require.NoError(t, err)
	return ok
}

// The page's state machine knows no platform: its host passes in what it needs.
func TestTheClientKnowsNoPlatform(t *testing.T) {
	allowed := []string{module + "/bridge", "runtime", "strconv", "sync", "time"}
	for _, platform := range [][]string{nil, {"GOOS=js", "GOARCH=wasm"}} {
		for _, line := range list(t, "..", platform, `{{join .Imports "\n"}}`, "./wasm/client") {
			require.Contains(t, allowed, line)
		}
	}
}

// Every page downloads all packages that the module imports.
func TestTheModuleReachesNothingHeavy(t *testing.T) {
	wasm := []string{"GOOS=js", "GOARCH=wasm"}
	for _, path := range list(t, "..", wasm, "{{.ImportPath}}", "-deps", "./wasm") {
		require.NotContains(t, []string{"net", "net/http", "encoding/json", "context", "regexp", "log/slog", "github.com/coder/websocket"}, path)
		first, _, _ := strings.Cut(path, "/")
		if strings.Contains(first, ".") {
			require.True(t, strings.HasPrefix(path, "github.com/hack-pad/safejs"), "the module reaches %s", path)
		}
	}
}

// everyPackage returns, for each package of both modules, its path and its imports.
func everyPackage(t *testing.T, platform []string) []string {
	const imports = `{{.ImportPath}} {{join .Imports " "}}`
	// Of the harnesses only some are for browsers: -e lists the others too.
	return append(list(t, "..", platform, imports, "./..."), list(t, "../test", platform, imports, "-e", "./...")...)
}

func list(t *testing.T, dir string, environment []string, format string, args ...string) []string {
	cmd := exec.Command("go", append([]string{"list", "-f", format}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), environment...)
	var failure strings.Builder
	cmd.Stderr = &failure
	out, err := cmd.Output()
	require.NoError(t, err, failure.String())
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	require.NotEmpty(t, lines)
	return lines
}
