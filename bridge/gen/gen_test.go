package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	for path, render := range outputs {
		t.Run(filepath.Base(path), func(t *testing.T) {
			have, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(path)))
			require.NoError(t, err)
			require.Equal(t, render(), string(have), "run: go generate ./bridge")
		})
	}
}

func TestQuoteEscapes(t *testing.T) {
	require.Equal(t, `'the file\'s path is C:\\a'`, quote(`the file's path is C:\a`))
}
