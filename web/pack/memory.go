package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxMemory is the limit for the module's initial memory, in bytes. A single package with a
// large zeroed table can multiply it unnoticed, because zeroed pages are not in the file.
const maxMemory = 8 << 20

const (
	pageSize      = 64 << 10
	memorySection = 5
)

var errNoMemory = errors.New("the module declares no memory")

// initialMemory returns a module's initial memory in bytes, from its memory section
// (WebAssembly core specification, §5.5.8).
func initialMemory(module []byte) (int, error) {
	body, ok := bytes.CutPrefix(module, []byte("\x00asm\x01\x00\x00\x00"))
	if !ok {
		return 0, errors.New("not a WebAssembly module")
	}
	r := bytes.NewReader(body)
	for {
		id, err := r.ReadByte()
		if errors.Is(err, io.EOF) {
			return 0, errNoMemory
		}
		size, err := binary.ReadUvarint(r)
		if err != nil || size > uint64(r.Len()) {
			return 0, fmt.Errorf("section %d is cut short", id)
		}
		if id == memorySection {
			return firstLimit(r)
		}
		if _, err := r.Seek(int64(size), io.SeekCurrent); err != nil {
			return 0, err
		}
	}
}

// firstLimit reads the count of memories, the flags and the initial pages.
func firstLimit(r io.ByteReader) (int, error) {
	count, err := binary.ReadUvarint(r)
	if err != nil {
		return 0, fmt.Errorf("memory section: %w", err)
	}
	if count == 0 {
		return 0, errNoMemory
	}
	if _, err := r.ReadByte(); err != nil {
		return 0, fmt.Errorf("memory section: %w", err)
	}
	pages, err := binary.ReadUvarint(r)
	if err != nil {
		return 0, fmt.Errorf("memory section: %w", err)
	}
	return int(pages) * pageSize, nil
}
