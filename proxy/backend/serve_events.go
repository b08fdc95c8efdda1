package backend

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"attache/bridge"
)

// events is a stream of lines: one event each, an empty one when nothing has
// happened for a while, and an error as the last. It says 200 before anything
// is known, so that a receiver sees at once that the backend is there.
func (h *Handler) events(w http.ResponseWriter, r *http.Request) error {
	position, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil || position < 0 {
		return bridge.NewError(bridge.CodeMessage, "after is the id of the last event that is known, 0 for none")
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	head := w.Header()
	head.Set("Content-Type", "application/x-ndjson")
	head.Set("Cache-Control", "no-store")
	s := &stream{out: w, control: http.NewResponseController(w), cancel: cancel}
	s.line(nil)
	var beating sync.WaitGroup
	beating.Go(func() { s.beat(ctx) })
	err = h.Chat.Events(ctx, r.PathValue("session"), r.PathValue("user"), position, func(e bridge.Event) error {
		return s.line(bridge.AppendEvent(nil, e))
	})
	over := ctx.Err() != nil // the receiver's end, or this backend's
	cancel()
	beating.Wait()
	if !over && err != nil {
		s.line(bridge.AppendError(nil, bridge.AsError(err)))
	}
	return nil
}

// stream writes lines, one at a time and each at once.
type stream struct {
	mu      sync.Mutex
	out     http.ResponseWriter
	control *http.ResponseController
	cancel  context.CancelFunc
	last    time.Time
}

func (s *stream) line(line []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
	s.control.SetWriteDeadline(s.last.Add(writeTime))
	_, err := s.out.Write(append(line, '\n'))
	if err == nil {
		err = s.control.Flush()
	}
	if err != nil {
		s.cancel()
	}
	return err
}

func (s *stream) beat(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.line(nil)
		}
	}
}
