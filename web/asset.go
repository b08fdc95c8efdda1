package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// asset is one public file, plain and compressed.
type asset struct {
	mediaType string
	hash      string            // SHA-256 of the plain file, hex
	bodies    map[string][]byte // by content coding; "" is the plain file
}

// codings are the content codings in order of preference, each with the extension of
// precompressed files.
var codings = []struct{ name, ending string }{{"br", ".br"}, {"gzip", ".gz"}}

// mediaTypes covers all files of the folder. The system's table is not used: it maps .ts
// to video, and a module script needs its exact type.
var mediaTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".svg":  "image/svg+xml",
	".ts":   "text/plain; charset=utf-8",
	".wasm": "application/wasm",
}

func isCompressed(name string) bool {
	for _, c := range codings {
		if path.Ext(name) == c.ending {
			return true
		}
	}
	return false
}

// newAsset reads a file that exists in files.
func newAsset(files fs.FS, name string) *asset {
	plain, _ := fs.ReadFile(files, name)
	sum := sha256.Sum256(plain)
	a := &asset{
		mediaType: mediaTypes[path.Ext(name)],
		hash:      hex.EncodeToString(sum[:]),
		bodies:    map[string][]byte{"": plain},
	}
	if a.mediaType == "" {
		a.mediaType = "application/octet-stream"
	}
	for _, c := range codings {
		if body, err := fs.ReadFile(files, name+c.ending); err == nil {
			a.bodies[c.name] = body
		}
	}
	if len(a.bodies) == 1 && strings.HasPrefix(a.mediaType, "text/") {
		a.bodies["gzip"] = compress(plain)
	}
	return a
}

func compress(plain []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(plain) // a bytes.Buffer accepts everything
	_ = w.Close()
	return b.Bytes()
}

// negotiate returns the coding for an Accept-Encoding header.
func (a *asset) negotiate(header string) string {
	for _, c := range codings {
		if a.bodies[c.name] != nil && accepts(header, c.name) {
			return c.name
		}
	}
	return ""
}

func accepts(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		q, found := strings.CutPrefix(strings.TrimSpace(params), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !found || (err == nil && weight > 0)
	}
	return false
}
