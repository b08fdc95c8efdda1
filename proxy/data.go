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
	unchecked bool // frames need no checksum
	files     fileFrames
	lastFrame int         // bytes; only the reader of frames uses it
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
	d := &data{socket: socket, proxy: p, unchecked: p.trusted.directly(r), acks: map[string]bridge.Ack{}, fails: map[string]error{}, wake: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	var senders sync.WaitGroup
	defer senders.Wait()
	defer cancel()
	err := d.checkParty(ctx)
	if err == nil {
		err = d.send(ctx, d.ready(r))
	}
	if err == nil {
		defer d.keepAlive(ctx)()
		senders.Go(func() { d.watchParty(ctx, cancel) })
		senders.Go(func() { d.sendAcks(ctx) })
		err = d.serve(ctx, &senders)
	}
	var reason *bridge.Error
	if errors.As(err, &reason) {
		d.fail(context.WithoutCancel(ctx), reason)
	} else {
		d.conn.CloseNow()
	}
}

// ready is the answer to the hello. A page of an earlier release is told nothing that it does
// not know.
func (d *data) ready(r *http.Request) *bridge.Ready {
	ready := &bridge.Ready{MaxFrame: int64(d.proxy.cfg.MaxFrame)}
	if "?"+r.URL.RawQuery == bridge.QueryData {
		ready.Offers, ready.Unchecked = d.proxy.transfers.takesWhole(d.who), d.unchecked
	}
	return ready
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
// here, not the socket. While one frame is being stored the next one is being read.
func (d *data) serve(ctx context.Context, running *sync.WaitGroup) error {
	d.conn.SetReadLimit(-1) // readFrame bounds messages itself
	defer d.files.running.Wait()
	frames, stop := make(chan *frame), make(chan struct{})
	defer close(stop)
	var failed error
	running.Go(func() {
		defer close(frames)
		for {
			var f *frame
			if f, failed = d.next(ctx); failed != nil {
				return
			}
			select {
			case frames <- f:
			case <-stop:
				f.buffer.end()
				return
			}
		}
	})
	for f := range frames {
		if err := d.take(ctx, f); err != nil {
			return err
		}
	}
	return failed
}

// frame is a frame that has arrived whole, in memory that ends with its buffer.
type frame struct {
	buffer  *frameBuffer
	message []byte
	cost    int
}

// next reads one frame.
func (d *data) next(ctx context.Context) (_ *frame, err error) {
	d.meter.allowMessage(bridge.FrameHeader + bridge.MaxFrame)
	kind, r, err := d.conn.Reader(ctx)
	if err != nil {
		return nil, err
	}
	if kind != websocket.MessageBinary {
		return nil, bridge.NewError(bridge.CodeMessage, "the data socket carries frames only")
	}
	reading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := d.proxy.transfers.frames.begin(d.rate.proven.Load(), d.meter.liveness.silence, func() {
		cancel(bridge.NewError(bridge.CodeBusy, "a frame arrived too slowly while others waited for its memory"))
		d.meter.flooded.Store(true)
		d.meter.readFor(0)
	})
	defer func() {
		if err != nil {
			a.end()
		}
	}()
	a.expected = d.lastFrame
	message, err := d.readFrame(reading, a, r)
	if cut := context.Cause(reading); cut != nil && ctx.Err() == nil {
		return nil, cut
	}
	if err != nil {
		return nil, err
	}
	return &frame{a, message, overhead(d.meter.newOverhead())}, nil
}

// take stores a frame, and frees its memory.
func (d *data) take(ctx context.Context, in *frame) error {
	f, payload, err := bridge.ParseFrame(in.message)
	switch {
	case err != nil:
	case d.gone.Load(): // the reason is being sent and the socket is being closed
		in.buffer.end()
		return nil
	case f.Offer > 0:
		return d.takeFile(ctx, in, f, payload)
	}
	defer in.buffer.end()
	if err != nil {
		return err
	}
	key := f.Key.String()
	last, err := d.store(ctx, f, key, payload)
	switch {
	case err != nil:
		d.noteFail(key, err)
		in.cost++
	case !last:
		in.cost += small(len(payload))
	}
	return d.rate.charge(ctx, in.cost)
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
	if err := d.verify(f, payload); err != nil {
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

// verify checks a payload's checksum. A frame may lack one only if the page was told so.
func (d *data) verify(f bridge.Frame, payload []byte) error {
	if f.Unchecked && !d.unchecked {
		return bridge.NewError(bridge.CodeFrameChecksum, "a frame on this connection needs a checksum")
	}
	return f.Verify(payload)
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
