package proxy_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

// hangUps ends the request's context at a step of its upload.
type hangUps struct {
	*chat.Server
	step   string
	hangUp context.CancelFunc
	tries  atomic.Int32 // of a release
}

func (h *hangUps) at(step string) {
	if h.step == step {
		h.hangUp()
	}
}

func (h *hangUps) Reserve(ctx context.Context, session, user, key, name string, size int64) error {
	h.at("before it is reserved")
	err := h.Server.Reserve(ctx, session, user, key, name, size)
	h.at("when it was reserved")
	if err == nil && strings.HasPrefix(h.step, "the answer is lost") {
		return context.DeadlineExceeded
	}
	return err
}

func (h *hangUps) Release(ctx context.Context, session, user, key string) error {
	if h.step == "the answer is lost, and the first release fails" && h.tries.Add(1) == 1 {
		return bridge.NewError(bridge.CodeChatUnavailable, "")
	}
	return h.Server.Release(ctx, session, user, key)
}

// heldRecords are the Records of hangUps.
type heldRecords struct {
	proxy.Records
	hangUps *hangUps
}

func (h heldRecords) Create(ctx context.Context, r proxy.Record) (proxy.Record, error) {
	h.hangUps.at("before the record is written")
	if err := ctx.Err(); err != nil {
		return proxy.Record{}, err
	}
	r, err := h.Records.Create(ctx, r)
	h.hangUps.at("when the record was written")
	return r, err
}

// announcements is how many files were announced.
func (d *door) announcements() (n int64) {
	require.NoError(d.t, d.chat.Transcript(d.t.Context(), d.who.Session, 0, func(e bridge.Event) error {
		if e.IsFile() {
			n++
		}
		return nil
	}))
	return n
}

// A client that hangs up, at whatever step, and one whose reservation was made although its
// answer was lost, are not charged for a file that nobody gets.
func TestT17HangUpLeavesNoReservation(t *testing.T) {
	t.Parallel()
	for _, step := range []string{
		"before it is reserved", "when it was reserved", "before the record is written", "when the record was written",
		"the answer is lost", "the answer is lost, and the first release fails",
	} {
		for way, send := range map[string]func(*door, context.Context, proxy.Offer) error{
			"in one request": func(d *door, ctx context.Context, o proxy.Offer) error {
				r, w := io.Pipe()
				context.AfterFunc(ctx, func() { w.CloseWithError(io.ErrUnexpectedEOF) })
				if strings.HasPrefix(step, "the answer is lost") {
					defer w.Close()
				}
				_, err := d.transfers.Ingest(ctx, d.who, o, stream(r, 81920))
				return err
			},
			"with an offer": func(d *door, ctx context.Context, o proxy.Offer) error {
				o.Key, o.Size = newKey(), 4
				_, err := d.transfers.Offer(ctx, d.who, o)
				if err == nil { // the page is gone, so nobody continues it
					_, err = d.transfers.Cancel(context.WithoutCancel(ctx), d.who, o.Key)
				}
				return err
			},
			"whole with its offer": func(d *door, ctx context.Context, o proxy.Offer) error {
				o.Key, o.Size = newKey(), 4
				whole, err := d.transfers.OfferWhole(ctx, d.who, o, []byte("file"))
				if err == nil {
					_, err = whole.Store(context.WithoutCancel(ctx), func() {})
				}
				return err
			},
		} {
			t.Run(way+" "+step, func(t *testing.T) {
				t.Parallel()
				ctx, hangUp := context.WithCancel(t.Context())
				defer hangUp()
				d := newWorld(t, func(c *proxy.Config) {
					h := &hangUps{Server: c.Chat.(*chat.Server), step: step, hangUp: hangUp}
					c.Chat, c.Records = h, heldRecords{c.Records, h}
				}).door("carol", bridge.Client)
				send(d, ctx, proxy.Offer{Limits: d.limits, Name: "a.pdf"})
				require.Eventually(t, func() bool {
					files, size := d.used()
					return files == d.announcements() && (size == 0) == (files == 0)
				}, wait, 5*time.Millisecond)
			})
		}
	}
}

// An upload that was refused or cancelled takes nothing of what the others may have, once it has
// left the disk.
func TestIngest_ARefusedFileDelaysNoOther(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for name, lose := range map[string]func(*door){
		"refused at its end": func(d *door) {
			_, err := d.ingest("big.pdf", stream(bytes.NewReader(make([]byte, 2*mib+1)), -1))
			require.Equal(d.t, bridge.CodeFileSize, bridge.CodeOf(err), "%v", err)
		},
		"interrupted": func(d *door) {
			_, err := d.ingest("big.pdf", stream(io.MultiReader(bytes.NewReader(make([]byte, 2*mib-1)), iotest.ErrReader(io.ErrUnexpectedEOF)), -1))
			require.Error(d.t, err)
		},
		"cancelled": func(d *door) {
			key := newKey()
			_, err := d.offer(key, "big.pdf", 2*mib)
			require.NoError(d.t, err)
			_, err = d.transfers.Cancel(d.t.Context(), d.who, key)
			require.NoError(d.t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newWorld(t).door("carol", bridge.Client)
			for range 3 {
				lose(d)
			}
			_, err := d.ingest("fits.pdf", stream(bytes.NewReader(make([]byte, mib)), mib))
			require.NoError(t, err)
		})
	}
}
