package cli

import (
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the table of flags into docs/operating.md")

const operating = "../docs/operating.md"

// section matches the table in docs/operating.md.
var section = regexp.MustCompile(`(?s)(<!-- flags -->\n).*?(<!-- /flags -->)`)

// commands are the subcommands that have flags.
func commands(t *testing.T) []*kong.Node {
	t.Helper()
	var code int
	parser, err := kong.New(&command{}, append(options(io.Discard, io.Discard, &code), kong.Vars{"data": "~/.cache/attache"})...)
	require.NoError(t, err)
	var list []*kong.Node
	for _, n := range parser.Model.Children {
		if len(n.Flags) > 0 {
			list = append(list, n)
		}
	}
	require.NotEmpty(t, list)
	return list
}

func TestEveryFlagHasHelp(t *testing.T) {
	for _, n := range commands(t) {
		for _, f := range n.Flags {
			require.NotEmpty(t, f.Help, "%s --%s", n.Name, f.Name)
			require.Equal(t, []string{"ATTACHE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))}, f.Envs)
			require.NotRegexp(t, `^[A-Z][a-z]|\.$`, f.Help, "the command's voice")
		}
	}
}

// TestOperatingHasTheFlags compares the table with the flags of the command;
// go test ./cli -run OperatingHasTheFlags -update writes it.
func TestOperatingHasTheFlags(t *testing.T) {
	text, err := os.ReadFile(operating)
	require.NoError(t, err)
	require.Regexp(t, section, string(text), operating+" needs the lines <!-- flags --> and <!-- /flags -->, with the table between them")
	want := section.ReplaceAllLiteralString(string(text), "<!-- flags -->\n"+table(commands(t))+"<!-- /flags -->")
	if *update {
		require.NoError(t, os.WriteFile(operating, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(text), "go test ./cli -run OperatingHasTheFlags -update")
}

func table(list []*kong.Node) string {
	var b strings.Builder
	for _, n := range list {
		fmt.Fprintf(&b, "\n**attache %s**: %s\n\n| flag | environment | default | |\n| --- | --- | --- | --- |\n", n.Name, n.Help)
		for _, f := range n.Flags {
			fmt.Fprintf(&b, "| `--%s` | `%s` | %s | %s |\n", f.Name, f.Envs[0], standard(n, f), strings.ReplaceAll(f.Help, "|", `\|`))
		}
	}
	return b.String() + "\n"
}

func standard(n *kong.Node, f *kong.Flag) string {
	switch {
	case f.Default != "":
		return "`" + f.Default + "`"
	case f.Required && len(f.Xor) > 0:
		return "one of " + strings.Join(alternatives(n, f.Xor[0]), ", ")
	case f.Required:
		return "must be given"
	}
	return ""
}

func alternatives(n *kong.Node, group string) (list []string) {
	for _, f := range n.Flags {
		if slices.Contains(f.Xor, group) {
			list = append(list, "`--"+f.Name+"`")
		}
	}
	return list
}
