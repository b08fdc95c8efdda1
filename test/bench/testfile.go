package main

import (
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// testFile is a file of random bytes on disk that was read once, so that it is in the
// page cache for every contender.
type testFile struct {
	path   string
	size   int64
	digest string // SHA-256, hex
}

func makeFile(dir, name string, size int64) (testFile, error) {
	f := testFile{path: filepath.Join(dir, name), size: size}
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	digest := sha256.New()
	content := io.TeeReader(io.LimitReader(rand.NewChaCha8(seed), size), digest)
	file, err := os.Create(f.path)
	if err != nil {
		return f, fmt.Errorf("make test file: %w", err)
	}
	defer file.Close()
	if _, err := io.CopyBuffer(struct{ io.Writer }{file}, content, make([]byte, mib)); err != nil {
		return f, fmt.Errorf("make test file: %w", err)
	}
	f.digest = hex.EncodeToString(digest.Sum(nil))
	return f, file.Sync()
}

func makeFiles(dir, pattern string, count int, size int64) ([]testFile, error) {
	files := make([]testFile, count)
	for i := range files {
		var err error
		if files[i], err = makeFile(dir, fmt.Sprintf(pattern, i), size); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func paths(files []testFile) []string {
	all := make([]string, len(files))
	for i, f := range files {
		all[i] = f.path
	}
	return all
}
