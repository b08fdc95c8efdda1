package deliver_test

import (
	"context"
	"io"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/deliver"
)

// delivererDouble is a chat server that permits, stores and announces in one call. It
// represents GMS (file upload of Chat API v2) as far as a proxy.Deliverer promises it,
// and assumes:
//
//  1. The call reads the whole content before the notice appears.
//  2. The document has an id of the server's own, which its notice names.
//  3. The notice carries the key of the call.
//  4. An answer may be lost after the file was stored and announced.
//  5. A refusal for the server's own limits is final, and then nothing was stored.
type delivererDouble struct {
	*chatDouble
	lost   error // returned instead of the first answer
	refuse error

	mu    sync.Mutex
	calls int
	got   map[string]string // content by document id
}

func newDelivererDouble(w *world) *delivererDouble {
	return &delivererDouble{chatDouble: w.chat, got: map[string]string{}}
}

func (d *delivererDouble) Deliver(_ context.Context, session, userID string, notice bridge.Event, doc proxy.Document, content io.Reader) (bridge.Event, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	if d.refuse != nil {
		return bridge.Event{}, d.refuse
	}
	b, err := io.ReadAll(content)
	if err != nil || int64(len(b)) != doc.Size {
		return bridge.Event{}, io.ErrUnexpectedEOF
	}
	id := "own-" + strconv.Itoa(d.calls)
	d.got[id] = string(b)
	notice.Data = notice.Data.Set(bridge.Text(bridge.KeyDocumentID, id))
	e, err := d.append(session, userID, notice)
	if lost := d.lost; lost != nil {
		d.lost = nil
		return bridge.Event{}, lost
	}
	return e, err
}

func (d *delivererDouble) called() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

// Post fails the test: a Deliverer's Post is not called for an upload.
func (d *delivererDouble) Post(context.Context, string, string, bridge.Event) (bridge.Event, error) {
	return bridge.Event{}, bridge.NewError(bridge.CodeNotice, "")
}

func (w *world) acceptedNow() proxy.Record {
	return w.create(w.draft(func(r *proxy.Record) {
		w.accept(r)
		r.Accepted = time.Now()
	}))
}

func TestDelivererStoresAndAnnouncesInOneCall(t *testing.T) {
	for name, c := range map[string]struct {
		lost    error
		scanner proxy.Scanner
	}{
		"at once":                 {nil, proxy.NoScanner{}},
		"after a scanner":         {nil, &scannerDouble{}},
		"its answer is lost once": {errAway, proxy.NoScanner{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			d := newDelivererDouble(w)
			d.lost = c.lost
			w.start(func(o *deliver.Options) { o.Chat, o.Scanner = d, c.scanner })
			r := w.awaitState(w.acceptedNow().Key, bridge.Announced)
			w.announcedOnce(r.Key)
			require.Equal(t, 1, d.called(), "an unclear outcome is looked up, not repeated")
			require.Equal(t, "own-1", r.DocumentID)
			require.Equal(t, "hello", d.got["own-1"])
			require.NotEmpty(t, r.FileID)
			w.nothingStored()
			require.Zero(t, w.store.adds)
		})
	}
}

func TestDelivererRefuses(t *testing.T) {
	w := newWorld(t)
	d := newDelivererDouble(w)
	d.refuse = bridge.NewError(bridge.CodeFileCount, "")
	w.start(func(o *deliver.Options) { o.Chat = d })
	r := w.awaitState(w.acceptedNow().Key, bridge.Failed)
	require.Equal(t, bridge.CodeFileCount, r.Code)
	require.Equal(t, 1, d.called())
	w.nothingStored()
}

func TestDelivererNeverSeesAnInfectedFile(t *testing.T) {
	w := newWorld(t)
	d := newDelivererDouble(w)
	w.start(func(o *deliver.Options) {
		o.Chat, o.Scanner = d, &scannerDouble{answers: []any{proxy.Infected}}
	})
	r := w.awaitState(w.acceptedNow().Key, bridge.Failed)
	require.Equal(t, bridge.CodeInfected, r.Code)
	require.Zero(t, d.called())
	w.nothingStored()
}

// An upload that fails while its outcome is unclear ends as announced if the transcript has it.
func TestDelivererAnnouncedAFailedUpload(t *testing.T) {
	w := newWorld(t)
	d := newDelivererDouble(w)
	d.lost = bridge.NewError(bridge.CodeNotice, "") // final, although it has happened
	w.start(func(o *deliver.Options) {
		o.Chat, o.StoreTime, o.AnnounceTime = d, 500*time.Millisecond, 500*time.Millisecond
	})
	key := w.acceptedNow().Key
	r := w.awaitState(key, bridge.Announced)
	require.Equal(t, "own-1", r.DocumentID)
	require.Equal(t, 1, d.called())
	w.announcedOnce(key)
	w.nothingStored()
}

func TestDelivererDiesAtABorder(t *testing.T) {
	for _, border := range []string{"delivering", "announced", "concluded"} {
		t.Run(border, func(t *testing.T) {
			w := newWorld(t)
			d := newDelivererDouble(w)
			dead := dieAt(t, border)
			options := func(o *deliver.Options) { o.Chat, o.Lease = d, brief }
			first := w.start(options)
			key := w.acceptedNow().Key
			<-dead
			w.kill(first)
			w.start(options)
			w.announcedOnce(key)
			require.Equal(t, 1, d.called())
			w.nothingStored()
		})
	}
}
