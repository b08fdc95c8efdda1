package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// The sections of a module that are read here (WebAssembly core specification, §5.5).
const (
	customSection = 0
	importSection = 2
	memorySection = 5
	codeSection   = 10
	dataSection   = 11
)

var errCut = errors.New("cut short")

// sections calls visit with each section of a module until it returns an error.
func sections(module []byte, visit func(id byte, body *section) error) error {
	rest, ok := bytes.CutPrefix(module, []byte("\x00asm\x01\x00\x00\x00"))
	if !ok {
		return errors.New("not a WebAssembly module")
	}
	s := &section{rest: rest}
	for len(s.rest) > 0 && s.err == nil {
		id := s.byte()
		body := s.part()
		if s.err != nil {
			return fmt.Errorf("section %d is %w", id, s.err)
		}
		if err := visit(id, &section{rest: body}); err != nil {
			return err
		}
	}
	return nil
}

// section reads the binary format. After the first error all that it reads is zero.
type section struct {
	rest []byte
	err  error
}

func (s *section) byte() byte {
	b := s.take(1)
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

func (s *section) number() int {
	n, length := binary.Uvarint(s.rest)
	if length <= 0 || n > 1<<32 {
		s.rest, s.err = nil, errCut
		return 0
	}
	s.rest = s.rest[length:]
	return int(n)
}

func (s *section) take(n int) []byte {
	if n > len(s.rest) {
		s.rest, s.err = nil, errCut
		return nil
	}
	taken := s.rest[:n]
	s.rest = s.rest[n:]
	return taken
}

// part is a byte vector: its length, and the bytes.
func (s *section) part() []byte { return s.take(s.number()) }
