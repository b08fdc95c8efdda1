package main

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"attache/web/joined"
)

// core is what the joined entry points share: the modules of the folder session, the loader
// and the session API itself. The joined attache.js exports its own names, and those of the
// others with a prefix that begins with an underscore.
type core struct {
	web     string
	exports map[string][]string // by module, a path in web
}

func newCore(web string) (core, error) {
	c := core{web: web, exports: map[string][]string{}}
	files, err := filepath.Glob(filepath.Join(web, "session", "*.js"))
	if err != nil {
		return c, err
	}
	for _, file := range append(files, filepath.Join(web, "loader.js"), filepath.Join(web, joined.Core)) {
		if strings.HasPrefix(filepath.Base(file), "fake") {
			continue // for testing.js alone
		}
		result := api.Build(api.BuildOptions{EntryPoints: []string{file}, AbsWorkingDir: web, Format: api.FormatESModule, Metafile: true})
		if err := failed(result.Errors); err != nil {
			return c, err
		}
		names, err := exportsOf(result.Metafile)
		if err != nil {
			return c, err
		}
		name, err := filepath.Rel(web, file)
		if err != nil {
			return c, err
		}
		c.exports[filepath.ToSlash(name)] = names
	}
	return c, nil
}

// source is the source of the joined attache.js: what attache.js exports, and what the other
// entry points import.
func (c core) source(others []api.OutputFile) string {
	imported := func(name string) bool {
		return slices.ContainsFunc(others, func(f api.OutputFile) bool {
			return filepath.Ext(f.Path) == ".js" && bytes.Contains(f.Contents, []byte(name))
		})
	}
	var b strings.Builder
	for _, module := range slices.Sorted(maps.Keys(c.exports)) {
		for _, name := range c.exports[module] {
			if module != joined.Core && !imported(outer(module, name)) {
				continue
			}
			fmt.Fprintf(&b, "export { %s as %s } from './%s';\n", name, outer(module, name), module)
		}
	}
	return b.String()
}

// outer returns the name by which the joined attache.js exports a module's name.
func outer(module, name string) string {
	if module == joined.Core {
		return name
	}
	return "_" + strings.TrimSuffix(filepath.Base(module), ".js") + "_" + name
}

// imported makes the other entry points import the shared modules from the joined
// attache.js.
func (c core) imported() api.Plugin {
	const shared = "shared"
	return api.Plugin{Name: shared, Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `^\.`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			if args.Namespace == shared {
				return api.OnResolveResult{Path: "./" + joined.Core, External: true, SideEffects: api.SideEffectsFalse}, nil
			}
			name, err := filepath.Rel(c.web, filepath.Join(args.ResolveDir, args.Path))
			if name = filepath.ToSlash(name); err != nil || c.exports[name] == nil {
				return api.OnResolveResult{}, err
			}
			return api.OnResolveResult{Path: name, Namespace: shared, SideEffects: api.SideEffectsFalse}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: shared}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			var b strings.Builder
			for _, name := range c.exports[args.Path] {
				fmt.Fprintf(&b, "export { %s as %s } from './%s';\n", outer(args.Path, name), name, joined.Core)
			}
			text := b.String()
			return api.OnLoadResult{Contents: &text}, nil
		})
	}}
}
