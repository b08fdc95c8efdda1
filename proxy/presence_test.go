package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// seated counts the seats of all proxies.
func (w *world) seated() int {
	w.t.Helper()
	stream, err := w.Engine.JetStream().Stream(w.t.Context(), "SEATS")
	require.NoError(w.t, err)
	info, err := stream.Info(w.t.Context(), jetstream.WithSubjectFilter("seat.>"))
	require.NoError(w.t, err)
	return len(info.State.Subjects)
}

func (w *world) awaitSeated(n int) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.seated() == n }, wait, 5*time.Millisecond)
}

func isLeft(m *bridge.EventAdded) bool { return m.Event.Type == bridge.PartyLeft }

func TestDisconnectedPartyLeavesAfterTheTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	customer, _ := w.join(w.customer)
	customer.conn.CloseNow()
	left := await(agent, isLeft)
	require.EqualValues(t, bridge.ReasonDisconnected.Code, left.Event.Reason.Code)
	w.awaitSeated(1)
}

// TestPartyThatReturnsAtAnotherProxyStays loses a socket and connects the page to another
// proxy: the first one's timeout removes no party.
func TestPartyThatReturnsAtAnotherProxyStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twin := w.another()
	agent, _ := twin.join(w.agent)
	first, _ := w.join(w.customer)
	second, _ := twin.join(w.customer)
	w.awaitSeated(3)
	first.conn.CloseNow()
	w.awaitSeated(2)
	var said int64
	for i := range 20 {
		second.send(&bridge.Say{Ref: int64(i + 1), Key: newKey(), Text: "still here"})
		said = await(second, func(m *bridge.Done) bool { return m.Ref == int64(i+1) }).Event.ID
	}
	second.conn.CloseNow()
	require.Greater(t, await(agent, isLeft).Event.ID, said)
	w.awaitSeated(1)
}

// TestPartyOfAKilledProxyLeaves kills the only proxy that knew of a party.
func TestPartyOfAKilledProxyLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twin := w.another()
	agent, _ := twin.join(w.agent)
	w.join(w.customer)
	w.Crash()
	left := await(agent, isLeft)
	require.Equal(t, "carol", left.Event.From.UserID)
	require.EqualValues(t, bridge.ReasonDisconnected.Code, left.Event.Reason.Code)
	w.awaitSeated(1)
}

// TestRemovedSeatIsTakenAgain connects again to a proxy that the others
// believed gone, while its old socket is not yet known to be dead.
func TestRemovedSeatIsTakenAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twin := w.another()
	agent, _ := twin.join(w.agent)
	w.join(w.customer)
	w.awaitSeated(2)
	stream, err := w.Engine.JetStream().Stream(t.Context(), "SEATS")
	require.NoError(t, err)
	carol := fmt.Sprintf("seat.%x.%x.*", "s1", "carol")
	require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSubject(carol)), "as an heir does")
	back, _ := w.join(w.customer)
	w.awaitSeated(2)

	elsewhere, _ := twin.join(w.customer)
	w.awaitSeated(3)
	elsewhere.conn.CloseNow()
	w.awaitSeated(2)
	back.send(&bridge.Say{Ref: 1, Key: newKey(), Text: "still here"})
	said := await(back, func(m *bridge.Done) bool { return m.Ref == 1 }).Event.ID
	w.Crash()
	require.Greater(t, await(agent, isLeft).Event.ID, said, "and its seat is inherited")
}

// TestLeavingFreesTheSeat leaves by a message.
func TestLeavingFreesTheSeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	agent.send(&bridge.Leave{Ref: 1})
	await(agent, func(m *bridge.Done) bool { return m.Ref == 1 })
	agent.closed() // a page answers the closing handshake
	w.awaitSeated(0)
}

// hooked are the real seats, with hooks before and after.
type hooked struct {
	proxy.Seats
	take  func() error // before Take
	free  func() error // before Free
	freed func()       // after Free
}

func (h *hooked) wrap(c *proxy.Config) { h.Seats, c.Seats = c.Seats, h }

func (h *hooked) Take(ctx context.Context, session, user string, away time.Duration) error {
	if h.take != nil {
		if err := h.take(); err != nil {
			return err
		}
	}
	return h.Seats.Take(ctx, session, user, away)
}

func (h *hooked) Free(ctx context.Context, session, user string) (bool, error) {
	if h.free != nil {
		if err := h.free(); err != nil {
			return false, err
		}
	}
	elsewhere, err := h.Seats.Free(ctx, session, user)
	if h.freed != nil {
		h.freed()
	}
	return elsewhere, err
}

// TestPartyThatReturnsWhileItsSeatIsFreedStays connects at the moment at which the first
// socket's seat has been freed: the party stays, and so does its seat.
func TestPartyThatReturnsWhileItsSeatIsFreedStays(t *testing.T) {
	t.Parallel()
	freed, back := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h := &hooked{freed: func() { once.Do(func() { close(freed); <-back }) }}
	w := newWorld(t)
	twin := w.another(h.wrap)
	agent, _ := w.join(w.agent)
	first, _ := twin.join(w.customer)
	first.conn.CloseNow()
	<-freed
	second, _ := twin.join(w.customer)
	_, err := h.Seats.Free(t.Context(), "s1", "carol") // as if it came last
	require.NoError(t, err)
	close(back)
	w.awaitSeated(2)
	second.send(&bridge.Say{Ref: 1, Key: newKey(), Text: "still here"})
	said := await(second, func(m *bridge.Done) bool { return m.Ref == 1 }).Event.ID
	second.conn.CloseNow()
	require.Greater(t, await(agent, isLeft).Event.ID, said)
}

// TestSocketIsRefusedIfItsSeatCannotBeTaken refuses the socket, and the next one takes it.
func TestSocketIsRefusedIfItsSeatCannotBeTaken(t *testing.T) {
	t.Parallel()
	var there atomic.Bool
	h := &hooked{take: func() error {
		if there.Load() {
			return nil
		}
		return errors.New("no leader")
	}}
	w := newWorld(t)
	twin := w.another(h.wrap)
	p := twin.open(bridge.PathChat)
	p.send(&bridge.Hello{Token: w.customer})
	require.Equal(t, bridge.CodeBusy, p.refused())
	there.Store(true)
	twin.join(w.customer)
	w.awaitSeated(1)
}

// TestFreeingASeatIsRetried tries again later: the party does not stay forever.
func TestFreeingASeatIsRetried(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	h := &hooked{free: func() error {
		if tries.Add(1) == 1 {
			return errors.New("no leader")
		}
		return nil
	}}
	w := newWorld(t)
	twin := w.another(h.wrap)
	agent, _ := w.join(w.agent)
	customer, _ := twin.join(w.customer)
	customer.conn.CloseNow()
	await(agent, isLeft)
	w.awaitSeated(1)
	require.EqualValues(t, 2, tries.Load())
}
