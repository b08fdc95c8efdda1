package upstream

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy/engine"
	"attache/proxy/gms"
)

// intent is a request that must not be done twice, and what its event will be like. It is stored
// before the request.
type intent struct {
	Key        string
	Type       bridge.EventType
	NoticeType string
	Text       string
	Name       string // of a file
	Size       int64
	FileID     string // of a file that is deleted; of one that was uploaded, as GMS has answered

	After int64 // the last event that was known before the request
	Over  bool  // the request has ended for us; without it, its proxy renews the intent
	Done  bool  // GMS has answered that it was done
	Late  bool  // GMS has answered that it could not do it now
}

// intentBeat is how often an intent is renewed while its request is under way. After three
// missed beats its proxy is gone.
const intentBeat = 2 * time.Second

func intentOf(e bridge.Event) intent {
	in := intent{Key: e.Key, Type: e.Type, NoticeType: e.NoticeType, Text: e.Text}
	if e.IsFile() {
		in.Name, in.Text = e.Data.Get(bridge.KeyFileName), bridge.FileUploaded
	}
	in.FileID = e.Deletes()
	return in
}

// fits reports whether an own event may be that of the intent.
func (in intent) fits(e bridge.Event) bool {
	if e.ID <= in.After || e.Type != in.Type || e.NoticeType != in.NoticeType {
		return false
	}
	switch {
	case e.IsFile():
		return in.fitsFile(e.Data)
	case e.Deletes() != "":
		return e.Deletes() == in.FileID
	case e.NoticeType == bridge.UpdateUserData:
		return true
	}
	return trimmed(e.Text) == trimmed(in.Text)
}

// fitsFile compares by what is most certain: our key, the file-id of the answer, or name and
// size. Another key says nothing: another Attaché replaces that of an upload that has failed.
func (in intent) fitsFile(d bridge.Data) bool {
	if d.Get(bridge.KeyFileKey) == in.Key {
		return true
	}
	if in.FileID != "" {
		return d.Get(bridge.KeyFileID) == in.FileID
	}
	same := bridge.SafeName(d.Get(bridge.KeyFileName), "").Text == bridge.SafeName(in.Name, "").Text
	return same && d.Get(bridge.KeyFileSize) == digits(in.Size)
}

// trimmed is a text as servers may change it: at its ends, and in what XML cannot carry.
func trimmed(s string) string { return strings.TrimSpace(bridge.XMLText(s)) }

// stored is an intent with its revision, and since when it has been as it is.
type stored struct {
	intent
	revision uint64
	since    time.Time
}

func (c *Client) intent(ctx context.Context, session, key string) (stored, error) {
	var s stored
	m, err := c.message(ctx, intentPrefix+session+"."+key)
	if m == nil || err != nil {
		return s, err
	}
	s.revision, s.since = m.Sequence, m.Time
	return s, unmarshal(m.Data, &s.intent)
}

// intents are those of a session whose outcome is not known, the oldest first.
func (c *Client) intents(ctx context.Context, session string) (all []stored, err error) {
	subjects, err := c.subjects(ctx, intentPrefix+session+".*")
	if err != nil {
		return nil, err
	}
	for _, subject := range subjects {
		s, err := c.intent(ctx, session, subject[strings.LastIndexByte(subject, '.')+1:])
		if err != nil {
			return nil, err
		}
		if s.revision != 0 {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b stored) int { return int(a.After - b.After) })
	return all, nil
}

// keyOf returns the key of the intent that an own event is of; empty if it is of none.
func (c *Client) keyOf(ctx context.Context, session string, e bridge.Event) (string, error) {
	all, err := c.intents(ctx, session)
	if err != nil || len(all) == 0 {
		return "", err
	}
	taken := map[string]bool{}
	err = c.walk(ctx, session, all[0].After, func(e bridge.Event) error {
		taken[e.Key] = true
		return nil
	})
	named := e.Data.Get(bridge.KeyFileKey)
	if !slices.ContainsFunc(all, func(s stored) bool { return s.Key == named }) {
		named = ""
	}
	for _, in := range all {
		if !taken[in.Key] && in.fits(e) && (named == "" || named == in.Key) {
			return in.Key, err
		}
	}
	return "", err
}

