package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// weight reports how much code of a module each package has, and its functions that are
// longest. The module is built once more for it, with the names of functions, which the one
// for the web lacks.
func (p packer) weight() error {
	tool, err := findToolchain(p.pkg)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "attache-weight-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	flags, err := p.flags(tool, tmp)
	if err != nil {
		return err
	}
	module, err := tool.build(p.pkg, filepath.Join(tmp, moduleFile), append(flags, "-ldflags=-buildid=")...)
	if err != nil {
		return err
	}
	w, err := weigh(module)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.report, "%8s  %s\n", "bytes", "package")
	for _, name := range heaviest(w.packages) {
		fmt.Fprintf(p.report, "%8d  %s\n", w.packages[name], name)
	}
	fmt.Fprintf(p.report, "%8d  (data of all packages)\n\n%8s  %s\n", w.data, "bytes", "function")
	for _, name := range heaviest(w.functions)[:min(40, len(w.functions))] {
		fmt.Fprintf(p.report, "%8d  %s\n", w.functions[name], name)
	}
	return nil
}

// weights are bytes of code by package and by function, and of data.
type weights struct {
	packages, functions map[string]int
	data                int
}

func weigh(module []byte) (weights, error) {
	w := weights{packages: map[string]int{}, functions: map[string]int{}}
	imported, names, sizes := 0, map[int]string{}, []int(nil)
	err := sections(module, func(id byte, s *section) error {
		switch id {
		case importSection:
			imported = s.number() // Go's modules import nothing but functions
		case codeSection:
			for range s.number() {
				sizes = append(sizes, len(s.part()))
			}
		case dataSection:
			w.data = len(s.rest)
		case customSection:
			if string(s.part()) == "name" {
				s.functionNames(names)
			}
		}
		return s.err
	})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("the module has no names of functions")
	}
	for i, size := range sizes {
		name := names[imported+i]
		w.functions[name] += size
		w.packages[packageOf(name)] += size
	}
	return w, err
}

// functionNames reads the name section.
func (s *section) functionNames(names map[int]string) {
	const functions = 1
	for len(s.rest) > 0 {
		kind, body := s.byte(), &section{rest: s.part()}
		if kind != functions {
			continue
		}
		for range body.number() {
			i := body.number()
			names[i] = string(body.part())
		}
		s.err = cmp.Or(s.err, body.err)
	}
}

// packageOf returns the package of a function: internal/poll.(*FD).Read.
func packageOf(function string) string {
	if i := strings.IndexByte(function, '['); i >= 0 {
		function = function[:i] // the types of a generic function have packages of their own
	}
	slash := strings.LastIndexByte(function, '/') + 1
	dot := strings.IndexByte(function[slash:], '.')
	if dot < 0 {
		return "(runtime's own)"
	}
	return function[:slash+dot]
}

// heaviest returns the names, the heaviest first.
func heaviest(sizes map[string]int) []string {
	return slices.SortedFunc(maps.Keys(sizes), func(a, b string) int {
		return cmp.Or(sizes[b]-sizes[a], strings.Compare(a, b))
	})
}
