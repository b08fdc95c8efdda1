//go:build js && wasm

// Command probe is the module that the loader's tests load. It passes its object to
// the loader as the product does, or fails in the way that the global variable probe
// names.
package main

import (
	"os"
	"runtime"
	"syscall/js"
	"time"
)

func main() {
	version := runtime.Version()
	switch js.Global().Get("probe").String() {
	case "ends early":
		os.Exit(4)
	case "traps":
		js.Global().Get("trap")
	case "other version":
		version = "go1.0"
	case "waits":
		time.AfterFunc(time.Hour, func() {})
	}
	js.Global().Call(os.Args[1], js.ValueOf(map[string]any{
		"argv":  len(os.Args),
		"echo":  js.FuncOf(func(_ js.Value, args []js.Value) any { return args[0] }),
		"exit":  js.FuncOf(func(_ js.Value, args []js.Value) any { os.Exit(args[0].Int()); return nil }),
		"trap":  js.FuncOf(func(_ js.Value, args []js.Value) any { return js.Global().Get("trap") }),
		"panic": js.FuncOf(func(js.Value, []js.Value) any { panic("on purpose") }),
	}), version)
	select {}
}