// find looks for the key's event among those that are stored.
func (c *Client) find(ctx context.Context, session, key string) (*bridge.Event, stored, error) {
	var at int64
	revision, err := c.read(ctx, donePrefix+session+"."+key, &at)
	if err != nil {
		return nil, stored{}, err
	}
	if revision != 0 {
		e, err := c.event(ctx, session, at)
		if e == nil && err == nil {
			e = &bridge.Event{Key: key} // it was done, and left no event
		}
		return e, stored{}, err
	}
	in, err := c.intent(ctx, session, key)
	if err != nil || in.revision == 0 {
		return nil, in, err
	}
	var found *bridge.Event
	err = c.walk(ctx, session, in.After, func(e bridge.Event) error {
		if e.Key == key {
			found = &e
		}
		return nil
	})
	if found != nil && err == nil {
		err = c.settle(ctx, session, in, found.ID)
	}
	return found, in, err
}

// settle records that the intent was done, with the index of its event; 0 if it has none.
func (c *Client) settle(ctx context.Context, session string, in stored, index int64) error {
	if _, err := c.write(ctx, donePrefix+session+"."+in.Key, index, 0); err != nil && !errors.Is(err, errOvertaken) {
		return err
	}
	return c.remove(ctx, in.revision)
}

// errUndecided reports that GMS may still do what it was asked.
var errUndecided = errors.New("the outcome of an earlier request is not clear yet")

// outcome finds out what has become of a key: its event, nothing (the intent of an earlier
// request comes back with its revision), or errUndecided as the cause of an error.
func (c *Client) outcome(ctx context.Context, session, key string) (*bridge.Event, stored, error) {
	e, in, err := c.find(ctx, session, key)
	if e != nil || err != nil || in.revision == 0 {
		return e, in, err
	}
	wait := c.cfg.Settle
	switch {
	case !in.Over:
		wait += 3 * intentBeat
	case in.Late && !in.isFile():
		wait = 0 // the answer came when it was over
	}
	ripe := time.Since(in.since) > wait && !in.Done
	if err := c.refresh(ctx, session); err != nil && bridge.CodeOf(err) != bridge.CodeSessionEnded {
		return nil, in, err
	}
	if ch, _, err := c.load(ctx, session); err != nil || ch.State == ended {
		e, in, found := c.find(ctx, session, key) // nothing more can come
		return e, in, errors.Join(err, found)
	}
	if e, in, err = c.find(ctx, session, key); e != nil || err != nil || ripe || in.revision == 0 {
		return e, in, err
	}
	return nil, in, bridge.WrapError(bridge.CodeChatUnavailable, errUndecided)
}

// once makes a request that must not be done twice, and returns its event as stored; with the id
// 0 if GMS has done it and shows no event of it. do makes it once. As long as ctx lasts, what GMS
// could not do is tried again, and what may have been done is looked for; an upload is not.
func (c *Client) once(ctx context.Context, session string, in intent, do func(context.Context, chat) (gms.Reply, error)) (bridge.Event, error) {
	unlock, err := c.doing.lock(ctx, session+"/"+in.Key)
	if err != nil {
		return bridge.Event{}, bridge.WrapError(bridge.CodeTimeout, err)
	}
	defer unlock()
	for {
		e, was, err := c.outcome(ctx, session, in.Key)
		if e != nil {
			return *e, nil
		}
		if errors.Is(err, errUndecided) && engine.Pause(ctx, c.cfg.Settle/10) == nil {
			continue
		}
		if err != nil {
			return bridge.Event{}, err
		}
		e, err = c.try(ctx, session, in, was, do)
		switch f := asFailure(err); {
		case e != nil:
			return *e, nil
		case in.isFile(): // its bytes were read, and the delivery tries again
			return bridge.Event{}, err
		case errors.Is(err, errOvertaken), f != nil && f.Unclear && ctx.Err() == nil:
		case f != nil && f.Again && engine.Pause(ctx, retryPause) == nil:
		default:
			return bridge.Event{}, errors.Join(err, c.withdraw(ctx, session, in.Key))
		}
	}
}

