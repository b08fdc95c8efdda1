package backend_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backend"
	"attache/proxy/chat"
	"attache/proxy/engine"
)

// brokenChat is Chat Server with one fault: the function that is set.
type brokenChat struct {
	*chat.Server
	join    func(ctx context.Context, session string, p proxy.Joining) (proxy.Joined, error)
	post    func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error)
	leave   func(ctx context.Context, session, userID string) error
	depart  func(ctx context.Context, session, userID string, d proxy.Departure) error
	events  func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error
	inform  func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error, inform func(bridge.SessionChanged) error) error
	file    func(ctx context.Context, session, userID, fileID string) (bridge.Event, error)
	find    func(ctx context.Context, session, key string) (bridge.Event, bool, error)
	reserve func(ctx context.Context, session, userID, key, name string, size int64) error
	release func(ctx context.Context, session, userID, key string) error
	correct func(ctx context.Context, session, userID, key string, size int64) error
	attempt func(ctx context.Context, session, userID, key, fileID string) error

	limits func(ctx context.Context, session, userID string) (bridge.Limits, error)
	watch  func(changed func()) (stop func())

	transcript func(ctx context.Context, session string, position int64, each func(bridge.Event) error) error
	ended      func(ctx context.Context, cursor string, ended func(session, cursor string) error) error
}

func (b *brokenChat) Transcript(ctx context.Context, session string, position int64, each func(bridge.Event) error) error {
	if b.transcript != nil {
		return b.transcript(ctx, session, position, each)
	}
	return b.Server.Transcript(ctx, session, position, each)
}

func (b *brokenChat) Ended(ctx context.Context, cursor string, ended func(session, cursor string) error) error {
	if b.ended != nil {
		return b.ended(ctx, cursor, ended)
	}
	return b.Server.Ended(ctx, cursor, ended)
}

func (b *brokenChat) Limits(ctx context.Context, session, userID string) (bridge.Limits, error) {
	if b.limits != nil {
		return b.limits(ctx, session, userID)
	}
	return b.Server.Limits(ctx, session, userID)
}

func (b *brokenChat) WatchLimits(changed func()) (stop func()) {
	if b.watch != nil {
		return b.watch(changed)
	}
	return b.Server.WatchLimits(changed)
}

func (b *brokenChat) Join(ctx context.Context, session string, p proxy.Joining) (proxy.Joined, error) {
	if b.join != nil {
		return b.join(ctx, session, p)
	}
	return b.Server.Join(ctx, session, p)
}

func (b *brokenChat) Post(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
	if b.post != nil {
		return b.post(ctx, session, userID, e)
	}
	return b.Server.Post(ctx, session, userID, e)
}

func (b *brokenChat) Leave(ctx context.Context, session, userID string, d proxy.Departure) error {
	if b.depart != nil {
		return b.depart(ctx, session, userID, d)
	}
	if b.leave != nil {
		if err := b.leave(ctx, session, userID); err != nil {
			return err
		}
	}
	return b.Server.Leave(ctx, session, userID, d)
}

func (b *brokenChat) EventsAndInfo(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error, inform func(bridge.SessionChanged) error) error {
	switch {
	case b.inform != nil:
		return b.inform(ctx, session, userID, position, deliver, inform)
	case b.events != nil:
		return b.events(ctx, session, userID, position, deliver)
	}
	return b.Server.EventsAndInfo(ctx, session, userID, position, deliver, inform)
}

func (b *brokenChat) Events(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
	if b.events != nil {
		return b.events(ctx, session, userID, position, deliver)
	}
	return b.Server.Events(ctx, session, userID, position, deliver)
}

func (b *brokenChat) File(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
	if b.file != nil {
		return b.file(ctx, session, userID, fileID)
	}
	return b.Server.File(ctx, session, userID, fileID)
}

func (b *brokenChat) FindKey(ctx context.Context, session, key string) (bridge.Event, bool, error) {
	if b.find != nil {
		return b.find(ctx, session, key)
	}
	return b.Server.FindKey(ctx, session, key)
}

func (b *brokenChat) Reserve(ctx context.Context, session, userID, key, name string, size int64) error {
	if b.reserve != nil {
		return b.reserve(ctx, session, userID, key, name, size)
	}
	return b.Server.Reserve(ctx, session, userID, key, name, size)
}

func (b *brokenChat) Release(ctx context.Context, session, userID, key string) error {
	if b.release != nil {
		return b.release(ctx, session, userID, key)
	}
	return b.Server.Release(ctx, session, userID, key)
}

func (b *brokenChat) Correct(ctx context.Context, session, userID, key string, size int64) error {
	if b.correct != nil {
		return b.correct(ctx, session, userID, key, size)
	}
	return b.Server.Correct(ctx, session, userID, key, size)
}

