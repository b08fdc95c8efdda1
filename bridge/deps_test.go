//go:build !js

package bridge_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every page downloads the packages that bridge imports, so each import is a decision.
// Indirect imports are the standard library's concern.
func TestImportsAreAllowed(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	imports := strings.Fields(string(out))
	require.NotEmpty(t, imports)
	for _, path := range imports {
		require.NotContains(t, []string{"net", "os", "io", "fmt", "syscall/js", "encoding/json", "context", "log/slog", "reflect"}, path)
		require.NotContains(t, path, ".", "it is not the standard library's")
		require.NotContains(t, path, "attache", "bridge imports nothing of ours")
	}
}
