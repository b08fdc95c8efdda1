package main

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// echo answers each connection with its own bytes, after these have ended.
func echo(t *testing.T) net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				said, _ := io.ReadAll(conn)
				_, _ = conn.Write(said)
			})
		}
	})
	return listener
}

func TestLinkKeepsBytesOrderAndEnds(t *testing.T) {
	server := echo(t)
	line, err := openLink(1e9, backlog)
	require.NoError(t, err)
	line.carry(t.Context(), server.Addr().String())
	t.Cleanup(line.close)

	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			said := make([]byte, 3*backlog+7) // more than the queue holds
			_, _ = rand.Read(said)
			conn, err := net.Dial("tcp", line.address())
			if !noError(t, err) {
				return
			}
			defer conn.Close()
			_, err = conn.Write(said)
			noError(t, err)
			noError(t, conn.(*net.TCPConn).CloseWrite())
			heard, err := io.ReadAll(conn)
			noError(t, err)
			if !bytes.Equal(said, heard) {
				t.Errorf("said %d bytes, heard %d others", len(said), len(heard))
			}
		})
	}
	clients.Wait()
}

func TestLinkClosesInMidTransfer(t *testing.T) {
	server := echo(t)
	line, err := openLink(1, backlog) // a byte per second
	require.NoError(t, err)
	line.carry(t.Context(), server.Addr().String())
	conn, err := net.Dial("tcp", line.address())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write(make([]byte, segment))
	require.NoError(t, err)

	line.close()

	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
}

// noError is require.NoError for goroutines that are not the test's own.
func noError(t *testing.T, err error) bool {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
	return err == nil
}
