package main

import (
	"context"
	"embed"
	"errors"
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

// peersCommand is the first argument that makes this program the server of all Go peers:
// a process of its own, so that its processor time is not the benchmark's.
const peersCommand = "peers"

// The files and directories of that server, in the one that it is given.
const (
	filesDir    = "files"
	storeDir    = "put" // of uploads, until it is cleaned
	naiveModule = "naive.wasm"
	emptyModule = "empty.wasm.br"
)

// runPeers serves until it is killed, and prints its address.
func runPeers(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: peers DIR WASM_EXEC_JS")
	}
	h, err := peersHandler(args[0], args[1])
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	return http.Serve(listener, h)
}

// peersHandler serves the pages, the peers' handlers, the test files and the product's
// module. glue is the path of Go's wasm_exec.js.
func peersHandler(dir, glue string) (http.Handler, error) {
	content, err := fs.Sub(pages, "pages")
	if err != nil {
		return nil, err
	}
	empty, err := os.ReadFile(filepath.Join(dir, emptyModule))
	if err != nil {
		return nil, err
	}
	store := filepath.Join(dir, storeDir)
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(content))
	mux.Handle("GET /files/", http.StripPrefix("/files/", http.FileServer(http.Dir(filepath.Join(dir, filesDir)))))
	mux.Handle("GET /web/", http.StripPrefix("/web/", web.Handler()))
	mux.HandleFunc("GET /empty.wasm", serveEmpty(empty))
	mux.HandleFunc("GET /naive.wasm", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(dir, naiveModule))
	})
	mux.HandleFunc("GET /wasm_exec.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, glue) })
	mux.HandleFunc("GET /naive", naiveSocket(store))
	mux.HandleFunc("PUT /store", storing(store))
	mux.HandleFunc("PUT /discard", discarding)
	mux.HandleFunc("POST /multipart", receiving(store))
	return mux, nil
}

// peers is the running server of all Go peers, and their page.
type peers struct {
	process *process
	address string
	store   string
	empty   int // bytes of the empty module, compressed
	page    *page
}

// startPeers builds the peers' modules in the lab's directory and serves it.
func (l *lab) startPeers(ctx context.Context) (*peers, error) {
	p := &peers{store: filepath.Join(l.dir, storeDir)}
	if err := os.MkdirAll(p.store, 0o700); err != nil {
		return nil, err
	}
	if err := buildModule(ctx, "attache/test/bench/naive", filepath.Join(l.dir, naiveModule)); err != nil {
		return nil, err
	}
	var err error
	if p.empty, err = buildEmpty(ctx, l.dir); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	glue := filepath.Join(output("go", "env", "GOROOT"), "lib", "wasm", "wasm_exec.js")
	if p.process, p.address, err = startProcess(filepath.Join(l.dir, "peers.log"), 0, beginning("http://"), self, peersCommand, l.dir, glue); err != nil {
		return nil, err
	}
	if p.page, err = l.chromium.open(ctx, p.address+"/peers.html", false); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *peers) stop() { p.process.stop() }

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
