package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// overlay writes to dir the description, for the flag -overlay of go build, that one file
// replaces the package fmt, and returns its path.
func (t toolchain) overlay(dir, file string) (string, error) {
	small, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(t.root, "src", "fmt", "*.go"))
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			replace[file] = "" // as if it were not there
		}
	}
	first := filepath.Join(t.root, "src", "fmt", "print.go")
	if _, known := replace[first]; !known {
		return "", fmt.Errorf("%s is missing: look where the package fmt is in %s", first, t.version)
	}
	replace[first] = small
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path, err := filepath.Abs(filepath.Join(dir, "overlay.json"))
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, text, 0o600)
}
