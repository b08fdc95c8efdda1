package bayeux_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy/bayeux"
)

// poller is a client with a connection for its connect, and as little memory as possible.
type poller struct {
	conn net.Conn
	id   string
}

func (p *poller) send(body string) error {
	_, err := fmt.Fprintf(p.conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return err
}

func (p *poller) read() ([]answer, error) {
	resp, err := http.ReadResponse(bufio.NewReader(p.conn), nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var out []answer
	return out, json.Unmarshal(text, &out)
}

// footprint is what one polling client costs the process, with net/http and its connection.
type footprint struct{ bytes, goroutines float64 }

// pollers has that many clients poll, and returns what they cost. Then each gets a message.
func pollers(t testing.TB, n int) footprint {
	e := serve(t, bayeux.Options{Timeout: time.Hour, MaxStrangers: 2 * n, MaxStrangersAddress: 2 * n, Address: addressWithoutPort}, nil)
	pipes := pipeListener{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: e.Server}
	go server.Serve(pipes)
	defer server.Close()
	before, goroutines := used(), runtime.NumGoroutine()
	all := make([]*poller, n)
	clients := make([]*bayeux.Client, n)
	for i := range all {
		conn, end := net.Pipe()
		pipes.conns <- end
		defer conn.Close()
		p := &poller{conn: conn}
		all[i] = p
		for _, body := range []string{`{"channel":"/meta/handshake"}`, `{"channel":"/service/echo","clientId":"%s","data":"hello"}`, `{"channel":"/meta/connect","clientId":"%s"}`} {
			if p.id != "" {
				body = fmt.Sprintf(body, p.id)
			}
			require.NoError(t, p.send(body))
			got, err := p.read()
			require.NoError(t, err)
			if p.id == "" {
				p.id = got[0].ClientID
			}
		}
		clients[i] = <-e.clients
		require.NoError(t, p.send(fmt.Sprintf(`{"channel":"/meta/connect","clientId":%q}`, p.id)))
	}
	eventually(t, func() bool {
		for _, c := range clients {
			if !c.Polling() {
				return false
			}
		}
		return true
	})
	f := footprint{float64(used()-before) / float64(n), float64(runtime.NumGoroutine()-goroutines) / float64(n)}
	for i, c := range clients {
		require.NoError(t, c.Deliver(context.Background(), service, i))
	}
	for i, p := range all {
		got, err := p.read()
		require.NoError(t, err)
		require.EqualValues(t, i, got[0].Data)
	}
	return f
}

// pipeListener accepts pipes, because a process has fewer descriptors than it could have clients.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error   { close(l.closed); return nil }
func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// used is the memory of the heap and of the stacks.
func used() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func TestPollers_CostBoundedMemory(t *testing.T) {
	f := pollers(t, 500)
	t.Logf("%.0f bytes, %.2f goroutines for each client", f.bytes, f.goroutines)
	require.Less(t, f.bytes, 64e3)
	require.Less(t, f.goroutines, 2.5, "net/http has two for a request that is held: its own, and one that notices a hang-up")
}

// go test -run - -bench Pollers -benchtime 1x ./proxy/bayeux.
func BenchmarkPollers(b *testing.B) {
	for b.Loop() {
		f := pollers(b, 10_000)
		b.ReportMetric(f.bytes, "B/client")
		b.ReportMetric(f.goroutines, "goroutines/client")
	}
}
