package main

import (
	"os"
	"path/filepath"
)

// The files of a finished build.
const (
	moduleFile   = "attache.wasm"
	glueFile     = "wasm_exec.js"
	manifestFile = "build.js"
)

// outputs lists the files in the order in which they are moved: the manifest names the
// others, so it is last.
var outputs = []string{moduleFile, moduleFile + ".br", moduleFile + ".gz", glueFile, manifestFile}

func complete(dir string) bool {
	for _, name := range outputs {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

func moveIn(from, to string) error {
	for _, name := range outputs {
		if err := os.Rename(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}
