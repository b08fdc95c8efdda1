package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"

	"github.com/andybalholm/brotli"
)

// writeBrotli and writeGzip compress at the highest level, because a file is compressed
// once and downloaded often. They return the size.

func writeBrotli(path string, data []byte) (int, error) {
	var b bytes.Buffer
	return writeCompressed(path, &b, brotli.NewWriterLevel(&b, brotli.BestCompression), data)
}

func writeGzip(path string, data []byte) (int, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	return writeCompressed(path, &b, w, data)
}

func writeCompressed(path string, b *bytes.Buffer, w io.WriteCloser, data []byte) (int, error) {
	if _, err := w.Write(data); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return b.Len(), os.WriteFile(path, b.Bytes(), 0o644)
}
