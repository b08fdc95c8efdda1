package cli

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

// inheritedChild is set in the child's environment.
const inheritedChild = "ATTACHE_INHERITED"

// The files that the child inherits after the standard three.
const (
	socketFile   = 3 + iota // the listening socket
	messagesFile            // pipe to the supervisor, one byte a message
	parentFile              // pipe that ends when the supervisor is gone
)

// The child's messages.
const (
	isReady  = 'r' // it serves
	pullPlug = 'p' // kill me and start me again
)

// child is the demo's process, as the supervisor started it.
type child struct {
	listener net.Listener
	messages io.Writer
}

// inherit returns nil in the process that a person started. A child exits when its
// supervisor is gone, or it would keep the port and the data locked.
func inherit() (*child, error) {
	if os.Getenv(inheritedChild) == "" {
		return nil, nil
	}
	os.Unsetenv(inheritedChild)
	socket := os.NewFile(socketFile, "socket")
	defer socket.Close()
	l, err := net.FileListener(socket)
	if err != nil {
		return nil, fmt.Errorf("take over the listening socket: %w", err)
	}
	parent := os.NewFile(parentFile, "parent")
	go func() {
		io.Copy(io.Discard, parent)
		os.Exit(1)
	}()
	return &child{listener: l, messages: os.NewFile(messagesFile, "messages")}, nil
}

func (c *child) send(message byte) error {
	_, err := c.messages.Write([]byte{message})
	return err
}

// servePlug answers before it asks to be killed, so that the kernel already has the
// answer when the process dies. Only the demo's own page may ask.
func (c *child) servePlug(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "http://"+r.Host {
		http.Error(w, "only the demo's own page may pull the plug", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusAccepted)
	http.NewResponseController(w).Flush()
	c.send(pullPlug)
}
