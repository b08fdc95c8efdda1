package main

import (
	"errors"
	"net"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"

	"attache/test/harness"
)

// nodeCommand is the first argument that makes this program a NATS server, the store
// objects: a process of its own, so that its processor time can be read and it can be
// killed.
const nodeCommand = "node"

// runNode serves an address from a directory until a signal comes. It flushes each
// message to the disk before it answers, as the product's own engine does.
func runNode(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: node DIR HOST:PORT")
	}
	host, text, err := net.SplitHostPort(args[1])
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	return harness.ServeNode(&server.Options{
		ServerName: "bench", JetStream: true, StoreDir: args[0], Host: host, Port: port, NoSigs: true, NoLog: true, SyncAlways: true,
	})
}
