// Package web is what front-end developers import, carried in the binary: the
// ES modules of this folder, their types, and the built WebAssembly module.
//
// The same folder is an npm package. Nothing in it is bundled: the files that a
// browser gets are the files in this folder:
//
//	attache.js, element.js, …   what pages import
//	session/                    the parts of the session API
//	widget/                     the parts of <attache-chat>, a client of session/
//	dist/                       the WebAssembly module, once it is built
//	demo/                       the demo page's scripts, not in the npm package
package web

import (
	"embed"
	"io/fs"
	"net/http"
)

// FS holds the folder's public files. Those under dist are missing until `make`
// has built them.
//
//go:embed *.js *.d.ts session widget dist
var FS embed.FS

// Demo holds the scripts of the demo page, which neither a production proxy nor
// the npm package carries.
//
//go:embed demo
var Demo embed.FS

// Handler serves FS. Paths start at the root: mount it with [http.StripPrefix].
//
// Pages of every origin may import the files, because a page usually lives on
// another origin than the proxy, and none of them is secret. A URL that names
// its content, ?v= with the first digits of the file's SHA-256, may be cached
// forever; every other one is revalidated by ETag.
//
// While the module is not built, what would be in dist answers 503 with a
// sentence that says so.
func Handler() http.Handler { return HandlerOf(FS) }

// HandlerOf is [Handler] for other folders than FS; where two have a file of one
// path, the last serves it.
func HandlerOf(folders ...fs.FS) http.Handler { return newHandler(folders...) }
