// Package main is the WebAssembly module: it decides everything about a page's
// sessions (sockets, protocol, offsets, credit, retries, limits, errors) and
// leaves to JavaScript what only that can do well, reading files into one reused
// buffer and making promises and events.
//
// The border is narrow. The loader names a function in argv[1]; main hands it an
// object of functions (export_js.go) once. A page's session is known on both
// sides by a number, its half here being [session]. JavaScript calls the
// functions with strings and numbers; a session answers through the one function
// it was opened with, with a word, a call's number and a JSON text.
//
// Nothing here blocks and nothing ends the program. Every entrance, be it a call
// of the page's, an event of a socket's or a timer, is a turn (turn_js.go): turns
// run one after the other, and a panic in one is an error of what it served.
package main

import (
	"os"
	"runtime"

	"github.com/hack-pad/safejs"
)

func main() {
	if len(os.Args) < 2 {
		complain("the loader names no function in argv[1]")
		return
	}
	functions, err := exports(newPage(wallClock()))
	if err == nil {
		_, err = safejs.Global().Call(os.Args[1], functions, runtime.Version())
	}
	if err != nil {
		complain(err.Error())
		return
	}
	select {}
}
