// Command pack builds the browser module:
//
//	go run ./web/pack
//
// writes to web/dist
//
//	attache.wasm      the module, with .br and .gz beside it
//	wasm_exec.js      the glue script of the toolchain that built it
//	build.js          the module's URL, integrity and Go version
//	joined/           the sources of the entry points, joined with the two above
//
// The build is reproducible: the same sources and toolchain give the same bytes. If
// neither has changed since the last run, nothing is built, so everything that needs the
// module can run this first.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"
)

func main() {
	var p packer
	flag.StringVar(&p.pkg, "pkg", "wasm", "folder of the Go package to build")
	flag.StringVar(&p.out, "out", "web/dist", "folder to write to")
	flag.StringVar(&p.fmt, "fmt", "web/pack/fmt/fmt.go", "file to build with in place of the package fmt, or nothing")
	flag.StringVar(&p.sources, "web", "web", "folder of the sources to join, or nothing")
	weight := flag.Bool("weight", false, "report how much of the module each package is, and build nothing")
	flag.Parse()
	p.report = os.Stdout
	do := p.pack
	if *weight {
		do = p.weight
	}
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

type packer struct {
	pkg, out string
	sources  string // the folder whose sources are joined with a build in its folder dist, or ""
	fmt      string // the file that replaces the package fmt, or ""
	report   io.Writer
}

func (p packer) pack() error {
	tool, err := findToolchain(p.pkg)
	if err != nil {
		return err
	}
	stamp := stampFile(filepath.Join(p.out, ".stamp"))
	inputs, err := hashInputs(tool.version, p.pkg, "bridge", "go.mod", "go.sum", "web/pack")
	if err != nil {
		return fmt.Errorf("reading the sources: %w", err)
	}
	report, ok := stamp.read(inputs)
	if !ok || !complete(p.out) {
		if report, err = p.build(tool); err != nil {
			return err
		}
		if err := stamp.write(inputs, report); err != nil {
			return err
		}
	}
	if p.sources != "" {
		if err := join(p.sources); err != nil {
			return fmt.Errorf("joining the sources: %w", err)
		}
	}
	_, err = fmt.Fprint(p.report, report)
	return err
}

// build writes all files to a temporary folder and moves them when they are complete, so a
// failed or concurrent run never leaves a mixed set.
func (p packer) build(tool toolchain) (string, error) {
	if err := os.MkdirAll(p.out, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(p.out, ".pack-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)

	flags, err := p.flags(tool, tmp)
	if err != nil {
		return "", err
	}
	module, err := tool.build(p.pkg, filepath.Join(tmp, moduleFile), flags...)
	if err != nil {
		return "", err
	}
	memory, err := initialMemory(module)
	if err != nil {
		return "", err
	}
	if memory > maxMemory {
		return "", fmt.Errorf("the module starts with %.1f MiB of memory, more than %d MiB: "+
			"look for a package with large global tables", mib(memory), maxMemory>>20)
	}

	sizes := sizes{raw: len(module), memory: memory, version: tool.version}
	var work errgroup.Group
	work.Go(func() (err error) {
		sizes.brotli, err = writeBrotli(filepath.Join(tmp, moduleFile+".br"), module)
		return err
	})
	work.Go(func() (err error) {
		sizes.gzip, err = writeGzip(filepath.Join(tmp, moduleFile+".gz"), module)
		return err
	})
	work.Go(func() (err error) {
		sizes.empty, err = tool.emptySize()
		return err
	})
	if err := work.Wait(); err != nil {
		return "", err
	}
	if err := tool.copyGlue(filepath.Join(tmp, glueFile)); err != nil {
		return "", err
	}
	if err := writeManifest(filepath.Join(tmp, manifestFile), module, tool.version); err != nil {
		return "", err
	}
	return sizes.String(), moveIn(tmp, p.out)
}

// flags are those of the module's build that make it smaller.
func (p packer) flags(tool toolchain, tmp string) ([]string, error) {
	if p.fmt == "" {
		return notInlined, nil
	}
	overlay, err := tool.overlay(tmp, p.fmt)
	return append(slices.Clone(notInlined), "-overlay="+overlay), err
}
