// Package joined knows the files into which web/pack joins the sources of the public entry
// points, so that a page loads a few files instead of a hundred.
//
// They lie in [Dir] of the folder web, and are served in place of the sources of the same
// name, as long as they were made from these sources: [Digest] tells. All share the state of
// [Core], as the program that runs and the classes of errors.
package joined

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

const (
	Dir   = "dist/joined"
	Core  = "attache.js" // the entry point from which the others import
	Stamp = "sources"    // the file with the digest of the sources
)

// Entries are the public entry points.
var Entries = []string{Core, "element.js", "loader.js", "testing.js"}

// built are the files of a build that are joined, too.
var built = []string{"dist/build.js", "dist/wasm_exec.js"}

// Digest returns the digest of all that is joined. It fails if a part of it is missing.
func Digest(web fs.FS) (string, error) {
	h := sha256.New()
	add := func(name string) error {
		text, err := fs.ReadFile(web, name)
		if err == nil {
			fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
		}
		return err
	}
	for _, name := range append(built, Entries...) {
		if err := add(name); err != nil {
			return "", err
		}
	}
	for _, folder := range []string{"session", "widget"} {
		err := fs.WalkDir(web, folder, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Ext(name) != ".js" {
				return err
			}
			return add(name)
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Of returns the joined files of web, or false if there are none or they were made from
// other sources.
func Of(web fs.FS) (fs.FS, bool) {
	stamp, err := fs.ReadFile(web, path.Join(Dir, Stamp))
	if err != nil {
		return nil, false
	}
	digest, err := Digest(web)
	if err != nil || strings.TrimSpace(string(stamp)) != digest {
		return nil, false
	}
	files, err := fs.Sub(web, Dir)
	return files, err == nil
}
