package ci_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	testNamed  = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	testHere   = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	testNumber = regexp.MustCompile(`^(?:Test|Fuzz)([TFR]\d+)`)
)

// Every number in a test's name has a row, and every test name in a row exists.
func TestThreatsAndFaultsAreListed(t *testing.T) {
	names := map[string]bool{}
	require.NoError(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Name() == "node_modules":
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		for _, name := range testHere.FindAllSubmatch(source, -1) {
			names[string(name[1])] = true
		}
		return err
	}))
	text := ""
	for _, path := range []string{"../SECURITY.md", "../docs/reliability.md", "../docs/systems.md"} {
		part, err := os.ReadFile(path)
		require.NoError(t, err)
		text += string(part)
	}
	for _, name := range testNamed.FindAllStringSubmatch(text, -1) {
		require.True(t, names[name[1]], "there is no %s", name[1])
	}
	for name := range names {
		if number := testNumber.FindStringSubmatch(name); number != nil {
			require.Contains(t, text, "\n| "+number[1]+" | ", name)
		}
	}
}
