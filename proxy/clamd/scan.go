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

// chunkSize is how much is sent behind one length.
const chunkSize = 128 << 10

// Scan sends content to clamd and returns its verdict. An error is not a verdict,
// and the file may be tried again: clamd is away, took too long, answered
// something unknown, has signatures older than MaxAge, or content could not be
// read or is less than d has.
func (c *Client) Scan(ctx context.Context, content io.Reader, d proxy.Document) (proxy.Verdict, error) {
	// Each time, because what clamd has loaded may change with any restart of it, and
	// who waits for newer signatures is not to wait for our next look as well.
	if err := c.Fresh(ctx); err != nil {
		return proxy.Unknown, bridge.WrapError(bridge.CodeScannerOffline, err)
	}
	shown := &counted{Reader: content}
	verdict, signature, err := c.scan(ctx, shown, d.Size)
	if err != nil {
		return proxy.Unknown, fmt.Errorf("scan: %w", err)
	}
	if verdict == proxy.Clean && shown.n < d.Size {
		return proxy.Unknown, fmt.Errorf("scan: %d bytes are there of %d", shown.n, d.Size)
	}
	if verdict != proxy.Clean {
		c.Log.Warn("not clean", "document", d.ID, "verdict", verdict, "signature", signature)
	}
	return verdict, nil
}

func (c *Client) scan(ctx context.Context, content io.Reader, size int64) (proxy.Verdict, string, error) {
	if size > c.MaxSize {
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

	// clamd may answer before it has everything, and closes then: who only
	// writes sees a broken pipe and misses the answer.
	began, answered := make(chan struct{}), make(chan answer, 1)
	go func() {
		reply, err := readReply(&beginning{Reader: conn, began: began})
		answered <- answer{reply, err}
	}()
	early, sent := c.send(conn, content, began)
	var a answer
	switch {
	case early:
		// Whoever waits for the rest of the file is told that there is none.
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

// counted counts what is read.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// tooLarge stands for the signature where clamd was not asked.
const tooLarge = "larger than the scanner's limit"

var errTooLarge = errors.New(tooLarge)

type answer struct {
	reply string
	err   error
}

// beginning tells of the first byte read.
type beginning struct {
	io.Reader
	began chan struct{}
	told  bool
}

func (b *beginning) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if n > 0 && !b.told {
		b.told = true
		close(b.began)
	}
	return n, err
}

// send writes the command and the content, each chunk behind its length, and the
// empty chunk that ends it. It stops early when an answer begins.
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
		if total += int64(n); total > c.MaxSize {
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
			// An answer that is here now came before the end was told.
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

// unreadable is the content's fault, not the connection's.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }

func isNet(err error) bool {
	_, content := errors.AsType[unreadable](err)
	return !content
}
