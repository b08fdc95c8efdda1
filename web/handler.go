package web

import (
	"bytes"
	"cmp"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"attache/web/joined"
)

const notBuilt = "the WebAssembly module is not built: run make build or make run in the repository\n"

type handler map[string]*asset

func newHandler(folders ...fs.FS) handler {
	h := handler{}
	for _, files := range folders {
		h.add(files)
		if joined, ok := joined.Of(files); ok {
			h.add(joined)
		}
	}
	return h
}

// add adds a folder's files, which replace those of the same name.
func (h handler) add(files fs.FS) {
	_ = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || isCompressed(name) {
			return err
		}
		h[name] = newAsset(files, name)
		return nil
	})
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	header.Set("Timing-Allow-Origin", "*")
	header.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if a, ok := h[name]; ok {
		a.serve(w, r)
		return
	}
	header.Set("Cache-Control", "no-store")
	if strings.HasPrefix(name, "dist/") && h["dist/build.js"] == nil {
		http.Error(w, notBuilt, http.StatusServiceUnavailable)
		return
	}
	http.Error(w, "not found", http.StatusNotFound)
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	coding := a.negotiate(r.Header.Get("Accept-Encoding"))
	body := a.bodies[coding]
	header := w.Header()
	header.Set("Content-Type", a.mediaType)
	header.Set("Cache-Control", a.caching(r.URL.Query().Get("v")))
	header.Set("ETag", `"`+a.hash+"-"+cmp.Or(coding, "identity")+`"`)
	header.Set("Vary", "Accept-Encoding")
	if coding != "" {
		header.Set("Content-Encoding", coding)
		// ServeContent does not set the length of encoded content.
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// caching returns the Cache-Control header: a URL that names the content may be cached forever.
func (a *asset) caching(version string) string {
	const enough = 8 // hex digits
	if len(version) >= enough && strings.HasPrefix(a.hash, version) {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}
