//go:build !js

// Package main is Attaché's WebAssembly module. It runs in a browser only; this
// file lets the rest of the tree be built and checked natively.
package main

import "os"

func main() {
	_, _ = os.Stderr.WriteString("this is the browser's module: build it with GOOS=js GOARCH=wasm, or run make build\n")
	os.Exit(2)
}
