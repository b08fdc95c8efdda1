package clamd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"attache/bridge"
	"attache/proxy"
)

// chunkSize is the length of one chunk of INSTREAM.
const chunkSize = 128 << 10

// Scan sends content to clamd and returns its verdict. After an error, which is not a verdict,
// the scan may be retried: clamd could not be reached, took too long, gave an unknown answer or
// has signatures older than MaxAge, or content could not be read or is shorter than d.Size.
func (c *Client) Scan(ctx context.Context, content io.Reader, d proxy.Document) (proxy.Verdict, error) {
	// Check each time, because clamd's signatures may change at any restart, and an upload that
	// waits for newer ones should not also wait for the next check.
	if err := c.CheckAge(ctx); err != nil {
		return proxy.Unknown, bridge.WrapError(bridge.CodeScannerOffline, err)
	}
	read := &counted{Reader: content}
	verdict, signature, err := c.scan(ctx, read, d.Size)
	if err != nil {
		return proxy.Unknown, fmt.Errorf("scan: %w", err)
	}
	if verdict == proxy.Clean && read.n < d.Size {
		return proxy.Unknown, fmt.Errorf("scan: only %d of %d bytes could be read", read.n, d.Size)
	}
	if verdict != proxy.Clean {
		c.cfg.Log.Warn("not clean", "document", d.ID, "verdict", verdict, "signature", signature)
	}
	return verdict, nil
}

func (c *Client) scan(ctx context.Context, content io.Reader, size int64) (proxy.Verdict, string, error) {
	if size > c.cfg.MaxSize {
		return proxy.Unscannable, tooLarge, nil
	}
	select {
	case c.scans <- struct{}{}:
		defer func() { <-c.scans }()
	case <-ctx.Done():
		return proxy.Unknown, "", ctx.Err()
	}
	conn, err := c.dial(ctx)
	if err != nil {
		return proxy.Unknown, "", err
	}
	defer conn.Close()

	// clamd may answer and close before it has everything. A client that only writes would see a
	// broken pipe and miss the answer.
	began, answered := make(chan struct{}), make(chan answer, 1)
	go func() {
		reply, err := readReply(&beginning{Reader: conn, began: began})
		answered <- answer{reply, err}
	}()
	early, sent := c.send(conn, content, began)
	var a answer
	switch {
	case early:
		// If clamd still waits for the rest of the file, this is its end.
		if half, ok := conn.(*connection).Conn.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
		}
		a = <-answered
	case errors.Is(sent, errTooLarge):
		conn.Close()
		<-answered
		return proxy.Unscannable, tooLarge, nil
	case sent != nil && !isNet(sent):
		conn.Close()
		<-answered
		return proxy.Unknown, "", fmt.Errorf("read the file: %w", sent)
	default:
		a = <-answered
	}
	if ctx.Err() != nil {
		return proxy.Unknown, "", ctx.Err()
	}
	if a.err != nil {
		return proxy.Unknown, "", errors.Join(sent, a.err)
	}
	verdict, signature, err := parse(a.reply)
	if err == nil && verdict == proxy.Clean && (early || sent != nil) {
		return proxy.Unknown, "", errors.New("clamd called the file clean before it had all of it")
	}
	return verdict, signature, err
}

// counted counts the bytes read.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// tooLarge takes the signature's place if clamd was not asked.
const tooLarge = "larger than the scanner's limit"

var errTooLarge = errors.New(tooLarge)

type answer struct {
	reply string
	err   error
}

// beginning closes began at the first byte read.
type beginning struct {
	io.Reader
	began  chan struct{}
	closed bool
}

func (b *beginning) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if n > 0 && !b.closed {
		b.closed = true
		close(b.began)
	}
	return n, err
}

// send writes the command and the content in chunks, each after its length, and the empty chunk
// that ends it. It stops early when an answer begins.
func (c *Client) send(conn net.Conn, content io.Reader, began <-chan struct{}) (early bool, err error) {
	if _, err := conn.Write([]byte("zINSTREAM\x00")); err != nil {
		return false, err
	}
	buf := make([]byte, 4+chunkSize)
	for total := int64(0); ; {
		n, err := io.ReadFull(content, buf[4:])
		end := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !end {
			return false, unreadable{err}
		}
		if total += int64(n); total > c.cfg.MaxSize {
			return false, errTooLarge
		}
		select {
		case <-began:
			return true, nil
		default:
		}
		binary.BigEndian.PutUint32(buf, uint32(n))
		if n > 0 {
			if _, err := conn.Write(buf[:4+n]); err != nil {
				return false, err
			}
		}
		if end {
			// An answer that has arrived by now came before the end was sent.
			select {
			case <-began:
				return true, nil
			default:
			}
			_, err := conn.Write(make([]byte, 4))
			return false, err
		}
	}
}

// unreadable is an error of reading the content, not of the connection.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }

func isNet(err error) bool {
	_, content := errors.AsType[unreadable](err)
	return !content
}
