package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// emptySize returns the brotli size of a Go module that does nothing, the cost of Go itself,
// to compare ours with. Measuring takes seconds and depends on the toolchain only, so the
// result is cached in the user's cache folder.
func (t toolchain) emptySize() (int, error) {
	cache, cached := "", 0
	if dir, err := os.UserCacheDir(); err == nil {
		cache = filepath.Join(dir, "attache", "callable-"+t.version+".size")
		text, _ := os.ReadFile(cache)
		cached, _ = strconv.Atoi(string(text))
	}
	if cached > 0 {
		return cached, nil
	}
	size, err := t.measureEmpty()
	if err != nil {
		return 0, fmt.Errorf("measuring an empty module: %w", err)
	}
	if cache != "" && os.MkdirAll(filepath.Dir(cache), 0o755) == nil {
		// Without the cache the next build is only slower.
		_ = os.WriteFile(cache, []byte(strconv.Itoa(size)), 0o644)
	}
	return size, nil
}

// emptySource is a module with one function that a page can call.
const emptySource = `package main

import "syscall/js"

func main() {
	js.Global().Set("empty", js.FuncOf(func(js.Value, []js.Value) any { return nil }))
	select {}
}
`

func (t toolchain) measureEmpty() (int, error) {
	dir, err := os.MkdirTemp("", "empty-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{
		"go.mod":  "module empty\n\ngo 1.26\n",
		"main.go": emptySource,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return 0, err
		}
	}
	module, err := t.build(dir, filepath.Join(dir, moduleFile))
	if err != nil {
		return 0, err
	}
	return writeBrotli(filepath.Join(dir, moduleFile+".br"), module)
}