func (b *brokenChat) Attempt(ctx context.Context, session, userID, key, fileID string) error {
	if b.attempt != nil {
		return b.attempt(ctx, session, userID, key, fileID)
	}
	return b.Server.Attempt(ctx, session, userID, key, fileID)
}

// vouched marks a customer's file.
func vouched(e bridge.Event) bridge.Event {
	e.Vouched = e.IsFile() && e.From.UserType == bridge.Client
	return e
}

type fault struct {
	name string
	held string // words of the case's sentence
	make func(real *chat.Server) *brokenChat
}

// chatFaults are faults that an adapter might have, each with the case of the contract that
// must find it.
var chatFaults = []fault{
	{"reports changes of limits that did not happen", "changes of limits", func(real *chat.Server) *brokenChat {
		return &brokenChat{watch: func(changed func()) (stop func()) {
			ctx, cancel := context.WithCancel(context.Background())
			var done sync.WaitGroup
			done.Go(func() {
				for engine.Pause(ctx, time.Millisecond) == nil {
					changed()
				}
			})
			return func() { cancel(); done.Wait() }
		}}
	}},
	{"keeps the question for the limits as a notice", "file-client-cfg-get", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			if e.IsFileConfig() {
				e.NoticeType = bridge.UserCustom
			}
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"answers the question for the limits with numbers", "file-client-cfg-get", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			stored, err := real.Post(ctx, session, userID, e)
			if e.IsFileConfig() {
				stored.Data = slices.Clone(stored.Data).Set(bridge.Int("upload-max-files", 3))
			}
			return stored, err
		}}
	}},
	{"still gives a deleted file", "a deleted file is unknown", func(real *chat.Server) *brokenChat {
		var files sync.Map
		return &brokenChat{
			post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
				stored, err := real.Post(ctx, session, userID, e)
				if stored.IsFile() {
					files.Store(stored.Data.Get(bridge.KeyFileID), stored)
				}
				return stored, err
			},
			file: func(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
				if e, ok := files.Load(fileID); ok {
					return e.(bridge.Event), nil
				}
				return real.File(ctx, session, userID, fileID)
			},
		}
	}},
	{"posts a second notice for a second deletion", "deleting a file again", func(real *chat.Server) *brokenChat {
		var deleted sync.Map
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			if _, again := deleted.LoadOrStore(e.Deletes(), true); again && e.Deletes() != "" {
				e.NoticeType = bridge.UserCustom
			}
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"lets a customer delete a file that it may not see", "cannot be deleted by it", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			if e.Deletes() != "" {
				userID = "ann"
			}
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"gives the share of a deleted file back for each request", "gives its share of the limits back once", func(real *chat.Server) *brokenChat {
		var deletions atomic.Int64
		return &brokenChat{
			post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
				if e.Deletes() != "" {
					deletions.Add(1)
				}
				return real.Post(ctx, session, userID, e)
			},
			limits: func(ctx context.Context, session, userID string) (bridge.Limits, error) {
				l, err := real.Limits(ctx, session, userID)
				l.UsedFiles = max(0, l.UsedFiles-max(0, deletions.Load()-1))
				return l, err
			},
		}
	}},
	{"gives files to a party that has left", "a party that has left finds no file", func(real *chat.Server) *brokenChat {
		b := &brokenChat{}
		b.file = func(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
			e, err := real.File(ctx, session, userID, fileID)
			if bridge.CodeOf(err) == bridge.CodeNotJoined {
				return real.File(ctx, session, "ann", fileID)
			}
			return e, err
		}
		return b
	}},
	{"gives files after the session's end", "a party that has left finds no file", func(real *chat.Server) *brokenChat {
		var known bridge.Event
		return &brokenChat{file: func(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
			e, err := real.File(ctx, session, userID, fileID)
			if err == nil {
				known = e
			}
			if bridge.CodeOf(err) == bridge.CodeSessionEnded {
				return known, nil
			}
			return e, err
		}}
	}},
	{"hides from the proxy what a customer may not see", "a transcript has every event", func(real *chat.Server) *brokenChat {
		return &brokenChat{transcript: func(ctx context.Context, session string, position int64, each func(bridge.Event) error) error {
			return real.Transcript(ctx, session, position, func(e bridge.Event) error {
				if e.Visibility == bridge.Internal {
					return nil
				}
				return each(e)
			})
		}}
	}},
	{"keeps no data in transcripts", "a transcript's events have all that they were posted with", func(real *chat.Server) *brokenChat {
		return &brokenChat{transcript: func(ctx context.Context, session string, position int64, each func(bridge.Event) error) error {
			return real.Transcript(ctx, session, position, func(e bridge.Event) error {
				e.Data = nil
				return each(e)
			})
		}}
	}},
	{"begins each transcript at its beginning", "a transcript after an event has", func(real *chat.Server) *brokenChat {
		return &brokenChat{transcript: func(ctx context.Context, session string, _ int64, each func(bridge.Event) error) error {
			return real.Transcript(ctx, session, 0, each)
		}}
	}},
	{"drops the transcript at the session's end", "a transcript can be read after the session has ended", func(real *chat.Server) *brokenChat {
		return &brokenChat{transcript: func(ctx context.Context, session string, position int64, each func(bridge.Event) error) error {
			if _, err := real.File(ctx, session, "ann", "none"); bridge.CodeOf(err) == bridge.CodeSessionEnded {
				return err
			}
			return real.Transcript(ctx, session, position, each)
		}}
	}},
	{"reports ended sessions without their cursor", "a session that has ended is reported", func(real *chat.Server) *brokenChat {
		return &brokenChat{ended: func(ctx context.Context, cursor string, ended func(session, cursor string) error) error {
			return real.Ended(ctx, "", func(session, _ string) error { return ended(session, cursor) })
		}}
	}},
	{"reports a session when a party leaves it", "a session that has not ended is not reported", func(real *chat.Server) *brokenChat {
		var mu sync.Mutex
		var left []string
		b := &brokenChat{ended: func(ctx context.Context, cursor string, ended func(session, cursor string) error) error {
			return real.Ended(ctx, cursor, func(session, cursor string) error {
				mu.Lock()
				defer mu.Unlock()
				for _, other := range left {
					if err := ended(other, cursor); err != nil {
						return err
					}
				}
				left = nil
				return ended(session, cursor)
			})
		}}
		b.leave = func(_ context.Context, session, _ string) error {
			mu.Lock()
			defer mu.Unlock()
			left = append(left, session)
			return nil
		}
		return b
	}},
	{"appends a known key again", "an event whose key is in the transcript", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			e.Key = ""
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"looks for a key before it appends, without a lock", "eight concurrent posts", func(real *chat.Server) *brokenChat {
		var posts atomic.Int64
		var lookups sync.WaitGroup
		lookups.Add(8)
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			if old, found, err := real.FindKey(ctx, session, e.Key); found || err != nil {
				return old, err
			}
			if posts.Add(1) <= 8 { // and all of them find nothing
				lookups.Done()
				lookups.Wait()
			}
			e.Key = ""
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"returns another party's event for a key", "another party's event", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			if old, found, _ := real.FindKey(ctx, session, e.Key); found {
				return old, nil
			}
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"assigns no file-id", "gets a file-id", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			return real.Post(ctx, session, userID, bridge.Event{Type: bridge.Message, Text: e.Text, Key: e.Key, Visibility: bridge.All})
		}}
	}},
	{"drops unknown keys", "gets a file-id", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			var known bridge.Data
			for _, item := range e.Data {
				if strings.HasPrefix(item.Key, "file-") || item.Key == bridge.KeyFileKey {
					known = append(known, item)
				}
			}
			e.Data = known
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"finds files of all sessions", "a file-id of another session", func(real *chat.Server) *brokenChat {
		var all sync.Map
		return &brokenChat{
			post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
				e, err := real.Post(ctx, session, userID, e)
				all.Store(e.Data.Get(bridge.KeyFileID), e)
				return e, err
			},
			file: func(_ context.Context, _, _, fileID string) (bridge.Event, error) {
				e, _ := all.Load(fileID)
				return e.(bridge.Event), nil
			},
		}
	}},
	{"looks up keys in a stale transcript", "found by its key at once", func(real *chat.Server) *brokenChat {
		return &brokenChat{find: func(context.Context, string, string) (bridge.Event, bool, error) { return bridge.Event{}, false, nil }}
	}},
	{"lets strangers post", "a party that is not in the session cannot post", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			p := bridge.Party{UserID: userID, UserType: bridge.Agent}
			p.Check()
			real.Join(ctx, session, proxy.Joining{Party: p})
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"refuses the file of a party that has left", "a party that has left can still announce", func(real *chat.Server) *brokenChat {
		var left sync.Map
		return &brokenChat{
			leave: func(_ context.Context, session, userID string) error { left.Store(session+userID, true); return nil },
			post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
				if _, gone := left.Load(session + userID); gone {
					return e, bridge.NewError(bridge.CodeNotJoined, "")
				}
				return real.Post(ctx, session, userID, e)
			},
		}
	}},
	{"answers not-joined for an ended session", "a session that has ended", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			e, err := real.Post(ctx, session, userID, e)
			if bridge.CodeOf(err) == bridge.CodeSessionEnded {
				err = bridge.NewError(bridge.CodeNotJoined, "")
			}
			return e, err
		}}
	}},
	{"vouches for every customer, in the stream", "vouches does so for no party", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, userID, position, func(e bridge.Event) error { return deliver(vouched(e)) })
		}}
	}},
	{"vouches for every customer, in a file", "vouches does so for no party", func(real *chat.Server) *brokenChat {
		return &brokenChat{file: func(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
			e, err := real.File(ctx, session, userID, fileID)
			return vouched(e), err
		}}
	}},
	{"vouches for every customer, under a key", "vouches does so for no party", func(real *chat.Server) *brokenChat {
		return &brokenChat{find: func(ctx context.Context, session, key string) (bridge.Event, bool, error) {
			e, found, err := real.FindKey(ctx, session, key)
			return vouched(e), found, err
		}}
	}},
	{"vouches for what a proxy posts", "vouches does so for no party", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			e, err := real.Post(ctx, session, userID, e)
			return vouched(e), err
		}}
	}},
	{"drops lists from the data of a notice", "kept as it was sent", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			if e.NoticeType == bridge.UserCustom {
				e.Data = slices.DeleteFunc(slices.Clone(e.Data), func(i bridge.Item) bool { return i.Type == bridge.TypeList })
			}
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"appends a repeated notice", "kept as it was sent", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			if e.Type == bridge.Notice && !e.IsFile() {
				e.Key = ""
			}
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"drops the attributes of a message", "keeps its type", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			e.Attributes = nil
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"only passes a new nickname on", "renames its sender", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			renames := e.NoticeType == bridge.UpdateNick
			if renames {
				e.NoticeType = bridge.UserCustom
			}
			stored, err := real.Post(ctx, session, userID, e)
			if renames {
				stored.NoticeType, stored.From.Nickname = bridge.UpdateNick, e.Text
			}
			return stored, err
		}}
	}},
	{"takes a nickname back at the next join", "renames its sender", func(real *chat.Server) *brokenChat {
		return &brokenChat{join: func(ctx context.Context, session string, p proxy.Joining) (proxy.Joined, error) {
			joined, err := real.Join(ctx, session, p)
			joined.Party.Nickname = p.Nickname
			return joined, err
		}}
	}},
	{"shows direct messages to all", "a direct message is seen", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			receiver := e.Receiver
			e.Receiver = ""
			stored, err := real.Post(ctx, session, userID, e)
			stored.Receiver = receiver
			return stored, err
		}}
	}},
	{"drops a direct message to nobody", "refused with party-unknown", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			stored, err := real.Post(ctx, session, userID, e)
			if bridge.CodeOf(err) == bridge.CodeParty {
				return bridge.Event{ID: 1, Type: e.Type, From: bridge.Party{UserID: userID, UserType: bridge.Client}, Visibility: bridge.All}, nil
			}
			return stored, err
		}}
	}},
	{"lets a party join twice", "joining again adds no second", func(real *chat.Server) *brokenChat {
		return &brokenChat{join: func(ctx context.Context, session string, p proxy.Joining) (proxy.Joined, error) {
			real.Leave(ctx, session, p.UserID, proxy.Departure{Reason: bridge.ReasonLeft, After: bridge.KeepAlive})
			return real.Join(ctx, session, p)
		}}
	}},
	{"shows a customer that a hidden party listens", "that a customer may not see", func(real *chat.Server) *brokenChat {
		var agents atomic.Bool
		return &brokenChat{join: func(ctx context.Context, session string, p proxy.Joining) (proxy.Joined, error) {
			agents.CompareAndSwap(false, p.UserType == bridge.Supervisor)
			j, err := real.Join(ctx, session, p)
			j.Limits.AgentHere = agents.Load()
			return j, err
		}}
	}},
	{"shows a customer a hidden party", "that a customer may not see", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, "sue", position, deliver)
		}}
	}},
	{"returns no position", "join returns the party", func(real *chat.Server) *brokenChat {
		return &brokenChat{join: func(ctx context.Context, session string, p proxy.Joining) (proxy.Joined, error) {
			j, err := real.Join(ctx, session, p)
			j.Position = 0
			return j, err
		}}
	}},
	{"makes customers agents", "join returns the party", func(real *chat.Server) *brokenChat {
		return &brokenChat{join: func(ctx context.Context, session string, p proxy.Joining) (proxy.Joined, error) {
			j, err := real.Join(ctx, session, p)
			j.Party.UserType = bridge.Agent
			return j, err
		}}
	}},
	{"closes an idle session without an alert", "an idle session is alerted", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, userID, position, func(e bridge.Event) error {
				if e.NoticeType == bridge.IdleControlAlert {
					return nil
				}
				return deliver(e)
			})
		}}
	}},
	{"closes an idle session with another reason", "an idle session is alerted", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, userID, position, func(e bridge.Event) error {
				if e.Type == bridge.PartyLeft {
					e.Reason = &bridge.Reason{Code: 3}
				}
				return deliver(e)
			})
		}}
	}},
	{"does not say when a session expires", "a join says when the idle session", func(real *chat.Server) *brokenChat {
		return &brokenChat{join: func(ctx context.Context, session string, p proxy.Joining) (proxy.Joined, error) {
			j, err := real.Join(ctx, session, p)
			j.IdleExpires = 0
			return j, err
		}}
	}},
	{"lets customers stop idle control", "a customer does not change when", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			if e.NoticeType == bridge.IdleControlSet {
				e.NoticeType = bridge.UserCustom
			}
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"delivers a typing notice twice", "a transient notice", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, userID, position, func(e bridge.Event) error {
				if e.Transient() {
					deliver(e)
				}
				return deliver(e)
			})
		}}
	}},
	{"gives a typing notice another key on each stream", "a transient notice", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, userID, position, func(e bridge.Event) error {
				if e.Transient() {
					e.Key = userID
				}
				return deliver(e)
			})
		}}
	}},
	{"stores typing notices", "a transient notice", func(real *chat.Server) *brokenChat {
		return &brokenChat{post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			if e.NoticeType == bridge.TypingStarted {
				e.NoticeType = bridge.UserCustom
			}
			return real.Post(ctx, session, userID, e)
		}}
	}},
	{"shows a party its own typing", "a transient notice", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			if userID == "ann" {
				userID = "bob"
			}
			return real.Events(ctx, session, userID, position, deliver)
		}}
	}},
	{"delivers events twice", "brings the history in order", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, userID, position, func(e bridge.Event) error {
				return errors.Join(deliver(e), deliver(e))
			})
		}}
	}},
	{"delivers only the history", "brings the history in order", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			left := 6
			return real.Events(ctx, session, userID, position, func(e bridge.Event) error {
				if left--; left < 0 {
					return bridge.NewError(bridge.CodeSessionEnded, "")
				}
				return deliver(e)
			})
		}}
	}},
	{"begins with the position's own event", "from a position", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, userID, max(position-1, 0), deliver)
		}}
	}},
	{"forgets a hundred events", "two hundred events", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			n := 0
			return real.Events(ctx, session, userID, position, func(e bridge.Event) error {
				if n++; n < 100 {
					return nil
				}
				return deliver(e)
			})
		}}
	}},
	{"shows customers everything", "visibility INT", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, _ string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, "ann", position, deliver)
		}}
	}},
	{"hides a party's own party-left", "own party-left", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return real.Events(ctx, session, userID, position, func(e bridge.Event) error {
				if e.Type == bridge.PartyLeft {
					return nil
				}
				return deliver(e)
			})
		}}
	}},
	{"ends a stranger's stream with another code", "that is not in the session ends", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			return bridge.NewError(bridge.CodeForbidden, "")
		}}
	}},
	{"does not report the session's end", "ends with session-ended", func(real *chat.Server) *brokenChat {
		return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
			real.Events(ctx, session, userID, position, deliver)
			return bridge.NewError(bridge.CodeNotJoined, "")
		}}
	}},
	{"counts every reservation", "a reservation counts once", func(real *chat.Server) *brokenChat {
		return &brokenChat{reserve: func(ctx context.Context, session, userID, key, name string, size int64) error {
			return real.Reserve(ctx, session, userID, randomKey(), name, size)
		}}
	}},
	{"gives back a spent reservation", "a notice spends", func(real *chat.Server) *brokenChat {
		return &brokenChat{reserve: func(context.Context, string, string, string, string, int64) error { return nil }, post: func(ctx context.Context, session, userID string, e bridge.Event) (bridge.Event, error) {
			return real.Post(ctx, session, "ann", e)
		}}
	}},
	{"does not correct a reservation", "is corrected downwards only", func(real *chat.Server) *brokenChat {
		return &brokenChat{correct: func(context.Context, string, string, string, int64) error { return nil }}
	}},
	{"corrects a reservation upwards", "is corrected downwards only", func(real *chat.Server) *brokenChat {
		return &brokenChat{correct: func(ctx context.Context, session, userID, key string, size int64) error {
			err := real.Correct(ctx, session, userID, key, size)
			if bridge.CodeOf(err) == bridge.CodeUploadConflict {
				real.Release(ctx, session, userID, key)
				err = real.Reserve(ctx, session, userID, key, "a.pdf", size)
			}
			return err
		}}
	}},
	{"treats every known key as reserved", "reserving the key of a message", func(real *chat.Server) *brokenChat {
		return &brokenChat{reserve: func(ctx context.Context, session, userID, key, name string, size int64) error {
			if _, found, err := real.FindKey(ctx, session, key); found || err != nil {
				return err
			}
			return real.Reserve(ctx, session, userID, key, name, size)
		}}
	}},
	{"ignores an announced file's size", "reserving the key of a message", func(real *chat.Server) *brokenChat {
		return &brokenChat{reserve: func(ctx context.Context, session, userID, key, name string, size int64) error {
			if e, found, err := real.FindKey(ctx, session, key); found && e.IsFile() || err != nil {
				return err
			}
			return real.Reserve(ctx, session, userID, key, name, size)
		}}
	}},
	{"ignores the limits", "exceeds a limit", func(real *chat.Server) *brokenChat {
		return &brokenChat{reserve: func(context.Context, string, string, string, string, int64) error { return nil }}
	}},
	{"charges every attempt", "a download is charged once", func(real *chat.Server) *brokenChat {
		return &brokenChat{attempt: func(ctx context.Context, session, userID, _, fileID string) error {
			return real.Attempt(ctx, session, userID, randomKey(), fileID)
		}}
	}},
}

