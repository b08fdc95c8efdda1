package proxy

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// fill grows a buffer to its largest.
func fill(ctx context.Context, a *frameBuffer) error {
	for a.step < len(steps)-1 {
		if err := a.grow(ctx); err != nil {
			return err
		}
	}
	return nil
}

func never() time.Duration { return 0 }

// H4: the memory of incoming frames is bounded, however many there are, of all parties.
func TestH4IncomingFramesShareOneBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const whole = bridge.FrameHeader + bridge.MaxFrame + 1
		r := newFrameMemory(4 * whole)
		var cuts int
		ended := make(chan error, 600)
		for range 600 {
			ctx, cancel := context.WithCancelCause(t.Context())
			begun := time.Now()
			a := r.begin(false, func() time.Duration { return time.Since(begun) }, func() { cuts++; cancel(errCut) })
			go func() {
				err := fill(ctx, a)
				if err == nil {
					<-ctx.Done() // half of a frame has come, and no more
					err = context.Cause(ctx)
				}
				a.end()
				ended <- err
			}()
		}
		synctest.Wait()
		r.mu.Lock()
		require.GreaterOrEqual(t, r.free, int64(0))
		r.mu.Unlock()
		// A page's frame gets its memory however many are before it.
		good := r.begin(true, never, func() { t.Error("a good page is cut") })
		require.NoError(t, fill(t.Context(), good))
		good.whole()
		good.end()
		for range 600 - 4 { // for the last ones, no other frame waits
			require.ErrorIs(t, <-ended, errCut)
		}
		synctest.Wait()
		require.LessOrEqual(t, len(r.partial), 4)
		require.Equal(t, int64(0), r.claimsSize())
	})
}

var errCut = errors.New("cut")

func (r *frameMemory) claimsSize() (n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for e := r.claims.Front(); e != nil; e = e.Next() {
		n += e.Value.(*claim).size
	}
	return n
}

// H4: a whole frame that waits for the store is not cut.
func TestH4CompleteFrameIsNotDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFrameMemory(bridge.FrameHeader + bridge.MaxFrame + 1)
		stored := r.begin(true, never, func() { t.Error("a whole frame is cut") })
		require.NoError(t, fill(t.Context(), stored))
		stored.whole()
		next := r.begin(true, never, func() { t.Error("a frame that waits for the store is cut") })
		got := make(chan error, 1)
		go func() { got <- next.grow(t.Context()) }()
		time.Sleep(time.Minute) // the disk is slow
		require.Empty(t, got)
		stored.end()
		require.NoError(t, <-got)
		next.end()
		require.EqualValues(t, bridge.FrameHeader+bridge.MaxFrame+1, r.free)
	})
}

// H4: a claim that stops waiting holds nothing.
func TestH4CancelledWaitTakesNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFrameMemory(int64(steps[1]))
		first := r.begin(true, never, func() {})
		require.NoError(t, first.grow(t.Context()))
		first.whole()
		ctx, cancel := context.WithCancel(t.Context())
		second := r.begin(true, never, func() {})
		got := make(chan error, 1)
		go func() { got <- second.grow(ctx) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-got, context.Canceled)
		second.end()
		first.end()
		require.EqualValues(t, steps[1], r.free)
		time.Sleep(time.Second)
		r.mu.Lock()
		defer r.mu.Unlock()
		require.False(t, r.looking)
	})
}

// H4: a frame as long as the one before it is copied once and not at each size, with
// everything that has arrived of it.
func TestH4BufferStartsAtTheLastFramesSize(t *testing.T) {
	r := newFrameMemory(1 << 30)
	for last, sizes := range map[int][]int{
		0: {1, 2, 3}, 100: {1, 2, 3}, 100 << 10: {2, 3}, bridge.FrameHeader + 64<<10: {1, 2, 3}, bridge.MaxFrame: {3},
	} {
		a := r.begin(true, never, func() {})
		a.expected = last
		(*a.buf)[0] = 'x'
		for _, step := range sizes {
			require.NoError(t, a.grow(t.Context()))
			require.Equal(t, step, a.step, last)
			require.Equal(t, byte('x'), (*a.buf)[0])
			require.EqualValues(t, steps[step], a.held)
		}
		a.end()
	}
	require.EqualValues(t, 1<<30, r.free)
}
