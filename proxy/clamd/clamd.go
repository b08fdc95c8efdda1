// Package clamd scans files with ClamAV's daemon, by the command INSTREAM over a Unix socket
// or TCP.
//
//	c, err := clamd.New("/run/clamav/clamd.ctl", clamd.Options{Log: log})
//	err = c.SelfTest(ctx) // refuses a daemon that lets test viruses pass
//	verdict, err := c.Scan(ctx, content, document)
//
// It fails closed. Only the exact answer "stream: OK", after every byte was sent, is clean;
// an answer that cannot be understood is an error, which is not a verdict. By default, clamd
// answers "OK" also for content that it has not scanned: beyond its size limits, in encrypted
// archives, in deeply nested ones. Two options make it report that (AlertExceedsMax,
// AlertEncrypted), under names that begin with "Heuristics." and mean unscannable rather than
// infected. [Client.SelfTest] finds out whether they are set.
//
// Its verdicts are only as good as its signatures. [Client.Age] is how old they are; with
// [Options].MaxAge, signatures that are older, or whose age is unknown, give no verdict.
//
// Source: the manual pages clamd(8) and clamd.conf(5) of ClamAV 1.4.
package clamd

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"attache/proxy"
)

// Options are the options of [New].
type Options struct {
	// MaxSize is the size, in bytes, of the largest file that clamd scans; larger ones are
	// unscannable. SelfTest sends a canary of that size, so it should not exceed clamd's
	// StreamMaxLength. Default: 25 MiB, Debian's StreamMaxLength.
	MaxSize int64
	// MaxScans bounds concurrent scans; clamd queues more than its MaxThreads. Default: 4.
	MaxScans int
	// IdleTimeout is how long clamd may take to receive the next bytes, or to answer after
	// the last one. Default: 2 min, clamd's MaxScanTime.
	IdleTimeout time.Duration
	// MaxAge is the maximum age of clamd's signatures. If they are older, or their age is
	// unknown, CheckAge fails and no scan gives a verdict. Default: no limit.
	MaxAge time.Duration
	// Log gets the signature's name of each file that is not clean, and the signatures'
	// age; nil discards them.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Client talks to one clamd. It is safe for concurrent use.
type Client struct {
	cfg              Options
	network, address string
	scans            chan struct{}
}

var _ proxy.Scanner = (*Client)(nil)

// New returns a client for the daemon at address: the path of a Unix socket
// (/run/clamav/clamd.ctl, unix:///run/clamav/clamd.ctl) or host:port (tcp://host:port).
// It does not connect yet.
func New(address string, o Options) (*Client, error) {
	o.MaxSize = cmp.Or(o.MaxSize, 25<<20)
	o.MaxScans = cmp.Or(o.MaxScans, 4)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, 2*time.Minute)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Client{cfg: o, scans: make(chan struct{}, o.MaxScans)}
	path, unix := strings.CutPrefix(address, "unix://")
	if unix || strings.HasPrefix(address, "/") {
		c.network, c.address = "unix", path
		return c, nil
	}
	c.network, c.address = "tcp", strings.TrimPrefix(address, "tcp://")
	if _, _, err := net.SplitHostPort(c.address); err != nil {
		return nil, fmt.Errorf("clamd's address %q is neither host:port nor a socket's path", address)
	}
	return c, nil
}

// Ping fails if no clamd answers.
func (c *Client) Ping(ctx context.Context) error {
	reply, err := c.ask(ctx, "PING")
	if err != nil {
		return err
	}
	if reply != "PONG" {
		return fmt.Errorf("%s is not clamd: it answered %q", c.address, reply)
	}
	return nil
}

// ask sends a command that is one word.
func (c *Client) ask(ctx context.Context, command string) (reply string, err error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("z" + command + "\x00")); err != nil {
		return "", fmt.Errorf("send clamd the command %s: %w", command, err)
	}
	return readReply(conn)
}

// logWaiting is the time after which Await logs again that it waits.
const logWaiting = 30 * time.Second

// Await waits until something listens at clamd's address, or until ctx ends. The two processes
// can be started in any order, and clamd takes half a minute to load its signatures.
func (c *Client) Await(ctx context.Context) error {
	var logged time.Time
	for delay := 50 * time.Millisecond; ; delay = min(2*delay, time.Second) {
		conn, err := c.dial(ctx)
		if err == nil {
			return conn.Close()
		}
		if logged.IsZero() || time.Since(logged) >= logWaiting {
			c.cfg.Log.Warn("waiting for clamd", "address", c.address, "error", err,
				"hint", "start clamd, check --clamd, or use --scanner=off to try it out")
			logged = time.Now()
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return err
		}
	}
}

// dial connects. When ctx ends, the connection is closed.
func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, c.network, c.address)
	if err != nil {
		return nil, fmt.Errorf("connect to clamd: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	return &connection{Conn: conn, stop: stop, timeout: c.cfg.IdleTimeout}, nil
}

// connection has a deadline for each read and write.
type connection struct {
	net.Conn
	stop    func() bool
	timeout time.Duration
}

func (c *connection) Read(p []byte) (int, error) {
	c.SetReadDeadline(time.Now().Add(c.timeout))
	return c.Conn.Read(p)
}

func (c *connection) Write(p []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(c.timeout))
	return c.Conn.Write(p)
}

func (c *connection) Close() error {
	c.stop()
	return c.Conn.Close()
}
