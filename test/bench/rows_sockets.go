package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"

	"attache/bridge"
)

// sockets measures the proxy's memory with many pages that have nothing to say: an agent and
// a customer in each session.
func (l *lab) idleSockets(ctx context.Context) ([]row, []runner, error) {
	p, err := l.startProduct(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer p.stop()
	before, err := resident(p.proxy.Pid)
	if err != nil {
		return nil, nil, err
	}
	idle, stop := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer stop()
	begun := time.Now()
	var retries atomic.Int64
	var opening errgroup.Group
	opening.SetLimit(8)
	for i := range l.sockets {
		opening.Go(func() error {
			session, party, kind := fmt.Sprintf("idle-%d", i/2), "agent", bridge.Agent
			if i%2 == 1 {
				party, kind = "customer", bridge.Client
			}
			conn, err := p.joinIdle(ctx, session, party, kind)
			for again := 0; err != nil && again < 5; again++ { // as a page would
				l.log.Info("join again", "socket", i, "error", err)
				retries.Add(1)
				conn, err = p.joinIdle(ctx, session, party, kind)
			}
			if err != nil {
				return fmt.Errorf("socket %d: %w: %s", i, err, read(p.log))
			}
			reading.Go(func() {
				defer conn.CloseNow()
				for { // answers pings
					if _, _, err := conn.Read(idle); err != nil {
						return
					}
				}
			})
			return nil
		})
	}
	if err := opening.Wait(); err != nil {
		return nil, nil, err
	}
	took := time.Since(begun)
	// The garbage of the joins is not theirs, so the lowest of what follows counts.
	after := 0.0
	for range 60 {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
		now, err := resident(p.proxy.Pid)
		if err != nil {
			return nil, nil, err
		}
		if after == 0 || now < after {
			after = now
		}
	}
	return []row{{
		Measured: fmt.Sprintf("proxy RSS with %d idle sockets in %d sessions", l.sockets, l.sockets/2), Against: "–",
		Judged: figureOf(" MiB", []float64{after / mib}), Target: atMost(900), Stretch: atMost(420),
		Note: fmt.Sprintf("no TLS; lowest VmRSS of the minute after they have joined; %.1f MiB before them, so %.1f kB each; they joined in %.0f s, %d at a further attempt",
			before/mib, (after-before)/1000/float64(l.sockets), took.Seconds(), retries.Load()),
	}}, nil, nil
}

// joinIdle joins a session as a page does, and returns its socket.
func (p *product) joinIdle(ctx context.Context, session, party string, kind bridge.UserType) (*websocket.Conn, error) {
	token, err := p.token(session, party, kind)
	if err != nil {
		return nil, err
	}
	conn, _, err := websocket.Dial(ctx, strings.Replace(p.address, "http", "ws", 1)+bridge.PathChat, &websocket.DialOptions{
		Subprotocols: []string{bridge.Subprotocol}, HTTPHeader: http.Header{"Origin": {p.address}}, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, err
	}
	hello := bridge.AppendMessage(nil, &bridge.Hello{Token: token, ClientVersion: bridge.VersionCurrent})
	if err := conn.Write(ctx, websocket.MessageText, hello); err != nil {
		conn.CloseNow()
		return nil, err
	}
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return nil, err
		}
		m, err := bridge.FromProxy(text)
		if err != nil {
			return nil, err
		}
		switch m := m.(type) {
		case *bridge.Welcome:
			return conn, nil
		case *bridge.Fail:
			conn.CloseNow()
			return nil, &m.Error
		}
	}
}
