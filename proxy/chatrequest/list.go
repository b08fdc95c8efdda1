package chatrequest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/proxy"
)

// Path is where the list is, on the admin address.
const Path = "/attache/admin/chats"

// maxListed is how many requests an answer has; the newest come first.
const maxListed = 500

// Listed is a request in the list, with what has become of it.
type Listed struct {
	Request
	State
	Posted time.Time `json:"posted,omitzero"`
	Tries  int       `json:"tries,omitempty"`
	Closed bool      `json:"closed,omitempty"` // it is not posted any more, because the chat has ended or never began
}

// State is that of a chat.
type State struct {
	Begun  bool     `json:"begun"`
	Ended  bool     `json:"ended"`
	Agents []string `json:"agents"` // nicknames of those who are in
}

// ServeHTTP lists the chats that have not ended, or with ?ended=true all of the last day.
func (r *Requests) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	ended, _ := strconv.ParseBool(request.URL.Query().Get("ended"))
	all, err := r.List(request.Context(), ended)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		r.cfg.Log.Warn("the requests for a chat could not be listed", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		w.Write(append(bridge.AppendError(nil, bridge.NewError(bridge.CodeStorageUnavailable, "")), '\n'))
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"chats": all})
}

// List returns the chats that go on, or with ended all of them, the newest first.
func (r *Requests) List(ctx context.Context, ended bool) ([]Listed, error) {
	info, err := r.store.Stream.Info(ctx, jetstream.WithSubjectFilter(recordPrefix+">"))
	if err != nil {
		return nil, fmt.Errorf("list the requests for a chat: %w", err)
	}
	all := []Listed{}
	for subject := range info.State.Subjects {
		c, _, err := r.get(ctx, strings.TrimPrefix(subject, recordPrefix))
		if errors.Is(err, errUnknown) {
			continue // it has become too old meanwhile
		}
		if err != nil {
			return nil, err
		}
		if ended || !c.Closed {
			all = append(all, Listed{Request: c.Request, Posted: c.Posted, Tries: c.Tries, Closed: c.Closed})
		}
	}
	slices.SortFunc(all, func(a, b Listed) int { return b.At.Compare(a.At) })
	open := all[:0]
	for _, l := range all {
		if len(open) == maxListed {
			break
		}
		if l.State, err = r.stateOf(ctx, l.ChatID); err != nil {
			return nil, err
		}
		if ended || l.Begun && !l.Ended {
			open = append(open, l)
		}
	}
	return open, nil
}

// stateOf reads a chat's transcript.
func (r *Requests) stateOf(ctx context.Context, session string) (State, error) {
	s := State{Agents: []string{}}
	in, agents := map[string]bool{}, map[string]string{}
	transcripts, ok := r.cfg.Chat.(proxy.Transcripts)
	if !ok {
		return State{Begun: true}, nil
	}
	err := transcripts.Transcript(ctx, session, 0, func(e bridge.Event) error {
		switch e.Type {
		case bridge.NewParty:
			s.Begun, in[e.From.UserID] = true, true
			if e.From.UserType != bridge.Client {
				agents[e.From.UserID] = e.From.Nickname
			}
		case bridge.PartyLeft:
			delete(in, e.From.UserID)
			delete(agents, e.From.UserID)
		}
		return nil
	})
	for _, nickname := range agents {
		s.Agents = append(s.Agents, nickname)
	}
	slices.Sort(s.Agents)
	s.Ended = s.Begun && len(in) == 0
	return s, err
}
