package oracle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"attache/bridge"

	"github.com/coder/websocket"
)

// Patience of one step on a socket. A proxy that needs longer counts as cut.
const (
	dialTime  = 5 * time.Second
	writeTime = 20 * time.Second
	readLimit = 1 << 20
)

// line is one socket whose hello has been answered. down is closed when it is
// cut; only its reader reads it.
type line struct {
	conn *websocket.Conn
	once sync.Once
	down chan struct{}
}

// dial opens a socket of that path and says hello; the answer is the first
// message. A refusal is the *bridge.Error that the proxy sent.
func (p *Page) dial(ctx context.Context, address, path string, hello bridge.Hello) (*line, bridge.Wire, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	url := "ws" + strings.TrimPrefix(address, "http") + path
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {p.o.Origin}}, Subprotocols: []string{bridge.Subprotocol},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("open a socket: %w", err)
	}
	conn.SetReadLimit(readLimit)
	l := &line{conn: conn, down: make(chan struct{})}
	hello.Token = p.o.Token
	err = l.send(ctx, &hello)
	var first bridge.Wire
	if err == nil {
		first, err = l.read(ctx)
	}
	if refusal, ok := first.(*bridge.Fail); ok {
		err = &refusal.Error
	}
	if err != nil {
		l.cut()
		return nil, nil, err
	}
	return l, first, nil
}

func (l *line) cut() {
	l.once.Do(func() {
		close(l.down)
		l.conn.CloseNow()
	})
}

func (l *line) send(ctx context.Context, m bridge.Wire) error {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	return l.conn.Write(ctx, websocket.MessageText, bridge.AppendMessage(nil, m))
}

func (l *line) frame(ctx context.Context, b []byte) error {
	ctx, cancel := context.WithTimeout(ctx, bridge.Timeout(writeTime, int64(len(b))))
	defer cancel()
	return l.conn.Write(ctx, websocket.MessageBinary, b)
}

func (l *line) read(ctx context.Context) (bridge.Wire, error) {
	kind, b, err := l.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	if kind != websocket.MessageText {
		return nil, errors.New("the proxy sent a binary message")
	}
	return bridge.FromProxy(b)
}
