package proxy

import (
	"context"

	"attache/bridge"
)

// Follow sends a flex party what is new as it happens, for a front door that can push: first the
// transcript from position on, in parts, then each event, and each transient notice once. A
// position of 0 is after the last event. While it runs the party is present, as if a request of
// it were always being answered. Its statuses have no limits.
//
// It ends with ctx's error or deliver's, and when the party has left or the session has ended
// with that as a code; everything before it has been delivered then. deliver may block: the
// events wait in the Chat Server.
func (f *Flex) Follow(ctx context.Context, u FlexUser, from int64, deliver func(FlexStatus) error) error {
	who, joined, exit, err := f.Enter(ctx, u)
	if err != nil {
		return err
	}
	defer exit()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.proxy.ctx, cancel)()
	u.FromPosition = from
	if from, err = f.within(ctx, u, joined); err != nil {
		return err
	}
	p := f.party(who, joined)
	p.follow(1)
	defer p.follow(-1)

	position := joined.Position
	for more := from > 0; more; {
		s, err := f.status(ctx, who, joined, from)
		if err != nil {
			return err
		}
		if err := deliver(s); err != nil {
			return err
		}
		position, more = s.Transcript.LastPosition, s.Transcript.More
		from = position + 1
	}
	return f.proxy.cfg.Chat.Events(ctx, who.Session, who.Party.UserID, position, func(e bridge.Event) error {
		position = max(position, e.ID)
		s, err := f.news(ctx, who, joined, p, position, e)
		if err != nil || len(s.Transcript.Events) == 0 {
			return err
		}
		return deliver(s)
	})
}

// news makes the status of one event. Entries that the party may not see count for the numbers of
// the parties, so they are read where the ids have a gap.
func (f *Flex) news(ctx context.Context, who Identity, joined Joined, p *flexParty, position int64, e bridge.Event) (FlexStatus, error) {
	sees := true
	if e.Transient() && f.proxy.cfg.Seats != nil {
		sees = len(f.claim(ctx, who, []bridge.Event{e})) > 0
	}
	all := []bridge.Event{e}
	if known := p.known(); !e.Transient() && e.ID > known+1 {
		all = nil
		err := f.proxy.cfg.Chat.(Transcripts).Transcript(ctx, who.Session, known, func(e bridge.Event) error {
			all = append(all, bridge.Event{ID: e.ID, Type: e.Type, From: bridge.Party{UserID: e.From.UserID}})
			return nil
		})
		if err != nil {
			return FlexStatus{}, err
		}
	}
	ids := p.learn(all)
	s := FlexStatus{
		UserID: who.Party.UserID, SecureKey: joined.SecureKey, PartyID: ids[who.Party.UserID], At: e.At, Server: bridge.Version,
		Transcript: FlexTranscript{
			Session: who.Session, Started: joined.Started, LastPosition: position,
			Saved: joined.Saved, IdleExpires: joined.IdleExpires, Monitored: joined.Monitored,
		},
	}
	if e, shown := f.view(ctx, who, e); sees && shown {
		s.Transcript.Events = []FlexEvent{{e, ids[e.From.UserID], offset(joined, e)}}
	}
	return s, nil
}

// follow counts those who follow the party's events. Meanwhile nothing else reads them, and no
// transient notice waits for a request.
func (p *flexParty) follow(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.followers += n
	p.cancel()
	p.over = true
}