// brokenStore is a store with one fault.
type brokenStore struct {
	backend.Store
	put    func(ctx context.Context, d proxy.Document, content io.Reader) (string, error)
	open   func(ctx context.Context, id string) (proxy.Content, error)
	remove func(ctx context.Context, id string) error
}

func (b *brokenStore) Put(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
	if b.put != nil {
		return b.put(ctx, d, content)
	}
	return b.Store.Put(ctx, d, content)
}

func (b *brokenStore) Open(ctx context.Context, id string) (proxy.Content, error) {
	if b.open != nil {
		return b.open(ctx, id)
	}
	return b.Store.Open(ctx, id)
}

func (b *brokenStore) Remove(ctx context.Context, id string) error {
	if b.remove != nil {
		return b.remove(ctx, id)
	}
	return b.Store.Remove(ctx, id)
}

// unchecked stores any content, under its own digest.
func unchecked(real backend.Store) func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
	return func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
		ctx = context.WithoutCancel(ctx) // the client is gone
		got, _ := io.ReadAll(content)
		d.Size, d.SHA256 = int64(len(got)), sha256.Sum256(got)
		return real.Put(ctx, d, bytes.NewReader(got))
	}
}

// described changes documents' attributes when they are opened.
func described(real backend.Store, change func(*proxy.Document)) func(ctx context.Context, id string) (proxy.Content, error) {
	return func(ctx context.Context, id string) (proxy.Content, error) {
		c, err := real.Open(ctx, id)
		if err != nil {
			return nil, err
		}
		d := c.Document()
		change(&d)
		return &renamed{c, d}, nil
	}
}

