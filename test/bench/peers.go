package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"attache/web"
)

//go:embed pages
var pages embed.FS

// peers is the one Go server of all Go peers and their page.
type peers struct {
	server  *http.Server
	address string
	store   string // of uploads, until it is cleaned
	empty   []byte // the empty module, brotli
	page    *page
}

// startPeers serves the pages, the peers' handlers, the test files and the product's
// module. Builds and uploads go under dir.
func (l *lab) startPeers(ctx context.Context, dir string) (*peers, error) {
	p := &peers{store: filepath.Join(dir, "put")}
	if err := os.MkdirAll(p.store, 0o700); err != nil {
		return nil, err
	}
	module := filepath.Join(dir, "naive.wasm")
	if err := buildModule(ctx, "attache/test/bench/naive", module); err != nil {
		return nil, err
	}
	var err error
	if p.empty, err = emptyModule(ctx, dir); err != nil {
		return nil, err
	}
	content, err := fs.Sub(pages, "pages")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(content))
	mux.Handle("GET /files/", http.StripPrefix("/files/", http.FileServer(http.Dir(l.files))))
	mux.Handle("GET /web/", http.StripPrefix("/web/", web.Handler()))
	mux.HandleFunc("GET /empty.wasm", serveEmpty(p.empty))
	mux.HandleFunc("GET /naive.wasm", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, module) })
	glue := filepath.Join(output("go", "env", "GOROOT"), "lib", "wasm", "wasm_exec.js")
	mux.HandleFunc("GET /wasm_exec.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, glue) })
	mux.HandleFunc("GET /naive", naiveSocket(p.store))
	mux.HandleFunc("PUT /store", storing(p.store))
	mux.HandleFunc("PUT /discard", discarding)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.address = "http://" + listener.Addr().String()
	p.server = &http.Server{Handler: mux}
	go func() { _ = p.server.Serve(listener) }()
	if p.page, err = l.chromium.open(ctx, p.address+"/peers.html", false); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *peers) stop() { _ = p.server.Close() }

// timed runs an expression that times itself and answers {ms, answer}. An unexpected
// answer means that the peer lost bytes, and is an error.
func (p *peers) timed(ctx context.Context, expression, answer string) (time.Duration, error) {
	var outcome struct {
		MS     float64 `json:"ms"`
		Answer string  `json:"answer"`
	}
	if err := p.page.evaluate(ctx, expression, &outcome); err != nil {
		return 0, err
	}
	if outcome.Answer != answer {
		return 0, fmt.Errorf("%s answered %q and not %q", expression, outcome.Answer, answer)
	}
	return milliseconds(outcome.MS), nil
}
