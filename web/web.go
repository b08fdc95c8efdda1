// Package web is what front-end developers import, carried in the binary: the
// ES modules of this folder, their types, and the built WebAssembly module.
//
// The same folder is an npm package. Nothing in it is bundled: the files that a
// browser gets are the files that stand here.
package web

import (
	"embed"
	"io/fs"
	"net/http"
)

// FS holds the folder's public files. Those under dist are missing until `make`
// has built them.
//
//go:embed *.js *.css *.d.ts locales dist
var FS embed.FS

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

// HandlerOf is [Handler] for a folder other than FS.
func HandlerOf(files fs.FS) http.Handler { return newHandler(files) }
