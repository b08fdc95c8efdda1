package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// storing is the peer that does the minimum of an upload, over HTTP: it hashes
// the body, writes it to a file and syncs that before it answers.
func storing(dir string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := newSink(dir)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer s.file.Close()
		if err := s.take(r.Body, make([]byte, 256*kib)); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		digest, err := s.finish()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, digest)
	}
}

// discarding is the peer that only reads: the upper limit of what the browser sends.
func discarding(w http.ResponseWriter, r *http.Request) {
	buffer := make([]byte, 256*kib)
	var total int64
	for {
		n, err := r.Body.Read(buffer)
		total += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	_, _ = io.WriteString(w, strconv.FormatInt(total, 10))
}

// sink writes bytes to a file and hashes them on the way.
type sink struct {
	file   *os.File
	digest hash.Hash
}

func newSink(dir string) (*sink, error) {
	file, err := os.CreateTemp(dir, "put-*")
	if err != nil {
		return nil, fmt.Errorf("open sink: %w", err)
	}
	return &sink{file: file, digest: sha256.New()}, nil
}

func (s *sink) take(r io.Reader, buffer []byte) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(s.file, s.digest)}, struct{ io.Reader }{r}, buffer)
	return err
}

func (s *sink) finish() (string, error) {
	if err := s.file.Sync(); err != nil {
		return "", fmt.Errorf("sync sink: %w", err)
	}
	return hex.EncodeToString(s.digest.Sum(nil)), nil
}

// emptied removes everything in dir, but not dir itself.
func emptied(dir string) func() error {
	return func() error {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
		return nil
	}
}

// putting is a contender that PUTs the page's chosen file to path and expects
// that answer.
func (l *lab) putting(name, path, answer string) contender {
	return l.puttingBy("put", name, path, answer)
}

// puttingEach is a contender that PUTs all chosen files, one after another, and expects
// that answer to the last one.
func (l *lab) puttingEach(name, path, answer string) contender {
	return l.puttingBy("putEach", name, path, answer)
}

func (l *lab) puttingBy(call, name, path, answer string) contender {
	return contender{
		name: name, page: l.peers.page, address: l.peers.address, server: l.peers.process.Pid, clean: emptied(l.peers.store),
		run: func(ctx context.Context) (time.Duration, error) {
			return l.peers.timed(ctx, fmt.Sprintf("bench.%s(%q)", call, path), answer)
		},
	}
}