type renamed struct {
	proxy.Content
	document proxy.Document
}

func (r *renamed) Document() proxy.Document { return r.document }

var storeFaults = []struct {
	name string
	held string
	make func(real backend.Store, newID func() string) *brokenStore
}{
	{"ignores the digest", "a body with another digest", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{put: unchecked(real)}
	}},
	{"ignores the length", "a body of another length", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{put: unchecked(real)}
	}},
	{"keeps an incomplete body", "a body that breaks off", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{put: unchecked(real)}
	}},
	{"makes a document of every put", "putting a document again", func(real backend.Store, newID func() string) *brokenStore {
		return &brokenStore{put: func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
			d.ID = newID()
			return real.Put(ctx, d, content)
		}}
	}},
	{"mixes concurrent bodies", "two concurrent puts", func(real backend.Store, _ func() string) *brokenStore {
		var mu sync.Mutex
		staged := map[string][]byte{}
		return &brokenStore{put: func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
			mu.Lock()
			staged[d.ID] = nil
			mu.Unlock()
			for buf := make([]byte, 32<<10); ; {
				n, err := content.Read(buf)
				mu.Lock()
				staged[d.ID] = append(staged[d.ID], buf[:n]...)
				whole := staged[d.ID]
				mu.Unlock()
				if err == nil {
					continue
				}
				if sha256.Sum256(whole) != d.SHA256 {
					return "", bridge.NewError(bridge.CodeDigest, "")
				}
				return real.Put(ctx, d, bytes.NewReader(whole))
			}
		}}
	}},
	{"takes another document for the first", "putting another under its id", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{put: func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
			if known, err := real.Open(ctx, d.ID); err == nil {
				return d.ID, known.Close()
			}
			return real.Put(ctx, d, content)
		}}
	}},
	{"forgets the proposed id", "found by the proposed id", func(real backend.Store, newID func() string) *brokenStore {
		return &brokenStore{put: func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
			d.ID = newID()
			return real.Put(ctx, d, content)
		}}
	}},
	{"assigns long ids", "comes back unchanged", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{put: func(ctx context.Context, d proxy.Document, content io.Reader) (string, error) {
			id, err := real.Put(ctx, d, content)
			return id + "-0", err
		}}
	}},
	{"writes names in ASCII", "comes back unchanged", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{open: described(real, func(d *proxy.Document) { d.Name = strings.ToValidUTF8(d.Name[:3], "?") })}
	}},
	{"forgets the time of creation", "comes back unchanged", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{open: described(real, func(d *proxy.Document) { d.Created = d.Created.Add(time.Hour) })}
	}},
	{"has a document for every id", "that was never put", func(real backend.Store, newID func() string) *brokenStore {
		id := newID()
		return &brokenStore{open: func(ctx context.Context, _ string) (proxy.Content, error) {
			_, err := real.Put(ctx, proxy.Document{ID: id, SHA256: sha256.Sum256(nil)}, strings.NewReader(""))
			if err != nil {
				return nil, err
			}
			return real.Open(ctx, id)
		}}
	}},
	{"does not remove", "a removed document is unknown", func(real backend.Store, _ func() string) *brokenStore {
		return &brokenStore{remove: func(context.Context, string) error { return nil }}
	}},
}

