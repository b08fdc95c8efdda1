package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"attache/bridge"

	"github.com/coder/websocket"
)

// data is one data socket: frames up, acks down.
type data struct {
	*socket
	proxy     *Proxy
	lastFrame int         // bytes
	gone      atomic.Bool // the party has left the session: nothing more is stored

	mu    sync.Mutex
	acks  map[string]bridge.Ack // that the page has not been sent
	fails map[string]error
	wake  chan struct{}
}

// serveData runs a data socket from its handshake to its end.
func (p *Proxy) serveData(w http.ResponseWriter, r *http.Request) {
	socket := p.upgrade(w, r, 0)
	if socket == nil {
		return
	}
	defer p.exit(socket)
	d := &data{socket: socket, proxy: p, acks: map[string]bridge.Ack{}, fails: map[string]error{}, wake: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	var senders sync.WaitGroup
	defer senders.Wait()
	defer cancel()
	err := d.checkParty(ctx)
	if err == nil {
		err = d.send(ctx, &bridge.Ready{MaxFrame: int64(p.cfg.MaxFrame)})
	}
	if err == nil {
		defer d.keepAlive(ctx)()
		senders.Go(func() { d.watchParty(ctx, cancel) })
		senders.Go(func() { d.sendAcks(ctx) })
		err = d.serve(ctx)
	}
	var reason *bridge.Error
	if errors.As(err, &reason) {
		d.fail(context.WithoutCancel(ctx), reason)
		return
	}
	d.conn.CloseNow()
}

// checkParty fails unless the party is in its session, and the page has its secure key if it
// names one.
func (d *data) checkParty(ctx context.Context) error {
	if d.who.Join.SecureKey == "" {
		return d.proxy.transfers.present(ctx, d.who)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := d.proxy.cfg.Chat.Join(ctx, d.who.Session, Joining{
		Party: d.who.Party, SecureKey: d.who.Join.SecureKey, ByProxy: true, Beside: true,
	})
	return err
}

// serve stores frames until the page is gone. An error of one upload ends that upload
// here, not the socket.
func (d *data) serve(ctx context.Context) error {
	d.conn.SetReadLimit(-1) // readFrame bounds messages itself
	for {
		if err := d.next(ctx); err != nil {
			return err
		}
	}
}

// next reads one frame and stores it.
func (d *data) next(ctx context.Context) error {
	d.meter.allowMessage(bridge.FrameHeader + bridge.MaxFrame)
	kind, r, err := d.conn.Reader(ctx)
	if err != nil {
		return err
	}
	if kind != websocket.MessageBinary {
		return bridge.NewError(bridge.CodeMessage, "the data socket carries frames only")
	}
	reading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := d.proxy.transfers.frames.begin(d.rate.proven.Load(), d.meter.liveness.silence, func() {
		cancel(bridge.NewError(bridge.CodeBusy, "a frame arrived too slowly while others waited for its memory"))
		d.meter.flooded.Store(true)
		d.meter.readFor(0)
	})
	defer a.end()
	a.expected = d.lastFrame
	message, err := d.readFrame(reading, a, r)
	if cut := context.Cause(reading); cut != nil && ctx.Err() == nil {
		return cut
	}
	if err != nil {
		return err
	}
	cost := overhead(d.meter.newOverhead())
	f, payload, err := bridge.ParseFrame(message)
	if err != nil {
		return err
	}
	if d.gone.Load() {
		return nil // the reason is being sent and the socket is being closed
	}
	key := f.Key.String()
	last, err := d.store(ctx, f, key, payload)
	switch {
	case err != nil:
		d.noteFail(key, err)
		cost++
	case !last:
		cost += small(len(payload))
	}
	return d.rate.charge(ctx, cost)
}

// readFrame reads a frame that has begun into a buffer that grows with it.
func (d *data) readFrame(ctx context.Context, a *frameBuffer, r io.Reader) ([]byte, error) {
	came := d.timed(r)
	defer came.watch()()
	message, err := a.read(ctx, came)
	if err == nil {
		d.lastFrame = len(message)
	}
	return message, err
}

// store appends a frame to its upload, and reports whether it is the last one.
func (d *data) store(ctx context.Context, f bridge.Frame, key string, payload []byte) (last bool, err error) {
	if err := f.Verify(payload); err != nil {
		return false, err
	}
	came := time.Now()
	return d.proxy.transfers.Append(ctx, d.who, key, f.Offset, payload, func(durable int64, err error) {
		if err != nil {
			d.noteFail(key, err)
			return
		}
		d.rate.proven.Store(true)
		d.noteAck(bridge.Ack{Key: key, Stored: durable, Held: time.Since(came).Milliseconds()})
	})
}

func (d *data) noteAck(ack bridge.Ack) {
	d.mu.Lock()
	d.acks[ack.Key] = ack
	d.mu.Unlock()
	d.wakeSender()
}

func (d *data) noteFail(key string, err error) {
	d.mu.Lock()
	d.fails[key] = err
	d.mu.Unlock()
	d.wakeSender()
}

func (d *data) wakeSender() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// sendAcks sends acks and refusals. Of several acks of one upload that wait for a slow link
// only the last is sent.
func (d *data) sendAcks(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		}
		d.mu.Lock()
		acks, fails := d.acks, d.fails
		d.acks, d.fails = map[string]bridge.Ack{}, map[string]error{}
		d.mu.Unlock()
		for _, ack := range acks {
			if d.send(ctx, &ack) != nil {
				return
			}
		}
		for key, err := range fails {
			if d.send(ctx, &bridge.Fail{Key: key, Error: *d.publicError(err)}) != nil {
				return
			}
		}
	}
}
