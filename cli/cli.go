// Package cli is the command attache: a file for each subcommand, and the wiring of
// flags to options, of packages to each other, and of signals to a graceful shutdown.
// What it runs is in the packages proxy, web and below.
package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"attache/bridge"

	"github.com/alecthomas/kong"
)

// The voice of the command, in one place:
//   - what a person needs goes to standard output: an address, a token
//   - everything else is the log, on standard error
//   - no capitals at the start, no full stop at the end
//   - an error says what was attempted, what was wrong, and what to do

// command is every flag and subcommand; kong makes the help of it.
type command struct {
	Demo    demo           `cmd:"" help:"start everything on this machine, with a page to try it: no configuration"`
	Serve   serve          `cmd:"" help:"run the proxy"`
	Backend backendCommand `cmd:"" help:"run a Chat Server and document store for proxies elsewhere"`
	Conform conform        `cmd:"" help:"test whether a backend implements docs/backend.md"`
	Audit   inspect        `cmd:"" help:"check audit files, and name the first line that was changed or is missing"`
	Token   mint           `cmd:"" help:"make a token for one party of one chat session"`
	Version version        `cmd:"" help:"print the release"`
}

// softMemory is the memory, in bytes, from which on the collector works harder,
// unless GOMEMLIMIT says otherwise. The engine keeps what it has read and written
// lately for as long as nobody needs the room: without a bound that is several
// times what is in use.
const softMemory = 256 << 20

// Main runs the command and exits the process. page is the demo's page: only the
// module's root can embed it, because go:embed does not reach a parent directory.
func Main(page []byte) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	signal.Ignore(syscall.SIGHUP) // until a command has something to reload; see hangups
	os.Exit(run(page, os.Args[1:], os.Stdout, os.Stderr))
}

// streams are where a command speaks.
type streams struct {
	out, log io.Writer
	strays   []string // variables of the environment that set nothing
	page     []byte   // of the demo
}

// warn tells of what looks like a setting and is none.
func (s streams) warn(log *slog.Logger) {
	for _, name := range s.strays {
		log.Warn("a variable of the environment sets nothing", "name", name, "hint", "attache serve --help has the names")
	}
}

// run is Main without its process: it returns the exit code. Usage errors are
// 2, all others 1.
func run(page []byte, args []string, out, log io.Writer) int {
	var c command
	code := -1
	parser, err := kong.New(&c, options(out, log, &code)...)
	if err != nil {
		fmt.Fprintln(log, "attache:", err)
		return 1
	}
	ignoreEmpty(parser.Model.Node, os.LookupEnv)
	parsed, err := parser.Parse(joinNegatives(asMeant(args)))
	if code >= 0 {
		return code
	}
	if err != nil {
		fmt.Fprintf(log, "attache: %v\nattache: see %s --help\n", err, meant(err))
		return 2
	}
	if err := parsed.Run(streams{out, log, strays(parser.Model.Node, os.Environ()), page}); err != nil {
		fmt.Fprintln(log, "attache:", err)
		return 1
	}
	return 0
}

// asMeant takes what other commands understand: --version, and help with a command.
func asMeant(args []string) []string {
	switch {
	case len(args) == 1 && (args[0] == "--version" || args[0] == "-v" || args[0] == "-V"):
		return []string{"version"}
	case len(args) > 0 && args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	}
	return args
}

// joinNegatives writes --flag -1 as --flag=-1. A negative number is not a flag: no flag
// here has one letter, and none begins with a digit.
func joinNegatives(args []string) []string {
	var joined []string
	for i, arg := range args {
		if arg == "--" {
			return append(joined, args[i:]...)
		}
		if last := len(joined) - 1; last >= 0 && negative(arg) && strings.HasPrefix(joined[last], "--") && !strings.Contains(joined[last], "=") {
			joined[last] += "=" + arg
			continue
		}
		joined = append(joined, arg)
	}
	return joined
}

// negative tells -1, -1.5 and -72h from a flag.
func negative(arg string) bool {
	after, minus := strings.CutPrefix(arg, "-")
	after = strings.TrimPrefix(after, ".")
	return minus && after != "" && '0' <= after[0] && after[0] <= '9'
}

// meant is the command whose usage was not understood.
func meant(err error) string {
	var usage *kong.ParseError
	if errors.As(err, &usage) && usage.Context != nil && usage.Context.Selected() != nil {
		return "attache " + usage.Context.Selected().Name
	}
	return "attache"
}

func options(out, log io.Writer, code *int) []kong.Option {
	return []kong.Option{
		kong.Name("attache"),
		kong.Description("file transfer for browser chat pages\n\nevery flag can be set by the environment variable named beside it; an empty one counts as not set"),
		kong.Writers(out, log),
		kong.Exit(func(c int) { *code = c }),
		kong.DefaultEnvars("ATTACHE"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.Help(help),
		kong.Vars{"data": dataDir()},
	}
}

// help prints what kong does, except that kong writes two flags of which one must be given
// as if both had to be.
func help(o kong.HelpOptions, ctx *kong.Context) error {
	out := ctx.Stdout
	defer func() { ctx.Stdout = out }()
	var text strings.Builder
	ctx.Stdout = &text
	if err := kong.DefaultHelpPrinter(o, ctx); err != nil {
		return err
	}
	_, err := io.WriteString(out, strings.Replace(text.String(), "--data=DIR --nats=URL", "(--data=DIR | --nats=URL)", 1))
	return err
}

type version struct{}

// Run prints the release: what the build set, or what the toolchain knows.
func (version) Run(s streams) error {
	fmt.Fprintln(s.out, "attache", release())
	return nil
}

func release() string {
	if bridge.Version != "dev" {
		return bridge.Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return bridge.Version
}

// logging is the flags of the log.
type logging struct {
	LogLevel  slog.Level `default:"info" help:"debug, info, warn or error" group:"log"`
	LogFormat string     `default:"text" enum:"text,json" help:"text or json" group:"log"`
}

func (l logging) logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: l.LogLevel}
	if l.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
