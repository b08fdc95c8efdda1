package backend

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"attache/bridge"
)

var errPageFull = errors.New("the page is full")

// transcript replies with a page of a session's transcript.
func (h *Handler) transcript(w http.ResponseWriter, r *http.Request) error {
	position, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil || position < 0 {
		return bridge.NewError(bridge.CodeMessage, "after is the id of the last known event, 0 for none")
	}
	page := wireTranscript{Events: []json.RawMessage{}}
	size := 0
	err = h.transcripts.Transcript(r.Context(), r.PathValue("session"), position, func(e bridge.Event) error {
		out := bridge.AppendEvent(nil, h.sent(e).Event)
		if size += len(out); len(page.Events) == pageEvents || len(page.Events) > 0 && size > pageBytes {
			return errPageFull
		}
		page.Events = append(page.Events, out)
		return nil
	})
	page.More = errors.Is(err, errPageFull)
	if err != nil && !page.More {
		return err
	}
	return reply(w, page)
}

// collectTime is how long a page of ended sessions waits for more after the first.
const collectTime = 50 * time.Millisecond

// ended replies with the sessions that have ended after a cursor: as soon as there are some,
// and after a heartbeat's time with none.
func (h *Handler) ended(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), heartbeat)
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	page := wireEnded{Sessions: []string{}, Cursor: r.URL.Query().Get("after")}
	collect := sync.OnceFunc(func() { time.AfterFunc(collectTime, cancel) })
	err := h.transcripts.Ended(ctx, page.Cursor, func(session, cursor string) error {
		page.Sessions, page.Cursor = append(page.Sessions, session), cursor
		if len(page.Sessions) == pageSessions {
			return errPageFull
		}
		collect()
		return nil
	})
	if err != nil && !errors.Is(err, errPageFull) && ctx.Err() == nil {
		return err
	}
	return reply(w, page)
}