// brokenLinks are links with one fault: the function that is set.
type brokenLinks struct {
	proxy.Links
	link   func(ctx context.Context, id, to string) error
	unlink func(ctx context.Context, id, to string) error
}

func (b *brokenLinks) Link(ctx context.Context, id, to string) error {
	if b.link != nil {
		return b.link(ctx, id, to)
	}
	return b.Links.Link(ctx, id, to)
}

func (b *brokenLinks) Unlink(ctx context.Context, id, to string) error {
	if b.unlink != nil {
		return b.unlink(ctx, id, to)
	}
	return b.Links.Unlink(ctx, id, to)
}

var linkFaults = []struct {
	name string
	held string
	make func(real proxy.Links, s proxy.Documents) *brokenLinks
}{
	{"removes the document with any link", "removing one link leaves", func(_ proxy.Links, s proxy.Documents) *brokenLinks {
		return &brokenLinks{unlink: func(ctx context.Context, id, _ string) error { return s.Remove(ctx, id) }}
	}},
	{"never removes a document with a link", "removing the last one removes it", func(proxy.Links, proxy.Documents) *brokenLinks {
		return &brokenLinks{unlink: func(context.Context, string, string) error { return nil }}
	}},
	{"drops the session that a document is put with", "the link that a document is put with", func(real proxy.Links, _ proxy.Documents) *brokenLinks {
		return &brokenLinks{unlink: func(ctx context.Context, id, to string) error {
			if err := real.Link(ctx, id, "another"); err != nil {
				return err
			}
			return real.Unlink(ctx, id, to)
		}}
	}},
	{"takes all links of a session for one", "links of two files of a session", func(real proxy.Links, _ proxy.Documents) *brokenLinks {
		session := func(to string) string { s, _, _ := strings.Cut(to, "/"); return s }
		return &brokenLinks{
			link:   func(ctx context.Context, id, to string) error { return real.Link(ctx, id, session(to)) },
			unlink: func(ctx context.Context, id, to string) error { return real.Unlink(ctx, id, session(to)) },
		}
	}},
	{"links nothing", "is linked later", func(proxy.Links, proxy.Documents) *brokenLinks {
		return &brokenLinks{link: func(context.Context, string, string) error { return nil }}
	}},
	{"links an unknown document", "linking an unknown document", func(proxy.Links, proxy.Documents) *brokenLinks {
		return &brokenLinks{link: func(context.Context, string, string) error { return nil }}
	}},
}

