package guests

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
)

// Conn is an accepted connection.
type Conn struct {
	net.Conn
	release atomic.Pointer[func()] // nil: not limited, or released
}

// Close closes the connection and stops counting it.
func (c *Conn) Close() error {
	c.markKnown()
	return c.Conn.Close()
}

func (c *Conn) markKnown() {
	if release := c.release.Swap(nil); release != nil {
		(*release)()
	}
}

// NetConn returns the wrapped connection, like [crypto/tls.Conn.NetConn].
func (c *Conn) NetConn() net.Conn { return c.Conn }

// CloseWrite is for crypto/tls and net/http, which look for it.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// ReadFrom lets the kernel copy a file if it can.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

type connKey struct{}

// ConnContext is for [net/http.Server.ConnContext].
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if own, ok := unwrap[*Conn](c); ok {
		return context.WithValue(ctx, connKey{}, own)
	}
	return ctx
}

// MarkKnown marks the peer of a request's connection as known: the connection is no longer
// limited or evicted. ctx is the request's.
func MarkKnown(ctx context.Context) {
	if c, ok := ctx.Value(connKey{}).(*Conn); ok {
		c.markKnown()
	}
}

// SetBuffers sets the sizes, in bytes, of a connection's kernel buffers for reading and writing;
// 0 leaves a size to the kernel. c may be wrapped by types with a NetConn method.
func SetBuffers(c net.Conn, read, write int) {
	tcp, ok := unwrap[*net.TCPConn](c)
	if !ok {
		return
	}
	if read > 0 {
		tcp.SetReadBuffer(read)
	}
	if write > 0 {
		tcp.SetWriteBuffer(write)
	}
}

// unwrap returns c, or the first connection that it wraps, that is a T.
func unwrap[T net.Conn](c net.Conn) (found T, ok bool) {
	for {
		if found, ok = c.(T); ok {
			return found, true
		}
		outer, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return found, false
		}
		c = outer.NetConn()
	}
}
