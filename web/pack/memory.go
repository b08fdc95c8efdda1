package main

import (
	"errors"
	"fmt"
)

// maxMemory is the limit for the module's initial memory, in bytes. A single package with a
// large zeroed table can multiply it unnoticed, because zeroed pages are not in the file.
const maxMemory = 8 << 20

const pageSize = 64 << 10

var errNoMemory = errors.New("the module declares no memory")

// initialMemory returns a module's initial memory in bytes, from its memory section.
func initialMemory(module []byte) (int, error) {
	memory, found := 0, false
	err := sections(module, func(id byte, s *section) error {
		if id != memorySection {
			return nil
		}
		found = s.number() > 0
		s.byte() // the flags
		memory = s.number() * pageSize
		if found && s.err != nil {
			return fmt.Errorf("memory section: %w", s.err)
		}
		return nil
	})
	if err == nil && !found {
		err = errNoMemory
	}
	return memory, err
}
