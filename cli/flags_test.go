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

	"attache/proxy/chat"
	"attache/proxy/gms"
	"attache/proxy/gws"
	"attache/proxy/named"
	"attache/proxy/ucs"
)

var update = flag.Bool("update", false, "write the table of flags into docs/operating.md")

const operating = "../docs/operating.md"

// section matches the table in docs/operating.md.
var section = regexp.MustCompile(`(?s)(<!-- flags -->\n).*?(<!-- /flags -->)`)

// gmsSection matches the table of the options of GMS' Chat API.
var gmsSection = regexp.MustCompile(`(?s)(<!-- gms options -->\n).*?(<!-- /gms options -->)`)

// chatSection matches the table of Chat Server's options.
var chatSection = regexp.MustCompile(`(?s)(<!-- chat options -->\n).*?(<!-- /chat options -->)`)

// ucsSection matches the table of the options of UCS's interface.
var ucsSection = regexp.MustCompile(`(?s)(<!-- ucs options -->\n).*?(<!-- /ucs options -->)`)

// gwsSection matches the table of GWS's options.
var gwsSection = regexp.MustCompile(`(?s)(<!-- gws options -->\n).*?(<!-- /gws options -->)`)

// commands are the subcommands that have flags.
func commands(t *testing.T) []*kong.Node {
	t.Helper()
	var code int
	parser, err := kong.New(&command{}, append(options(io.Discard, io.Discard, &code), kong.Vars{"data": "~/.cache/attache"})...)
	require.NoError(t, err)
	list := withFlags(parser.Model.Children)
	require.NotEmpty(t, list)
	return list
}

// withFlags returns those of the nodes, and of the nodes below them, that have flags.
func withFlags(nodes []*kong.Node) (list []*kong.Node) {
	for _, n := range nodes {
		if len(n.Flags) > 0 {
			list = append(list, n)
		}
		list = append(list, withFlags(n.Children)...)
	}
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
	require.Regexp(t, chatSection, want, operating+" needs the lines <!-- chat options --> and <!-- /chat options -->")
	want = chatSection.ReplaceAllLiteralString(want, "<!-- chat options -->\n"+optionTable(chat.NamedOptions)+"<!-- /chat options -->")
	require.Regexp(t, gmsSection, want, operating+" needs the lines <!-- gms options --> and <!-- /gms options -->")
	want = gmsSection.ReplaceAllLiteralString(want, "<!-- gms options -->\n"+optionTable(gms.NamedOptions)+"<!-- /gms options -->")
	require.Regexp(t, ucsSection, want, operating+" needs the lines <!-- ucs options --> and <!-- /ucs options -->")
	want = ucsSection.ReplaceAllLiteralString(want, "<!-- ucs options -->\n"+ucsTable()+"<!-- /ucs options -->")
	want = gwsSection.ReplaceAllLiteralString(want, "<!-- gws options -->\n"+gwsTable()+"<!-- /gws options -->")
	if *update {
		require.NoError(t, os.WriteFile(operating, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(text), "go test ./cli -run OperatingHasTheFlags -update")
}

func table(list []*kong.Node) string {
	var b strings.Builder
	for _, n := range list {
		fmt.Fprintf(&b, "\n**%s**: %s\n\n| flag | environment | default | |\n| --- | --- | --- | --- |\n", strings.Join(strings.Fields(n.FullPath()), " "), n.Help)
		for _, f := range n.Flags {
			fmt.Fprintf(&b, "| `--%s` | `%s` | %s | %s |\n", f.Name, f.Envs[0], standard(n, f), strings.ReplaceAll(f.Help, "|", `\|`))
		}
	}
	return b.String() + "\n"
}

func optionTable[O any](t named.Table[O]) string {
	var b strings.Builder
	b.WriteString("\n| option | default | values | | from |\n| --- | --- | --- | --- | --- |\n")
	for _, n := range t.Rows {
		source := n.Source
		if n.Ours {
			source = "our name; " + source
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", n.Name, n.Default, n.Values, n.Help, source)
	}
	return b.String() + "\n"
}

func ucsTable() string {
	var b strings.Builder
	b.WriteString("\n| option | default | values | | from |\n| --- | --- | --- | --- | --- |\n")
	for _, n := range ucs.NamedOptions {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", n.Name, n.Default, n.Values, n.Help, n.Source)
	}
	return b.String() + "\n"
}

func gwsTable() string {
	var b strings.Builder
	b.WriteString("\n| option | default | values | | from |\n| --- | --- | --- | --- | --- |\n")
	for _, n := range gws.NamedOptions {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", n.Name, n.Default, n.Values, n.Help, n.Source)
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
