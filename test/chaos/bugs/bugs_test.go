package bugs

import (
	"bytes"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every bug can be planted in the source as it is now, and every package that it
// or its trial changes still compiles.
func TestR19EveryBugAppliesAndCompiles(t *testing.T) {
	module, err := filepath.Abs("../../..")
	require.NoError(t, err)
	all := append(slices.Clone(List), Bug{Name: "none, with every hook", Trial: Trial{Border: "all", Scanner: true}})
	c := newCompiler(t, module, all)
	for _, b := range all {
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			changes := slices.Concat(b.Trial.Hooks(), b.Changes)
			texts, err := apply(module, changes)
			require.NoError(t, err)
			for dir := range packages(changes) {
				require.NoError(t, c.check(dir, texts), dir)
			}
		})
	}
}

// packages returns the directories of the packages that the changes are in.
func packages(changes []Change) map[string]bool {
	dirs := map[string]bool{}
	for _, c := range changes {
		dirs[c.Package] = true
	}
	return dirs
}

// compiler checks types as go build does, and compiles only the packages that are
// imported.
type compiler struct {
	module   string
	exported map[string]string // an import's file with its types
}

func newCompiler(t *testing.T, module string, all []Bug) *compiler {
	var changes []Change
	for _, b := range all {
		changes = append(changes, slices.Concat(b.Trial.Hooks(), b.Changes)...)
	}
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}
	for dir := range packages(changes) {
		args = append(args, "./"+dir)
	}
	list := exec.CommandContext(t.Context(), "go", args...)
	list.Dir = module
	var failure bytes.Buffer
	list.Stderr = &failure
	out, err := list.Output()
	require.NoError(t, err, failure.String())
	c := &compiler{module, map[string]string{}}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		c.exported[path] = file
	}
	return c
}

// check returns an error if the package does not compile with those texts in place of
// its own.
func (c *compiler) check(dir string, texts map[string][]byte) error {
	files, err := sources(filepath.Join(c.module, filepath.FromSlash(dir)), texts)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, path := range slices.Sorted(maps.Keys(files)) {
		file, err := parser.ParseFile(fset, path, files[path], parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		parsed = append(parsed, file)
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(c.exported[path]) }
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", open)}
	_, err = config.Check("attache/"+dir, fset, parsed, nil)
	return err
}

func TestPlant_FailsWhereTheSourceHasChanged(t *testing.T) {
	const before = `package p

type server struct{ n int }

func (s *server) serve(a, b int) int {
	if a < s.n {
		s.note(a)
	}
	s.note(b)
	return total(a)
}

var step = func() {}
`
	module := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(module, "p.go"), []byte(before), 0o600))
	for _, c := range []struct {
		name   string
		change Change
		want   string // in the error, or, after the colon, in the source
	}{
		{"no function", Change{".", "server.close", Delete(Call("note"))}, "nothing of that name"},
		{"no match", Change{".", "server.serve", Delete(Call("close"))}, "0 × call of close"},
		{"two matches", Change{".", "server.serve", Delete(Call("note"))}, "2 × call of note"},
		{"no statement", Change{".", "step", Delete(Value)}, "no statement"},
		{"no value of that name", Change{".", "server.serve", Replace(Call("total"), "$left")}, "no $left"},
		{"no Go", Change{".", "server.serve", Replace(Call("total"), ")")}, "expected"},
		{"a file that exists", Change{".", "p.go", File("package p")}, "already"},
		{"argument", Change{".", "server.serve", Replace(Argument(1, "total"), "$x+$2")}, ":total(a + b)"},
		{"comparison", Change{".", "server.serve", Replace(Comparison(token.LSS, "n"), "$left > $right")}, ":if a > s.n {"},
		{"condition", Change{".", "server.serve", Replace(Condition("n"), "$x && $r.n > 0")}, ":if a < s.n && s.n > 0 {"},
		{"before", Change{".", "server.serve", Before(Call("total"), "$r.note($a1)")}, ":s.note(a)\n\treturn total(a)"},
		{"after", Change{".", "server.serve", After(Condition("n"), "$r.n++")}, ":}\n\ts.n++\n\ts.note(b)"},
		{"variable", Change{".", "step", Replace(Value, "nil")}, ":var step = nil"},
	} {
		t.Run(c.name, func(t *testing.T) {
			replaced, err := Plant(module, t.TempDir(), c.change)
			want, planted := strings.CutPrefix(c.want, ":")
			if !planted {
				require.ErrorContains(t, err, want)
				return
			}
			require.NoError(t, err)
			text, err := os.ReadFile(replaced[filepath.Join(module, "p.go")])
			require.NoError(t, err)
			require.Contains(t, string(text), want)
		})
	}
	text, err := os.ReadFile(filepath.Join(module, "p.go"))
	require.NoError(t, err)
	require.Equal(t, before, string(text))
}
