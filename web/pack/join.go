package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"attache/web/joined"
)

// join joins the sources of the entry points in web with what a build has written to
// web/dist, and writes them to [joined.Dir]. It takes some milliseconds, so it is done on
// every run; files that have not changed are left as they are.
func join(web string) error {
	digest, err := joined.Digest(os.DirFS(web))
	if err != nil {
		return fmt.Errorf("reading what is to be joined: %w", err)
	}
	if _, current := joined.Of(os.DirFS(web)); current {
		return nil
	}
	files, err := bundle(web)
	if err != nil {
		return err
	}
	out := filepath.Join(web, joined.Dir)
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		if err := writeJoined(filepath.Join(out, filepath.Base(f.Path)), f.Contents); err != nil {
			return err
		}
	}
	// The last file: without it the others are not served.
	return os.WriteFile(filepath.Join(out, joined.Stamp), []byte(digest+"\n"), 0o644)
}

func writeJoined(path string, text []byte) error {
	if err := os.WriteFile(path, text, 0o644); err != nil || filepath.Ext(path) != ".js" {
		return err
	}
	if _, err := writeBrotli(path+".br", text); err != nil {
		return err
	}
	_, err := writeGzip(path+".gz", text)
	return err
}

// bundle joins as if the result lay in web itself, where it is served: the session API and
// what it needs into attache.js, each other entry point into a file that imports from that
// one. All share its state: the program that runs, and the classes of errors.
func bundle(web string) ([]api.OutputFile, error) {
	web, err := filepath.Abs(web)
	if err != nil {
		return nil, err
	}
	core, err := newCore(web)
	if err != nil {
		return nil, err
	}
	// One at a time: esbuild has a data race when entry points share a module of a plugin.
	var others []api.OutputFile
	for _, entry := range joined.Entries {
		if entry == joined.Core {
			continue
		}
		files, err := build(web, api.BuildOptions{EntryPoints: []string{entry}, Outdir: web, Plugins: []api.Plugin{core.imported()}})
		if err != nil {
			return nil, err
		}
		others = append(others, files...)
	}
	main, err := build(web, api.BuildOptions{
		Stdin:   &api.StdinOptions{Contents: core.source(others), ResolveDir: web, Sourcefile: "joined.js"},
		Outfile: filepath.Join(web, joined.Core),
		Plugins: []api.Plugin{parts()},
	})
	return append(main, others...), err
}

func build(web string, o api.BuildOptions) ([]api.OutputFile, error) {
	o.AbsWorkingDir, o.AllowOverwrite = web, true
	o.Bundle, o.Format, o.Target, o.Charset = true, api.FormatESModule, api.ES2022, api.CharsetUTF8
	o.MinifyWhitespace, o.MinifySyntax, o.MinifyIdentifiers = true, true, true
	o.LegalComments, o.Sourcemap = api.LegalCommentsNone, api.SourceMapLinked
	result := api.Build(o)
	return result.OutputFiles, failed(result.Errors)
}

func failed(messages []api.Message) error {
	if len(messages) == 0 {
		return nil
	}
	return errors.New(strings.Join(api.FormatMessages(messages, api.FormatMessagesOptions{}), ""))
}
