package cli

import (
	"embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed samples
var samples embed.FS

// sampleResponses returns a directory in data with a few standard responses for the demo. It
// is written once, so that a person may change it.
func sampleResponses(data string) (string, error) {
	dir := filepath.Join(data, "responses")
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	content, err := fs.Sub(samples, "samples")
	if err != nil {
		return "", err
	}
	return dir, os.CopyFS(dir, content)
}
