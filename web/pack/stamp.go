package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stampFile has the hash of the last build's inputs, and its report.
type stampFile string

func (f stampFile) read(inputs string) (report string, ok bool) {
	text, err := os.ReadFile(string(f))
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(string(text), inputs+"\n")
}

func (f stampFile) write(inputs, report string) error {
	return os.WriteFile(string(f), []byte(inputs+"\n"+report), 0o644)
}

// hashInputs hashes the toolchain's version and the Go sources in paths, without tests. A
// path that does not exist counts as empty.
func hashInputs(version string, paths ...string) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", version)
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && path == root {
				return nil
			}
			if err != nil || d.IsDir() || (path != root && !isSource(path)) {
				return err
			}
			return hashFile(h, path)
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func isSource(path string) bool {
	return strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
}

func hashFile(h io.Writer, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(h, "%s %d\n", filepath.ToSlash(path), len(text))
	_, err = h.Write(text)
	return err
}