// retryPause is that before a request is repeated which GMS could not do.
const retryPause = time.Second

// try makes the request, which was made before if was has a revision. Without an event and without
// an error, it is to be looked for.
func (c *Client) try(ctx context.Context, session string, in intent, was stored, do func(context.Context, chat) (gms.Reply, error)) (*bridge.Event, error) {
	ch, _, err := c.load(ctx, session)
	if err != nil {
		return nil, err
	}
	if ch.State != open {
		return nil, bridge.NewError(bridge.CodeSessionEnded, "")
	}
	in.After = was.After // the event of the earlier request may come right now
	if was.revision == 0 {
		if in.After, err = c.lastEvent(ctx, session); err != nil {
			return nil, err
		}
	}
	subject := intentPrefix + session + "." + in.Key
	revision, err := c.write(ctx, subject, in, was.revision)
	if err != nil {
		return nil, err
	}
	crashPoint("intended")
	held := c.renew(ctx, subject, in, revision)
	r, err := do(ctx, ch)
	revision = held()
	crashPoint("requested")
	// What is known must be stored, although the caller may be gone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.RequestTime)
	defer cancel()
	f := asFailure(err)
	if err != nil && (f == nil || !f.Unclear && !f.Late) {
		return nil, errors.Join(c.overDecided(ctx, session, ch, f), err, c.remove(ctx, revision))
	}
	in.Over, in.Done, in.Late = true, err == nil, f != nil && f.Late
	if in.isFile() && err == nil {
		in.FileID = r.UserData[bridge.KeyFileID]
	}
	revision, failed := c.write(ctx, subject, in, revision)
	if err != nil || failed != nil {
		return nil, errors.Join(err, failed)
	}
	return c.shown(ctx, session, stored{intent: in, revision: revision}, ch, r)
}

// withdraw removes the intent of a request that GMS could not do, and that is not made again: no
// later event may be taken for it.
func (c *Client) withdraw(ctx context.Context, session, key string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.RequestTime)
	defer cancel()
	in, err := c.intent(ctx, session, key)
	if err != nil || in.revision == 0 || !in.Late {
		return err
	}
	return c.remove(ctx, in.revision)
}

// isFile reports whether the request uploads a file.
func (in intent) isFile() bool {
	return in.Type == bridge.Notice && in.Text == bridge.FileUploaded && in.NoticeType == bridge.SystemCommand
}

// overDecided asks whether a refusal with statusCode 2 has ended the chat.
func (c *Client) overDecided(ctx context.Context, session string, ch chat, f *failure) error {
	switch {
	case f == nil || !f.Over:
		return nil
	case c.cfg.Unknowns.Status2Ends:
		return c.endUnlessRenewed(ctx, session, ch)
	}
	c.refresh(ctx, session) // it ends the chat itself
	return nil
}

// shown returns the event of a request that was done. A file's notice must come; another event
// may never, because what GMS shows of some requests is not known.
func (c *Client) shown(ctx context.Context, session string, in stored, ch chat, r gms.Reply) (*bridge.Event, error) {
	if err := c.absorb(ctx, session, ch, r); err != nil {
		return nil, err
	}
	for range 3 {
		if e, _, err := c.find(ctx, session, in.Key); e != nil || err != nil {
			return e, err
		}
		if err := c.refresh(ctx, session); err != nil {
			break
		}
	}
	e, _, err := c.find(ctx, session, in.Key)
	if e != nil || err != nil {
		return e, err
	}
	if in.isFile() {
		return nil, bridge.WrapError(bridge.CodeChatUnavailable, errUndecided)
	}
	return &bridge.Event{Key: in.Key}, c.settle(ctx, session, in, 0)
}

// renew shows other proxies that the request is under way, until held is called, which returns
// the intent's revision.
func (c *Client) renew(ctx context.Context, subject string, in intent, revision uint64) (held func() uint64) {
	beating, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for engine.Pause(beating, intentBeat) == nil {
			// A write that was cut short might be applied, and its revision would be unknown.
			if next, err := c.write(context.WithoutCancel(ctx), subject, in, revision); err == nil {
				revision = next
			}
		}
	}()
	return func() uint64 {
		stop()
		<-done
		return revision
	}
}
