// Package main is the WebAssembly module: wasm/client, which decides everything about
// a page's sessions, and the border to JavaScript. JavaScript does only what it alone
// can do well: read files into one reused buffer, and make promises and events.
//
// The border is narrow. The loader names a function in argv[1]; main passes it an
// object of functions (export_js.go) once. A session is known on both sides by its
// handle, a number. JavaScript calls the functions with strings and numbers. A
// session reports by calling the function that it was opened with, once at the end of each
// task; the arguments are a word, a call's number and a JSON text for each report.
//
// Nothing here blocks and nothing ends the program.
package main

import (
	"os"
	"runtime"

	"github.com/hack-pad/safejs"
)

func main() {
	if len(os.Args) < 2 {
		logError("the loader names no function in argv[1]")
		return
	}
	functions, err := newPage().exports()
	if err == nil {
		_, err = safejs.Global().Call(os.Args[1], functions, runtime.Version())
	}
	if err != nil {
		logError(err.Error())
		return
	}
	select {}
}

// logError writes to the browser's console.
func logError(text string) {
	if console, err := safejs.Global().Get("console"); err == nil {
		_, _ = console.Call("error", "attache: "+text)
	}
}
