package cli

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// emptyMeans are the flags for which an empty value has a meaning.
var emptyMeans = []string{"admin"}

// ignoreEmpty makes an empty environment variable count as not set: Compose, Helm and
// systemd pass "" for what their files leave open, and no number, address or file is
// empty.
func ignoreEmpty(n *kong.Node, lookup func(string) (string, bool)) {
	for _, flag := range n.Flags {
		if slices.Contains(emptyMeans, flag.Name) {
			continue
		}
		flag.Tag.Envs = slices.DeleteFunc(slices.Clone(flag.Tag.Envs), func(name string) bool {
			value, set := lookup(name)
			return set && value == ""
		})
	}
	for _, child := range n.Children {
		ignoreEmpty(child, lookup)
	}
}

// strays returns the names in environ that look like settings and are not. The names
// that Kubernetes gives every pod for the services around it are left out.
func strays(n *kong.Node, environ []string) (names []string) {
	known := variables(n)
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "ATTACHE_") || name == inheritedChild || slices.Contains(known, name) {
			continue
		}
		if strings.HasSuffix(name, "_PORT") || strings.Contains(name, "_PORT_") || strings.Contains(name, "_SERVICE_") {
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// variables returns the environment variables of every command, because one
// environment may serve several.
func variables(n *kong.Node) (names []string) {
	for _, flag := range n.Flags {
		names = append(names, flag.Envs...)
	}
	for _, child := range n.Children {
		names = append(names, variables(child)...)
	}
	return names
}
