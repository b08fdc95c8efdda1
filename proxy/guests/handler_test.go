package guests_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"attache/proxy/guests"
)

// pipes is a listener for a test's own connections.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }
func (p pipes) Close() error   { return nil }

// serving runs h with the deadlines, by the clock of a synctest bubble.
func serving(t *testing.T, h http.HandlerFunc, bodies guests.Bodies) (dial func() net.Conn) {
	l := make(pipes)
	s := &http.Server{Handler: guests.Handler(h, bodies), ErrorLog: log.New(io.Discard, "", 0)}
	go s.Serve(l)
	t.Cleanup(func() { close(l); s.Close() })
	return func() net.Conn {
		near, far := net.Pipe()
		l <- far
		t.Cleanup(func() { near.Close() })
		return near
	}
}

// H2: a peer that stops sending or receiving is disconnected, whatever the handler does.
func TestH2StalledPeersAreDisconnected(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 10<<20)
	for name, c := range map[string]struct {
		request string
		bodies  guests.Bodies
		handler http.HandlerFunc
		read    bool // the client reads the answer
		most    time.Duration
	}{
		"a body that is not accepted": {
			"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", guests.NoBodies, nil, true, 6 * time.Second,
		},
		"a GET with a body": {
			"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", guests.NoBodies, nil, true, 6 * time.Second,
		},
		"a body without end": {
			"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", guests.NoBodies, nil, true, 6 * time.Second,
		},
		"a body that the handler does not read": {
			"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", guests.TimedBodies,
			func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, true, 6 * time.Second,
		},
		"a body that the handler reads": {
			"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc", guests.TimedBodies,
			func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }, true, 46 * time.Second,
		},
		"an answer that is not read": {
			"GET / HTTP/1.1\r\nHost: x\r\n\r\n", guests.NoBodies,
			func(w http.ResponseWriter, r *http.Request) {
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(large))
			}, false, 31 * time.Second,
		},
		"a refusal that is not read": {
			"GET / HTTP/1.1\r\nHost: x\r\n\r\n", guests.NoBodies, http.NotFound, false, 31 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan struct{})
				h := func(w http.ResponseWriter, r *http.Request) {
					defer close(ended)
					c.handler(w, r)
				}
				if c.handler == nil {
					close(ended)
				}
				conn := serving(t, h, c.bodies)()
				begun := time.Now()
				io.WriteString(conn, c.request)
				if c.read {
					_, err := io.Copy(io.Discard, conn)
					require.NoError(t, err)
				} else {
					<-ended
					_, err := conn.Write(make([]byte, 1<<20)) // until the server closes
					require.Error(t, err)
				}
				<-ended
				require.LessOrEqual(t, time.Since(begun), c.most)
			})
		})
	}
}

// A slow peer that makes progress is not disconnected.
func TestH2SlowPeersAreServed(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 1<<20)
	synctest.Test(t, func(t *testing.T) {
		dial := serving(t, func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(large))
		}, guests.NoBodies)
		conn := dial()
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		piece := make([]byte, 128<<10)
		for n := range len(large) / len(piece) {
			time.Sleep(20 * time.Second)
			_, err := io.ReadFull(res.Body, piece)
			require.NoError(t, err, n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		dial := serving(t, func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			if err == nil && n == 8 {
				time.Sleep(time.Hour) // the store takes long, but the connection stays
				err = r.Context().Err()
			}
			if err != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}, guests.TimedBodies)
		conn := dial()
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n")
		for range 8 {
			time.Sleep(15 * time.Second)
			conn.Write([]byte{'x'})
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode)
	})
}

func TestHandler_CanSetItsOwnDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Duration, 1)
		dial := serving(t, func(w http.ResponseWriter, r *http.Request) {
			begun := time.Now()
			http.NewResponseController(w).SetWriteDeadline(begun.Add(2 * time.Minute))
			io.Copy(w, bytes.NewReader(make([]byte, 1<<20)))
			ended <- time.Since(begun)
		}, guests.NoBodies)
		io.WriteString(dial(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		require.Equal(t, 2*time.Minute, <-ended)
	})
}

func TestHandler_CanSetItsOwnReadDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Duration, 1)
		dial := serving(t, func(w http.ResponseWriter, r *http.Request) {
			begun := time.Now()
			http.NewResponseController(w).SetReadDeadline(begun.Add(2 * time.Minute))
			io.Copy(io.Discard, r.Body)
			ended <- time.Since(begun)
		}, guests.TimedBodies)
		io.WriteString(dial(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
		require.Equal(t, 2*time.Minute, <-ended)
	})
}

// H2: over HTTP/2 each stream has deadlines, and streams are few.
func TestH2StreamsHaveDeadlines(t *testing.T) {
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	certificates := cert.TLS.Certificates
	cert.Close()
	synctest.Test(t, func(t *testing.T) {
		l := make(pipes)
		ended := make(chan time.Duration, 1)
		s := &http.Server{
			Handler: guests.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				begun := time.Now()
				io.Copy(w, bytes.NewReader(make([]byte, 10<<20)))
				ended <- time.Since(begun)
			}), guests.NoBodies),
			TLSConfig: &tls.Config{Certificates: certificates, NextProtos: []string{"h2"}},
			HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: 2},
			ErrorLog:  log.New(io.Discard, "", 0),
		}
		go s.ServeTLS(l, "", "")
		defer s.Close()
		defer close(l)
		transport := &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				near, far := net.Pipe()
				l <- far
				return near, nil
			},
		}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}

		res, err := client.Get("https://x/")
		require.NoError(t, err)
		require.Equal(t, 2, res.ProtoMajor)
		require.LessOrEqual(t, <-ended, 31*time.Second, "an answer that is not read")
		res.Body.Close()

		hung, writer := io.Pipe()
		defer writer.Close()
		begun := time.Now()
		res, err = client.Post("https://x/", "text/plain", hung)
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode)
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		require.LessOrEqual(t, time.Since(begun), 6*time.Second, "a body that does not come")
	})
}