// brokenUpdates are updates with one fault.
type brokenUpdates func(ctx context.Context, d proxy.Document, content io.Reader) error

func (b brokenUpdates) Update(ctx context.Context, d proxy.Document, content io.Reader) error {
	return b(ctx, d, content)
}

var updateFaults = []struct {
	name string
	held string
	make func(real backend.Updates) brokenUpdates
}{
	{"updates nothing", "an update replaces name", func(backend.Updates) brokenUpdates {
		return func(context.Context, proxy.Document, io.Reader) error { return nil }
	}},
	{"leaves the bytes", "an update with bytes replaces them", func(real backend.Updates) brokenUpdates {
		return func(ctx context.Context, d proxy.Document, _ io.Reader) error { return real.Update(ctx, d, nil) }
	}},
	{"believes any digest", "one with another digest changes nothing", func(real backend.Updates) brokenUpdates {
		return func(ctx context.Context, d proxy.Document, content io.Reader) error {
			if content == nil {
				return real.Update(ctx, d, nil)
			}
			b, err := io.ReadAll(content)
			if err != nil {
				return err
			}
			d.Size, d.SHA256 = int64(len(b)), sha256.Sum256(b)
			return real.Update(ctx, d, bytes.NewReader(b))
		}
	}},
	{"updates an unknown document", "an update of an unknown document", func(backend.Updates) brokenUpdates {
		return func(context.Context, proxy.Document, io.Reader) error { return nil }
	}},
}

