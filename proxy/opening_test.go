package proxy_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"

	"github.com/stretchr/testify/require"
)

// begun offers a file and sends its first piece.
func (w *world) begun(p, d *page) (*bridge.Offer, []byte) {
	w.t.Helper()
	content := random(2 * pieceLength)
	offer := &bridge.Offer{Key: newKey(), Name: "a.bin", Size: int64(len(content))}
	p.offer(offer)
	d.part(offer.Key, 0, content[:pieceLength])
	return offer, content
}

// answered says something, and reads until that is done: what was asked before and is
// answered at once has been answered by then.
func (p *page) answered() (before []bridge.Wire) {
	p.t.Helper()
	p.send(&bridge.Say{Ref: 77, Key: newKey(), Text: "the chat continues"})
	for {
		m := p.next()
		if done, ok := m.(*bridge.Done); ok && done.Ref == 77 {
			return before
		}
		before = append(before, m)
	}
}

func (p *page) notAccepted() {
	p.t.Helper()
	for _, m := range p.answered() {
		_, accepted := m.(*bridge.Accept)
		fail, failed := m.(*bridge.Fail)
		require.False(p.t, accepted || failed && fail.Key != "", "%+v", m)
	}
}

func (w *world) finishes(p, d *page, key string, content []byte) {
	w.t.Helper()
	d.frame(key, pieceLength, content[pieceLength:])
	got, _ := w.fetch(w.ticket(p, p.announced(key).ID), nil, http.StatusOK)
	require.Equal(w.t, content, got)
}

func TestOfferThatContinuesDoesNotHoldUpItsParty(t *testing.T) {
	t.Parallel()
	store := newSlowStore(t)
	w := newWorld(t, store.wrap)
	agent, _ := w.join(w.agent)
	d := w.data(w.agent)
	offer, content := w.begun(agent, d)
	release := store.hold()
	defer release()
	for range 3 {
		agent.send(offer) // the same key is answered once
	}
	id := <-store.entered
	agent.notAccepted()
	w.upload(agent, d, "meanwhile.bin", random(10))
	agent.notAccepted()
	release()
	accept := await(agent, anything[*bridge.Accept])
	require.EqualValues(t, pieceLength, accept.Offset)
	require.Equal(t, sum(content[:pieceLength]), accept.Digest)
	require.Equal(t, 2, store.begins(id))
	agent.notAccepted()
	w.finishes(agent, d, offer.Key, content)
}

// The page gives up, or its connection is cut, before the store is ready: its next offer
// waits for the same work.
func TestNextOfferJoinsTheOneThatWaits(t *testing.T) {
	t.Parallel()
	store := newSlowStore(t)
	w := newWorld(t, store.wrap)
	agent, _ := w.join(w.agent)
	d := w.data(w.agent)
	offer, content := w.begun(agent, d)
	release := store.hold()
	defer release()
	agent.send(offer)
	id := <-store.entered
	agent.conn.CloseNow()
	for range 2 {
		again, _ := w.join(w.agent)
		again.send(offer)
		again.notAccepted()
		again.conn.CloseNow()
	}
	again, _ := w.join(w.agent)
	again.send(offer)
	again.notAccepted()
	require.Equal(t, 2, store.begins(id), "the work began once")
	release()
	require.EqualValues(t, pieceLength, await(again, anything[*bridge.Accept]).Offset)
	w.finishes(again, w.data(w.agent), offer.Key, content)
	require.Equal(t, 2, store.begins(id))
}

func TestOpeningThatNobodyWaitsForRunsToItsEnd(t *testing.T) {
	t.Parallel()
	store := newSlowStore(t)
	w := newWorld(t, store.wrap)
	d := w.door("dora", bridge.Agent)
	key := newKey()
	_, err := d.offer(key, "a.bin", 10)
	require.NoError(t, err)
	release := store.hold()
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := d.transfers.Offer(ctx, d.who, proxy.Offer{Key: key, Conn: "door", Limits: d.limits, Name: "a.bin", Size: 10})
		ended <- err
	}()
	<-store.entered
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	release()
	require.Eventually(t, func() bool { return store.open() == 0 }, wait, time.Millisecond, "the writer that nobody wants is closed")
	require.Empty(t, w.acts("dora"), "a wait that ended is not a refusal")
	offered, err := d.offer(key, "a.bin", 10)
	require.NoError(t, err)
	require.True(t, offered.Incoming)
}

// A party cannot occupy the store's places while others wait.
func TestOpeningsOfOnePartyTakeTurns(t *testing.T) {
	t.Parallel()
	store := newSlowStore(t)
	w := newWorld(t, store.wrap)
	agent, _ := w.join(w.agent)
	customer, _ := w.join(w.customer)
	d := w.data(w.agent)
	var offers []*bridge.Offer
	for range 3 {
		offer, _ := w.begun(agent, d)
		offers = append(offers, offer)
	}
	other, _ := w.begun(customer, w.data(w.customer))
	release := store.hold()
	defer release()
	agent.send(offers[0])
	first := <-store.entered
	for _, offer := range offers[1:] {
		agent.send(offer)
	}
	agent.notAccepted()
	customer.send(other)
	require.NotEqual(t, first, <-store.entered, "another party's")
	agent.notAccepted()
	require.Empty(t, store.entered, "the others of the first party have not begun")
	release()
	for range offers {
		await(agent, anything[*bridge.Accept])
	}
	await(customer, anything[*bridge.Accept])
}

