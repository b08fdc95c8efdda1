//go:build js && wasm

// Command empty is the smallest Go module a page can call: what every other
// one is measured against, in bytes and in time to start.
package main

import "syscall/js"

func main() {
	js.Global().Set("empty", js.FuncOf(func(js.Value, []js.Value) any { return nil }))
	select {}
}