// shelf is a library in memory, of documents that are in the store.
type shelf struct {
	list []bridge.Response
	docs proxy.Documents
}

// library puts three responses into the store.
func (b *world) library() *shelf {
	b.t.Helper()
	s := &shelf{docs: b.Store}
	put := backend.NewStagedStore(b.Store, b.Store)
	for _, name := range []string{"a.txt", "b.txt", "c.txt"} {
		d := proxy.Document{ID: b.Store.NewID(), Name: name, Size: int64(len(name)), SHA256: sha256.Sum256([]byte(name))}
		id, err := put.Put(b.t.Context(), d, strings.NewReader(name))
		require.NoError(b.t, err)
		s.list = append(s.list, bridge.Response{DocumentID: id, Name: name, Size: d.Size})
	}
	return s
}

func (s *shelf) Find(_ context.Context, words, after string, most int) (found []bridge.Response, more bool, err error) {
	next := 1 + slices.IndexFunc(s.list, func(r bridge.Response) bool { return r.DocumentID == after })
	for _, r := range s.list[next:] {
		if !strings.Contains(r.Name, words) {
			continue
		}
		if len(found) == most {
			return found, true, nil
		}
		found = append(found, r)
	}
	return found, false, nil
}

func (s *shelf) Document(ctx context.Context, id string) (proxy.Document, proxy.Verdict, error) {
	if !slices.ContainsFunc(s.list, func(r bridge.Response) bool { return r.DocumentID == id }) {
		return proxy.Document{}, proxy.Unknown, bridge.NewError(bridge.CodeDocument, "")
	}
	c, err := s.docs.Open(ctx, id)
	if err != nil {
		return proxy.Document{}, proxy.Unknown, err
	}
	defer c.Close()
	return c.Document(), proxy.Unknown, nil
}

