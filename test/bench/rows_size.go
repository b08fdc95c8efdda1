package main

import (
	"context"
	"errors"
	"fmt"

	"attache/web"
)

// moduleSize measures the module that a page loads.
func (l *lab) moduleSize(context.Context) ([]row, []runner, error) {
	ours, err := web.FS.ReadFile("dist/attache.wasm.br")
	if err != nil {
		return nil, nil, errors.New("the module is not built: run make wasm")
	}
	kilobytes := func(bytes int) *figure {
		f := figureOf(" kB", []float64{float64(bytes) / 1000})
		return &f
	}
	return []row{{
		Measured: "module, brotli", Against: "an empty Go module",
		Ours: kilobytes(len(ours)), Peer: kilobytes(l.peers.empty),
		Judged: figureOf("×", []float64{float64(len(ours)) / float64(l.peers.empty)}),
		Target: atMost(1.47), Stretch: atMost(1.40),
		Note: fmt.Sprintf("%d and %d bytes; both stripped, trimmed and compressed by the same encoder", len(ours), l.peers.empty),
	}}, nil, nil
}
