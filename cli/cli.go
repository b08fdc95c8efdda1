// Package cli is the command attache. Each subcommand has a file, which turns flags
// into the options of packages; mistakes.go reports every mistake in them at once.
// service.go runs the listeners until a signal and then shuts down gracefully;
// supervisor.go and child.go are the demo's two processes. What the command runs is
// in the packages proxy and web, and below them. Start reading at [Main].
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
	"attache/proxy/chat"
	"attache/proxy/gms"
	"attache/proxy/named"

	"github.com/alecthomas/kong"
)

// The voice of the command, in one place:
//   - what a person needs goes to standard output: an address, a token
//   - everything else is the log, on standard error
//   - no capitals at the start, no full stop at the end
//   - an error says what was attempted, what is wrong, and what to do

// command has every flag and subcommand; kong derives the help from it.
type command struct {
	Demo    demo           `cmd:"" help:"start everything on this machine, with a page to try it; needs no configuration"`
	Serve   serve          `cmd:"" help:"run the proxy"`
	Backend backendCommand `cmd:"" help:"run a Chat Server and document store for proxies in other processes"`
	Conform conform        `cmd:"" help:"check that a backend implements the contract (docs/backend.md)"`
	Limits  limitsCommand  `cmd:"" help:"print or change the limits of files of a running proxy"`
	Audit   auditCommand   `cmd:"" help:"check audit files, and name the first line that was changed or removed"`
	Backup  backupCommand  `cmd:"" help:"copy a data directory, also while a process uses it"`
	Restore restoreCommand `cmd:"" help:"make a data directory of a backup"`

	Transcript transcriptCommand `cmd:"" help:"write chat sessions' transcripts in the vendor's XML, also while a proxy runs"`

	Token   tokenCommand `cmd:"" help:"issue a token for one party of one chat session"`
	Version version      `cmd:"" help:"print the release"`
}

// softMemory is the memory limit, in bytes, above which the garbage collector works
// harder; GOMEMLIMIT overrides it. Without a limit the engine caches what it has
// read and written lately, which comes to several times what is in use.
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

// streams are the outputs of a command, and what else it gets from its process.
type streams struct {
	out, log io.Writer
	strays   []string // environment variables that look like settings and are not
	page     []byte   // of the demo
}

// warn logs the environment variables that set nothing.
func (s streams) warn(log *slog.Logger) {
	for _, name := range s.strays {
		log.Warn("environment variable sets nothing", "name", name, "hint", "attache serve --help lists the names")
	}
}

// run is Main without its process: it returns the exit code. It is 2 for a usage
// error and 1 for any other.
func run(page []byte, args []string, out, log io.Writer) int {
	var c command
	code := -1
	parser, err := kong.New(&c, options(out, log, &code)...)
	if err != nil {
		fmt.Fprintln(log, "attache:", err)
		return 1
	}
	parser.Model.HelpFlag.Help = "print this help"
	ignoreEmpty(parser.Model.Node, os.LookupEnv)
	parsed, err := parser.Parse(completeGMS(joinNegatives(aliased(args))))
	if code >= 0 {
		return code
	}
	if err != nil {
		fmt.Fprintf(log, "attache: %v\nattache: see %s --help\n", err, selected(err))
		return 2
	}
	if err := parsed.Run(streams{out, log, strays(parser.Model.Node, os.Environ()), page}); err != nil {
		fmt.Fprintln(log, "attache:", err)
		return 1
	}
	return 0
}

// selected names the command whose usage was wrong.
func selected(err error) string {
	var usage *kong.ParseError
	if errors.As(err, &usage) && usage.Context != nil && usage.Context.Selected() != nil {
		return "attache " + usage.Context.Selected().Path()
	}
	return "attache"
}

func options(out, log io.Writer, code *int) []kong.Option {
	return []kong.Option{
		kong.Name("attache"),
		kong.Description("file transfer for browser chat pages\n\nevery flag can also be set by the environment variable named beside it; an empty variable counts as not set"),
		kong.Writers(out, log),
		kong.Exit(func(c int) { *code = c }),
		kong.DefaultEnvars("ATTACHE"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.Help(help),
		kong.NamedMapper("path", pathMapper),
		kong.Vars{"data": dataDir()},
	}
}

// help corrects kong's text for two flags of which one is required, because kong writes that
// both are, and for --gms, whose value is optional, and adds the options that are set by name.
func help(o kong.HelpOptions, ctx *kong.Context) error {
	out := ctx.Stdout
	defer func() { ctx.Stdout = out }()
	var text strings.Builder
	ctx.Stdout = &text
	if err := kong.DefaultHelpPrinter(o, ctx); err != nil {
		return err
	}
	if n := ctx.Selected(); n != nil && slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == "chat-option" }) {
		text.WriteString(optionHelp("--chat-option", chat.NamedOptions))
	}
	if n := ctx.Selected(); n != nil && slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == "gms-option" }) {
		text.WriteString(optionHelp("--gms-option", gms.NamedOptions))
	}
	if n := ctx.Selected(); n != nil && slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == "ucs-option" }) {
		text.WriteString(ucsOptionHelp())
	}
	if n := ctx.Selected(); n != nil && slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == "gws-option" }) {
		text.WriteString(gwsOptionHelp())
	}
	_, err := io.WriteString(out, strings.NewReplacer(
		"--data=DIR --nats=URL", "(--data=DIR | --nats=URL)",
		"--gms=URL  ", "--gms[=URL]", // as wide
	).Replace(text.String()))
	return err
}

// optionHelp lists the options of a flag with their defaults.
func optionHelp[O any](flag string, t named.Table[O]) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nOptions for %s, with their defaults (docs/operating.md says where they are from):\n", flag)
	for _, n := range t.Rows {
		fmt.Fprintf(&b, "  %s=%s\n      %s (%s)\n", n.Name, n.Default, n.Help, n.Values)
	}
	return b.String()
}

type version struct{}

// Run prints the release.
func (version) Run(s streams) error {
	fmt.Fprintln(s.out, "attache", release())
	return nil
}

// release is the version that the build set, or else the one the toolchain recorded.
func release() string {
	if bridge.Version != "dev" {
		return bridge.Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return bridge.Version
}

// logFlags configure the log.
type logFlags struct {
	LogLevel  slog.Level `default:"info" help:"debug, info, warn or error" group:"log"`
	LogFormat string     `default:"text" enum:"text,json" help:"text or json" group:"log"`
}

func (f logFlags) logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: f.LogLevel}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
