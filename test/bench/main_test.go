package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childServes makes this program serve the listening socket that it inherits, as the
// demo's child does.
const childServes = "BENCH_TEST_CHILD_SERVES"

// TestMain also plays the servers of the rows, as main does.
func TestMain(m *testing.M) {
	if playServer() {
		return
	}
	if os.Getenv(childServes) != "" {
		l, err := net.FileListener(os.NewFile(3, "socket"))
		if err == nil {
			err = http.Serve(l, http.NotFoundHandler())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
