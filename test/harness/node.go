package harness

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// NodeServes is the line that ServeNode prints when clients can connect.
const NodeServes = "node serves"

// ServeNode runs a NATS server in this process until a signal comes.
func ServeNode(o *server.Options) error {
	s, err := server.NewServer(o)
	if err != nil {
		return fmt.Errorf("prepare the node: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		return errors.New("the node did not become ready")
	}
	fmt.Println(NodeServes)
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	<-ended
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}
