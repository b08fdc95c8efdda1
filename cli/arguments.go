package cli

import (
	"slices"
	"strings"
)

// aliased accepts what other commands understand: --version, and help COMMAND.
func aliased(args []string) []string {
	switch {
	case len(args) == 1 && (args[0] == "--version" || args[0] == "-v" || args[0] == "-V"):
		return []string{"version"}
	case len(args) > 0 && args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	}
	return args
}

// joinNegatives rewrites --flag -1 as --flag=-1. That is unambiguous: no flag here has
// one letter, and none begins with a digit.
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

// completeGMS rewrites --gms without an address as --gms=serve: alone, it serves GMS' Chat API,
// and with an address it names the GMS that customers are relayed to.
func completeGMS(args []string) []string {
	complete := slices.Clone(args)
	for i, arg := range complete {
		if arg == "--" {
			break
		}
		if arg == "--gms" && (i+1 == len(args) || strings.HasPrefix(args[i+1], "-")) {
			complete[i] = "--gms=" + gmsServed
		}
	}
	return complete
}

// negative reports whether arg is a number such as -1, -1.5 or -72h, and not a flag.
func negative(arg string) bool {
	after, minus := strings.CutPrefix(arg, "-")
	after = strings.TrimPrefix(after, ".")
	return minus && after != "" && '0' <= after[0] && after[0] <= '9'
}
