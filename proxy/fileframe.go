package proxy

import (
	"context"
	"sync"
	"time"

	"attache/bridge"
)

// fileFrames are the file frames of a data socket that are decided and are being stored. They
// are decided one after the other, in their order, and stored side by side.
type fileFrames struct {
	running sync.WaitGroup
	slots   chan struct{}
	before  <-chan struct{} // closed once the file frame before has its record
}

// maxFileFrames is how many file frames of a socket are stored at a time. The memory of all
// frames together is bounded as well.
const maxFileFrames = 8

// takeFile decides about a file that came whole with its offer, and begins to store it.
func (d *data) takeFile(ctx context.Context, in *frame, f bridge.Frame, payload []byte) error {
	came, key := time.Now(), f.Key.String()
	w, err := d.offerFile(ctx, f, payload)
	if err != nil {
		in.buffer.end()
		d.noteFail(key, err)
		return d.rate.charge(ctx, in.cost+1)
	}
	if d.files.slots == nil {
		d.files.slots = make(chan struct{}, maxFileFrames)
	}
	d.files.slots <- struct{}{} // each has its time
	before, recorded := d.files.before, make(chan struct{})
	d.files.before = recorded
	d.files.running.Go(func() {
		defer func() { <-d.files.slots }()
		d.storeFile(w, in, key, came, sync.OnceFunc(func() {
			if before != nil {
				<-before
			}
			close(recorded)
		}))
	})
	return d.rate.charge(ctx, in.cost+1)
}

func (d *data) offerFile(ctx context.Context, f bridge.Frame, payload []byte) (*WholeOffer, error) {
	if err := d.verify(f, payload); err != nil {
		return nil, err
	}
	m, content, err := f.SplitOffer(payload)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return d.proxy.transfers.OfferWhole(ctx, d.who, offerOf(m, d.id), content)
}

// storeFile stores a file and tells the page. It goes on when the page is gone.
//
// recorded waits for the record of the file before: an upload must not be accepted, and so
// perhaps announced, as long as nobody can know of the one that is to be announced before it.
func (d *data) storeFile(w *WholeOffer, in *frame, key string, came time.Time, recorded func()) {
	defer in.buffer.end()
	ctx, cancel := context.WithTimeout(d.proxy.ctx, requestTimeout)
	defer cancel()
	record, err := w.Store(ctx, recorded)
	if err != nil {
		d.noteFail(key, err)
		return
	}
	d.rate.proven.Store(true)
	d.noteAck(bridge.Ack{Key: key, Stored: record.Size, Held: time.Since(came).Milliseconds()})
}
