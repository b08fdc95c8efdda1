// Command gen writes the parts of package bridge that JavaScript needs:
//
//	web/codes.js     the catalogue of codes, and every closed list, as values
//	web/codes.d.ts   the same lists as closed unions, for the types
//
// Run `go generate ./bridge` after changing one of those lists; a test fails while
// the files are out of date.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// outputs are the generated files, by their path from the package's folder.
var outputs = map[string]func() string{
	"../web/codes.js":   module,
	"../web/codes.d.ts": types,
}

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func write() error {
	for path, render := range outputs {
		if err := os.WriteFile(filepath.FromSlash(path), []byte(render()), 0o644); err != nil {
			return fmt.Errorf("write the JavaScript files: %w", err)
		}
	}
	return nil
}
