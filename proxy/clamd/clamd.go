// Package clamd asks ClamAV's daemon what it thinks of a file, by the command
// INSTREAM over a Unix socket or TCP.
//
//	c, err := clamd.New("/run/clamav/clamd.ctl", clamd.Options{Log: log})
//	err = c.Prove(ctx) // refuses a daemon that lets test viruses through
//	verdict, err := c.Scan(ctx, content, document)
//
// It fails closed. Only the exact answer "stream: OK", after every byte was
// sent, is clean; everything that cannot be understood is an error, which is no
// verdict. As it comes, clamd answers "OK" also where it has not looked: behind
// its size limits, in encrypted archives, in deeply nested ones. Two options make
// it say so (AlertExceedsMax, AlertEncrypted), by names that begin with
// "Heuristics." and mean unscannable rather than infected. [Client.Prove] finds
// out whether they are set.
//
// What it finds is what its signatures know. [Client.Age] is how old they are;
// with [Options].MaxAge older ones, and such of unknown age, come to no verdict.
//
// Source: the manual pages clamd(8) and clamd.conf(5) of ClamAV 1.4.
package clamd

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"attache/proxy"
)

// Options of a [Client].
type Options struct {
	// MaxSize is the largest file, in bytes, that clamd is asked about: larger
	// ones are unscannable. Prove sends a canary of that size, so it should not
	// be above clamd's StreamMaxLength. Default: 25 MiB, as Debian sets that.
	MaxSize int64
	// MaxScans bounds the scans at one time; clamd queues more than its
	// MaxThreads. Default: 4.
	MaxScans int
	// Patience is how long clamd may take for nothing: to take some bytes, or to
	// answer when it has them all. Default: 2 min, as clamd's MaxScanTime.
	Patience time.Duration
	// MaxAge is how old clamd's signatures may be: where they are older, or of
	// unknown age, Fresh fails, and no scan comes to a verdict. Default: no limit.
	MaxAge time.Duration
	// Log gets the signature's name of each file that is not clean, and how old
	// the signatures are; nil drops it.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Client talks to one clamd. Its methods may be called at the same time.
type Client struct {
	Options
	network, address string
	scans            chan struct{}
}

var _ proxy.Scanner = (*Client)(nil)

// New returns a client for the daemon at address: the path of a Unix socket
// (/run/clamav/clamd.ctl, unix:///run/clamav/clamd.ctl) or host:port (tcp://host:port).
// It does not connect yet.
func New(address string, o Options) (*Client, error) {
	if o.MaxSize == 0 {
		o.MaxSize = 25 << 20
	}
	if o.MaxScans == 0 {
		o.MaxScans = 4
	}
	if o.Patience == 0 {
		o.Patience = 2 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Client{Options: o, scans: make(chan struct{}, o.MaxScans)}
	path, unix := strings.CutPrefix(address, "unix://")
	if unix || strings.HasPrefix(address, "/") {
		c.network, c.address = "unix", path
		return c, nil
	}
	c.network, c.address = "tcp", strings.TrimPrefix(address, "tcp://")
	if _, _, err := net.SplitHostPort(c.address); err != nil {
		return nil, fmt.Errorf("clamd's address %q is neither host:port nor the path of a socket", address)
	}
	return c, nil
}

// Ping fails when no clamd answers.
func (c *Client) Ping(ctx context.Context) error {
	reply, err := c.ask(ctx, "PING")
	if err != nil {
		return err
	}
	if reply != "PONG" {
		return fmt.Errorf("what listens at %s is no clamd: it answered %q", c.address, reply)
	}
	return nil
}

// ask gives a command that is one word.
func (c *Client) ask(ctx context.Context, command string) (reply string, err error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("z" + command + "\x00")); err != nil {
		return "", fmt.Errorf("ask clamd: %w", err)
	}
	return readReply(conn)
}

// Await returns when somebody listens at clamd's address, or with ctx's end:
// whichever of two processes is started first must not matter, and clamd takes
// half a minute to read its signatures.
func (c *Client) Await(ctx context.Context) error {
	for delay := 50 * time.Millisecond; ; delay = min(2*delay, time.Second) {
		conn, err := c.dial(ctx)
		if err == nil {
			return conn.Close()
		}
		c.Log.Warn("waiting for clamd", "address", c.address, "error", err)
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return err
		}
	}
}

// dial connects; the connection's operations end when ctx does.
func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, c.network, c.address)
	if err != nil {
		return nil, fmt.Errorf("connect to clamd: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	return &connection{Conn: conn, stop: stop, patience: c.Patience}, nil
}

// connection gives every read and write its own time.
type connection struct {
	net.Conn
	stop     func() bool
	patience time.Duration
}

func (c *connection) Read(p []byte) (int, error) {
	c.SetReadDeadline(time.Now().Add(c.patience))
	return c.Conn.Read(p)
}

func (c *connection) Write(p []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(c.patience))
	return c.Conn.Write(p)
}

func (c *connection) Close() error {
	c.stop()
	return c.Conn.Close()
}