// A cancel while the offer waits wins, and leaves nothing: whether the store notices the
// end of the wait or not.
func TestCancelOfAnOfferThatWaitsWins(t *testing.T) {
	t.Parallel()
	for name, deaf := range map[string]bool{"the store gives up": false, "the store has begun all the same": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newSlowStore(t)
			store.deaf = deaf
			w := newWorld(t, store.wrap)
			agent, _ := w.join(w.agent)
			d := w.data(w.agent)
			offer, content := w.begun(agent, d)
			release := store.hold()
			defer release()
			agent.send(offer)
			id := <-store.entered
			agent.send(&bridge.Cancel{Key: offer.Key})
			for cancelled := false; !cancelled; {
				switch m := agent.next().(type) {
				case *bridge.Upload:
					cancelled = m.State == bridge.Cancelled
				case *bridge.Accept, *bridge.Fail:
					require.Fail(t, "the offer was answered", "%+v", m)
				}
			}
			release()
			agent.notAccepted()
			d.frame(offer.Key, pieceLength, content[pieceLength:])
			require.Equal(t, bridge.CodeCancelled, d.refused())
			require.Eventually(t, func() bool { return store.open() == 0 }, wait, time.Millisecond)
			w.nothingStaged()
			require.GreaterOrEqual(t, store.discarded(id), 2, "also what was begun after the cancel")
		})
	}
}

// A piece that came before the offer does not know what was acked; the offer that joins its
// opening does.
func TestOfferThatJoinsAPieceBeginsWhereItWasAcked(t *testing.T) {
	t.Parallel()
	store := newSlowStore(t)
	w := newWorld(t, cuts, store.wrap)
	agent, _ := w.join(w.agent)
	d := w.data(w.agent)
	offer, content := w.begun(agent, d)
	w = w.restarted()
	agent, _ = w.join(w.agent)
	d = w.data(w.agent)
	release := store.hold()
	defer release()
	d.frame(offer.Key, pieceLength, content[pieceLength:])
	<-store.entered
	require.Equal(t, bridge.CodeBusy, d.refused())
	acked := int64(1000)
	offer.Acked = &acked
	agent.send(offer)
	agent.notAccepted()
	release()
	require.Equal(t, acked, await(agent, anything[*bridge.Accept]).Offset)
}

func TestLeaveEndsTheWaitOfAnOffer(t *testing.T) {
	t.Parallel()
	store := newSlowStore(t)
	w := newWorld(t, store.wrap)
	agent, _ := w.join(w.agent)
	d := w.data(w.agent)
	offer, _ := w.begun(agent, d)
	release := store.hold()
	defer release()
	agent.send(offer)
	<-store.entered
	agent.send(&bridge.Leave{Ref: 5})
	for left := false; !left; {
		m, err := agent.read()
		require.NoError(t, err)
		_, accepted := m.(*bridge.Accept)
		require.False(t, accepted)
		done, ok := m.(*bridge.Done)
		left = ok && done.Ref == 5
	}
	release()
	agent.closed()
	require.Eventually(t, func() bool { return store.open() == 0 }, wait, time.Millisecond)
}

// A piece of an upload that is not open waits briefly: other uploads' pieces come after it
// on its socket.
func TestPieceDoesNotWaitForAnOpening(t *testing.T) {
	t.Parallel()
	store := newSlowStore(t)
	w := newWorld(t, store.wrap)
	agent, _ := w.join(w.agent)
	d := w.data(w.agent)
	offer, content := w.begun(agent, d)
	other, others := w.begun(agent, d)
	release := store.hold()
	defer release()
	gone, _ := w.join(w.agent)
	gone.send(offer) // which closes the upload
	<-store.entered
	gone.conn.CloseNow()

	for range 5 {
		d.frame(offer.Key, pieceLength, content[pieceLength:])
	}
	d.frame(other.Key, pieceLength, others[pieceLength:])
	busy := false
	for acked := false; !acked || !busy; {
		switch m := d.next().(type) {
		case *bridge.Ack:
			acked = m.Key == other.Key
		case *bridge.Fail:
			require.Equal(t, offer.Key, m.Key)
			require.Equal(t, bridge.CodeBusy, m.Error.Code)
			require.True(t, m.Error.Retry)
			busy = true
		}
	}
	agent.announced(other.Key)
	agent.send(offer)
	agent.notAccepted()
	release()
	require.EqualValues(t, pieceLength, await(agent, anything[*bridge.Accept]).Offset)
	w.finishes(agent, d, offer.Key, content)
}

func TestProxyClosesWhileAnOfferWaits(t *testing.T) {
	t.Parallel()
	store := newSlowStore(t)
	w := newWorld(t, store.wrap)
	agent, _ := w.join(w.agent)
	offer, _ := w.begun(agent, w.data(w.agent))
	defer store.hold()()
	agent.send(offer)
	<-store.entered
	w.Proxy.Close()
	require.Zero(t, store.open())
}
