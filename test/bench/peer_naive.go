package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/coder/websocket"
)

// naiveSocket is the server of bench/naive. It does the same work as the product's:
// frames are read through Conn.Reader into one owned buffer, hashed, written and
// synced. Only the module is naive.
func naiveSocket(dir string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
		if err != nil {
			return // Accept has answered
		}
		defer socket.CloseNow()
		if err := receive(r.Context(), socket, dir); err != nil {
			_ = socket.Close(websocket.StatusInternalError, "upload failed")
			return
		}
		_ = socket.Close(websocket.StatusNormalClosure, "")
	}
}

func receive(ctx context.Context, socket *websocket.Conn, dir string) error {
	s, err := newSink(dir)
	if err != nil {
		return err
	}
	defer s.file.Close()
	socket.SetReadLimit(mib)
	buffer := make([]byte, 256*kib)
	for {
		kind, frame, err := socket.Reader(ctx)
		if err != nil {
			return err
		}
		if kind == websocket.MessageText { // the end
			break
		}
		if err := s.take(frame, buffer); err != nil {
			return err
		}
	}
	digest, err := s.finish()
	if err != nil {
		return err
	}
	return socket.Write(ctx, websocket.MessageText, []byte(digest))
}

// buildModule compiles one of the bench's own modules the way the product's is
// built: stripped and trimmed.
func buildModule(ctx context.Context, pkg, to string) error {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", to, pkg)
	command.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if answer, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", pkg, err, answer)
	}
	return nil
}

// naive is the contender that sends the page's chosen file through a []byte.
func (l *lab) naive(answer string) contender {
	return contender{
		name: "naive Go module", page: l.peers.page, address: l.peers.address, server: l.peers.process.Pid, clean: emptied(l.peers.store),
		run: func(ctx context.Context) (time.Duration, error) {
			return l.peers.timed(ctx, "bench.naive()", answer)
		},
	}
}
