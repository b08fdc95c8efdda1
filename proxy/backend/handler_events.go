package backend

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"attache/bridge"
)

// events writes a stream of lines: each is an event, empty after a while of silence, or, as
// the last one, an error. It sends status 200 and an empty line before it knows anything, so
// that the client sees at once that the backend is there.
func (h *Handler) events(w http.ResponseWriter, r *http.Request) error {
	position, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil || position < 0 {
		return bridge.NewError(bridge.CodeMessage, "after is the id of the last known event, 0 for none")
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	head := w.Header()
	head.Set("Content-Type", "application/x-ndjson")
	head.Set("Cache-Control", "no-store")
	s := &lineWriter{out: w, control: http.NewResponseController(w), cancel: cancel}
	s.write(nil)
	var heartbeats sync.WaitGroup
	heartbeats.Go(func() { s.sendHeartbeats(ctx) })
	session, user := r.PathValue("session"), r.PathValue("user")
	deliver := func(e bridge.Event) error { return s.write(bridge.AppendEvent(nil, h.sent(e).Event)) }
	if h.informer != nil && r.URL.Query().Get("info") == "true" {
		err = h.informer.EventsAndInfo(ctx, session, user, position, deliver, s.writeInfo)
	} else {
		err = h.cfg.Chat.Events(ctx, session, user, position, deliver)
	}
	closed := ctx.Err() != nil // by the client, or by Close
	cancel()
	heartbeats.Wait()
	if !closed && err != nil {
		s.write(bridge.AppendError(nil, bridge.AsError(err)))
	}
	return nil
}

// lineWriter writes and flushes one line at a time.
type lineWriter struct {
	mu      sync.Mutex
	out     http.ResponseWriter
	control *http.ResponseController
	cancel  context.CancelFunc
	last    time.Time
}

func (s *lineWriter) write(line []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
	s.control.SetWriteDeadline(s.last.Add(pieceTime))
	_, err := s.out.Write(append(line, '\n'))
	if err == nil {
		err = s.control.Flush()
	}
	if err != nil {
		s.cancel()
	}
	return err
}

func (s *lineWriter) writeInfo(info bridge.SessionChanged) error {
	line, err := json.Marshal(wireInfo{typeInfo, info.IdleExpires, info.Saved, info.Monitored})
	if err != nil {
		return bridge.AsError(err)
	}
	return s.write(line)
}

func (s *lineWriter) sendHeartbeats(ctx context.Context) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.write(nil)
		}
	}
}
