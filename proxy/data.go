package proxy

import (
	"context"
	"errors"
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
	proxy *Proxy
	over  atomic.Bool // the party is not in the session any more: nothing more is stored

	mu    sync.Mutex
	acks  map[string]bridge.Ack // what is stored and the page has not been told
	fails map[string]error
	wake  chan struct{}
}

// frames are buffers for one message each, a byte longer than one may be. A socket
// has one from a message's first byte to its last, for most data sockets are idle
// most of the time.
var frames = sync.Pool{New: func() any {
	b := make([]byte, bridge.FrameHeader+bridge.MaxFrame+1)
	return &b
}}

// serveData runs a data socket from its handshake to its end.
func (p *Proxy) serveData(w http.ResponseWriter, r *http.Request) {
	socket := p.upgrade(w, r)
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
	err := p.present(ctx, d.who)
	if err == nil {
		err = d.send(ctx, &bridge.Ready{MaxFrame: int64(p.MaxFrame)})
	}
	if err == nil {
		tellers.Go(func() { d.alive(ctx) })
		tellers.Go(func() { d.attend(ctx, cancel) })
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

// errOver ends a data socket whose page has been told why already.
var errOver = errors.New("the party is not in the session any more")

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
	buf := frames.Get().(*[]byte)
	defer frames.Put(buf)
	message, err := d.readInto(*buf, r)
	if err != nil {
		return err
	}
	f, payload, err := bridge.ParseFrame(message)
	if err != nil {
		return err
	}
	if d.over.Load() {
		return errOver
	}
	key := f.Key.String()
	if err := d.store(ctx, f, key, payload); err != nil {
		d.noteFail(key, err)
		return d.pace.Wait(ctx)
	}
	return nil
}

func (d *data) store(ctx context.Context, f bridge.Frame, key string, payload []byte) error {
	if len(payload) > d.proxy.MaxFrame {
		return bridge.NewError(bridge.CodeFrame, "a frame is longer than the "+bridge.Bytes(int64(d.proxy.MaxFrame))+" announced")
	}
	if err := f.Verify(payload); err != nil {
		return err
	}
	u, err := d.proxy.uploads.get(ctx, d.who, key)
	if err != nil {
		return err
	}
	came := time.Now()
	size := int64(len(payload)) // the payload itself is reused
	err = u.append(ctx, f, payload, func(stored int64, err error) {
		if err != nil {
			d.proxy.uploads.forget(u)
			d.noteFail(key, err)
			return
		}
		d.proxy.up.Add(size)
		d.noteAck(bridge.Ack{Key: key, Stored: stored, Held: time.Since(came).Milliseconds()})
	})
	switch bridge.CodeOf(err) {
	case "":
		if err != nil {
			d.proxy.uploads.forget(u)
			return bridge.WrapError(bridge.CodeStorageUnavailable, err)
		}
	case bridge.CodeFrameLength:
		if refused := u.refuse(ctx, bridge.CodeFrameLength); refused != nil {
			return refused
		}
	case bridge.CodeSuperseded, bridge.CodeStorageFull, bridge.CodeStorageUnavailable:
		d.proxy.uploads.forget(u)
	}
	return err
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
