package main

import "fmt"

// sizes are the sizes that a build reports, in bytes.
type sizes struct {
	raw, gzip, brotli int
	empty             int // brotli size of an empty Go module
	memory            int // initial memory
	version           string
}

func (s sizes) String() string {
	return fmt.Sprintf("attache.wasm: %d kB, gzip %d kB, brotli %d kB = %.2f × an empty Go module (%d kB), memory %.1f MiB, %s\n",
		s.raw/1000, s.gzip/1000, s.brotli/1000, float64(s.brotli)/float64(s.empty), s.empty/1000, mib(s.memory), s.version)
}

func mib(n int) float64 { return float64(n) / (1 << 20) }
