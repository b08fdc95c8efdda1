// Package web embeds the files that front-end developers import: the ES modules of this
// folder, their types, and the built WebAssembly module.
//
// The folder is also an npm package. Nothing in it is bundled: browsers load these files
// as they are:
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

// FS has the folder's public files. Those in dist are missing until `make` has built them.
//
//go:embed *.js *.d.ts session widget dist
var FS embed.FS

// Demo has the scripts of the demo page, which are neither in the npm package nor served by
// a production proxy.
//
//go:embed demo
var Demo embed.FS

// Handler serves FS at the root: mount it with [http.StripPrefix].
//
// Pages of every origin may import the files, because a page usually has another origin
// than the proxy, and no file is secret. A URL that names its content, ?v= with the first
// digits of the file's SHA-256, may be cached forever; all others are revalidated by ETag.
//
// As long as the module is not built, paths in dist are answered with 503 and the reason.
func Handler() http.Handler { return HandlerOf(FS) }

// HandlerOf is [Handler] for other folders than FS. If two have a file of the same path,
// the last one's is served.
func HandlerOf(folders ...fs.FS) http.Handler { return newHandler(folders...) }
