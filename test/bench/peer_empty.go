package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/andybalholm/brotli"
)

// buildEmpty writes bench/empty as it would be shipped, built and then compressed as
// hard as brotli can, and returns its size in bytes.
func buildEmpty(ctx context.Context, dir string) (int, error) {
	path := filepath.Join(dir, "empty.wasm")
	if err := buildModule(ctx, "attache/test/bench/empty", path); err != nil {
		return 0, err
	}
	plain, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var small bytes.Buffer
	w := brotli.NewWriterLevel(&small, brotli.BestCompression)
	if _, err := w.Write(plain); err != nil {
		return 0, fmt.Errorf("compress the empty module: %w", err)
	}
	if err := w.Close(); err != nil {
		return 0, fmt.Errorf("compress the empty module: %w", err)
	}
	return small.Len(), os.WriteFile(filepath.Join(dir, emptyModule), small.Bytes(), 0o600)
}

// serveEmpty sends that module the way the product's is sent.
func serveEmpty(module []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/wasm")
		w.Header().Set("Content-Encoding", "br")
		w.Header().Set("Content-Length", strconv.Itoa(len(module)))
		_, _ = w.Write(module)
	}
}