// brokenShelf is a library with one fault: the function that is set.
type brokenShelf struct {
	*shelf
	find     func(ctx context.Context, words, after string, most int) ([]bridge.Response, bool, error)
	document func(ctx context.Context, id string) (proxy.Document, proxy.Verdict, error)
}

func (b *brokenShelf) Find(ctx context.Context, words, after string, most int) ([]bridge.Response, bool, error) {
	if b.find != nil {
		return b.find(ctx, words, after, most)
	}
	return b.shelf.Find(ctx, words, after, most)
}

func (b *brokenShelf) Document(ctx context.Context, id string) (proxy.Document, proxy.Verdict, error) {
	if b.document != nil {
		return b.document(ctx, id)
	}
	return b.shelf.Document(ctx, id)
}

var libraryFaults = []struct {
	name string
	held string
	make func(real *shelf) *brokenShelf
}{
	{"begins each page at the beginning", "pages of the library", func(real *shelf) *brokenShelf {
		return &brokenShelf{shelf: real, find: func(ctx context.Context, words, _ string, most int) ([]bridge.Response, bool, error) {
			return real.Find(ctx, words, "", most)
		}}
	}},
	{"finds everything by any words", "a response is found by its name", func(real *shelf) *brokenShelf {
		return &brokenShelf{shelf: real, find: func(ctx context.Context, _, after string, most int) ([]bridge.Response, bool, error) {
			return real.Find(ctx, "", after, most)
		}}
	}},
	{"takes any document for a response", "a document that is not in the library", func(real *shelf) *brokenShelf {
		return &brokenShelf{shelf: real, document: func(context.Context, string) (proxy.Document, proxy.Verdict, error) {
			return proxy.Document{}, proxy.Unknown, nil
		}}
	}},
}

// wireFaults are faults of something between the two ends.
var wireFaults = []struct {
	name string
	held string
	wrap func(http.Handler) http.Handler
}{
	{"ignores the secret", "without the secret", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+secret)
			next.ServeHTTP(w, r)
		})
	}},
	{"answers with a page of its own", "an error response's body", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&pageWriter{ResponseWriter: w}, r)
		})
	}},
	{"decodes a path twice", "any characters are distinguished", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if again, err := url.PathUnescape(r.URL.Path); err == nil {
				r.URL.Path, r.URL.RawPath = again, ""
			}
			next.ServeHTTP(w, r)
		})
	}},
	{"accepts its own version only", "unknown members", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if bytes.Contains(body, []byte(`"later"`)) {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		})
	}},
	{"is silent", "an empty line comes", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(&silent{w}, r) })
	}},
	{"ignores Range", "a Range returns", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Range")
			next.ServeHTTP(w, r)
		})
	}},
}

type pageWriter struct {
	http.ResponseWriter
	refused bool
}

func (p *pageWriter) WriteHeader(status int) {
	p.refused = status >= 400
	p.ResponseWriter.WriteHeader(status)
}

func (p *pageWriter) Write(b []byte) (int, error) {
	if p.refused {
		p.ResponseWriter.Write([]byte("<h1>Bad Request</h1>"))
		return len(b), nil
	}
	return p.ResponseWriter.Write(b)
}

func (p *pageWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

type silent struct{ http.ResponseWriter }

func (s *silent) Write(b []byte) (int, error) {
	if len(b) == 1 {
		return 1, nil
	}
	return s.ResponseWriter.Write(b)
}

func (s *silent) Unwrap() http.ResponseWriter { return s.ResponseWriter }
