package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"attache/bridge"
	"attache/proxy"
)

// transcripts are the transcripts of the backend's Chat Server.
type transcripts struct{ chat chatServer }

var _ proxy.Transcripts = transcripts{}

var errNoProgress = errors.New("the backend's page of a transcript has no event after the last known one, but reports more")

// Transcript reads the transcript page by page.
func (c transcripts) Transcript(ctx context.Context, session string, position int64, each func(bridge.Event) error) error {
	for {
		var page wireTranscript
		err := c.chat.client.retry(ctx, func(ctx context.Context) error {
			page = wireTranscript{}
			return c.page(ctx, fmt.Sprintf("%s?after=%d", pathOf(pathRecord, session), position), &page)
		})
		if err != nil {
			return err
		}
		before := position
		for _, in := range page.Events {
			var e event
			if err := json.Unmarshal(in, &e); err != nil {
				id := eventID(in)
				c.chat.client.cfg.Log.Error("an event of the backend's transcript cannot be decoded and was skipped", "session", session, "after", position, "id", id, "error", err)
				position = max(position, id)
				continue
			}
			if e.ID <= position {
				continue
			}
			if err := each(c.chat.received(e)); err != nil {
				return err
			}
			position = e.ID
		}
		switch {
		case !page.More:
			return nil
		case position == before:
			return bridge.WrapError(bridge.CodeChatUnavailable, errNoProgress)
		}
	}
}

// page decodes a response that may be larger than others.
func (c transcripts) page(ctx context.Context, path string, page any) error {
	req, err := c.chat.client.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return bridge.AsError(err)
	}
	res, err := c.chat.client.send(req, bridge.CodeChatUnavailable)
	if err != nil {
		return err
	}
	defer drain(res)
	if err := json.NewDecoder(io.LimitReader(res.Body, maxPage)).Decode(page); err != nil {
		return bridge.WrapError(bridge.CodeChatUnavailable, fmt.Errorf("decode the backend's response: %w", err))
	}
	return nil
}

// Ended polls for ended sessions. Only the last session of a page gets the page's own
// cursor. The others get the cursor of the page before: a caller that resumes after one
// of them gets the whole page again.
func (c transcripts) Ended(ctx context.Context, cursor string, ended func(session, cursor string) error) error {
	between := backoff{first: 100 * time.Millisecond, max: 2 * time.Second}
	for logged := false; ; {
		page, err := c.endedPage(ctx, cursor)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !unavailable(err):
			return err
		case err != nil && !logged:
			c.chat.client.cfg.Log.Warn("the backend does not report ended sessions; retrying", "error", err)
			logged = true
		case err == nil:
			logged = false
		}
		for n, session := range page.Sessions {
			at := cursor
			if n == len(page.Sessions)-1 {
				at = page.Cursor
			}
			if err := ended(session, at); err != nil {
				return err
			}
		}
		if err == nil && len(page.Sessions) > 0 {
			cursor = page.Cursor
			between.reset()
			continue
		}
		if err := between.pause(ctx); err != nil {
			return err
		}
	}
}

func (c transcripts) endedPage(ctx context.Context, cursor string) (page wireEnded, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.chat.client.cfg.IdleTimeout)
	defer cancel()
	err = c.page(ctx, pathEnded+"?after="+url.QueryEscape(cursor), &page)
	if err == nil && len(page.Sessions) > 0 && page.Cursor == "" {
		err = bridge.WrapError(bridge.CodeChatUnavailable, errors.New("the backend's page of ended sessions has no cursor"))
		page = wireEnded{}
	}
	return page, err
}
