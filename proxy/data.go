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
	over      atomic.Bool // the party is not in the session any more: nothing more is stored

	mu    sync.Mutex
	acks  map[string]bridge.Ack // what is stored and the page has not been told
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
	var tellers sync.WaitGroup
	defer tellers.Wait()
	defer cancel()
	err := p.transfers.present(ctx, d.who)
	if err == nil {
		err = d.send(ctx, &bridge.Ready{MaxFrame: int64(p.cfg.MaxFrame)})
	}
	if err == nil {
		tellers.Go(func() { d.alive(ctx) })
		tellers.Go(func() { d.watchParty(ctx, cancel) })
		tellers.Go(func() { d.tell(ctx) })
		err = d.serve(ctx)
	}
	var told *bridge.Error
	if errors.As(err, &told) {
		d.fail(context.WithoutCancel(ctx), told)
		return
	}
	d.conn.CloseNow()
}

// serve stores frames until the page goes away. What is wrong with one upload
// ends that upload here, not the socket.
func (d *data) serve(ctx context.Context) error {
	d.conn.SetReadLimit(-1) // read bounds messages itself
	for {
		if err := d.next(ctx); err != nil {
			return err
		}
	}
}

// next reads one frame and passes it on.
func (d *data) next(ctx context.Context) error {
	d.meter.next(bridge.FrameHeader + bridge.MaxFrame)
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
		cancel(bridge.NewError(bridge.CodeBusy, "a frame came too slowly while others waited for its memory"))
		d.meter.flooded.Store(true)
		d.meter.hurry(0)
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
	cost := overhead(d.meter.spent())
	f, payload, err := bridge.ParseFrame(message)
	if err != nil {
		return err
	}
	if d.over.Load() {
		return nil // the page is being told why, and the socket closed
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

// readFrame reads a frame that has begun.
func (d *data) readFrame(ctx context.Context, a *frameBuffer, r io.Reader) ([]byte, error) {
	came := d.timed(r)
	defer came.watch()()
	message, err := a.read(ctx, came)
	if err == nil {
		d.lastFrame = len(message)
	}
	return message, err
}

// store hands a frame on, and reports whether it is its upload's last.
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
	d.awake()
}

func (d *data) noteFail(key string, err error) {
	d.mu.Lock()
	d.fails[key] = err
	d.mu.Unlock()
	d.awake()
}

func (d *data) awake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// tell sends acks and refusals. Of several acks of one upload that pile up
// behind a slow link only the last is sent.
func (d *data) tell(ctx context.Context) {
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
			if d.send(ctx, &bridge.Fail{Key: key, Error: *d.judge(err)}) != nil {
				return
			}
		}
	}
}
