package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"attache/bridge"
	"attache/test/chaos/bugs"
)

// workload describes uploads under kills. After each round everything is verified
// and the data directory removed, which keeps the store small.
type workload struct {
	uploads, kills    int64
	rounds            int64
	sessions, senders int // concurrent sessions; concurrent uploads of each page
	minSize           int64
	maxSize           int64
	pause, cut        time.Duration           // mean time between two kills, and between two cuts of a page's wires; 0: no cuts
	moment            bugs.Moment             // of kills and cuts
	spoil             int                     // one frame in this many is damaged on its way; 0: none
	oracles           int                     // one session in this many has an oracle as the agent's page; 0: none
	onSight           bool                    // the customer's page downloads each file when it is announced
	belied            int                     // one file in this many is offered with the digest of another; 0: none
	infected          int                     // one file in this many is infected; 0: none
	withBackend       bool                    // backend and scanner are processes of their own
	inTurn            bool                    // in every other round they are
	before, border    string                  // processes die at these borders, once at each; empty: at none
	dying             func(*stage) []*process // which
	swept             bool                    // an old day is there when the processes start
	relay             bool                    // texts and files go through two processes in a row, see relayed
	hideKey           bool                    // of a relay: the first process does not send its keys to the second
	slow              int                     // of a relay: one file in this many takes the scanner a while; 0: none
	sendTime          time.Duration           // bounds one upload; longer than all harm to it lasts
	drain             time.Duration           // see field
}

// gates are the borders at which processes die, in order.
func (o workload) gates() []string {
	return slices.DeleteFunc([]string{o.before, o.border}, func(b string) bool { return b == "" })
}

// outcome is the result of a workload.
type outcome struct {
	Uploads   int64 `json:"uploads"`
	Bytes     int64 `json:"bytes"`
	Announced int64 `json:"announced"`
	Refused   int64 `json:"rightlyRefused,omitempty"` // files that had to fail, and did
	Texts     int64 `json:"texts,omitempty"`          // of the uploads of a relay
	Unclear   int64 `json:"unclear,omitempty"`        // their sender was shown that nobody knows
	Cuts      int64 `json:"cuts,omitempty"`
	Kills     int64 `json:"kills"`
	strikes
	Resumed  int64     `json:"resumed"`
	Resent   int64     `json:"resentBytes"`
	Recovery []float64 `json:"recoveryMsP50P95Max,omitempty"`
	Drained  float64   `json:"drainedSeconds"` // from the last recovery, in the slowest round
	Findings *findings `json:"findings"`
	Took     float64   `json:"seconds"`
	recovery []time.Duration
}

// runWorkload runs a workload against one proxy, with its backend and scanner if the
// workload has them.
func (l *lab) runWorkload(ctx context.Context, o workload) (*outcome, error) {
	out := &outcome{Findings: newFindings(ctx)}
	return out, l.endureInto(ctx, o, out)
}

// runUntilFound ends at the first finding of these kinds, or of any kind if
// there are none.
func (l *lab) runUntilFound(ctx context.Context, o workload, wanted []kind) (*outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := &outcome{Findings: newFindings(ctx)}
	out.Findings.wanted, out.Findings.enough = wanted, cancel
	return out, l.endureInto(ctx, o, out)
}

func (l *lab) endureInto(ctx context.Context, o workload, out *outcome) error {
	begun := time.Now()
	defer func() {
		out.Recovery = millis(out.recovery)
		out.Took = time.Since(begun).Seconds()
	}()
	o.rounds = max(o.rounds, 1)
	for n := range o.rounds {
		part := o
		part.uploads = (n+1)*o.uploads/o.rounds - n*o.uploads/o.rounds
		part.kills = (n+1)*o.kills/o.rounds - n*o.kills/o.rounds
		if err := l.endureRound(ctx, part, n, out); err != nil {
			return err
		}
		l.log.Info("round", "round", n+1, "uploads", out.Uploads, "kills", out.Kills, "findings", out.Findings.Counts, "first", out.Findings.First)
	}
	return nil
}

func (l *lab) endureRound(ctx context.Context, o workload, n int64, out *outcome) error {
	if o.relay {
		return l.relayRound(ctx, o, n, out)
	}
	if o.inTurn && n%2 == 0 {
		o.infected = 0 // there is no scanner
	}
	open := l.alone
	if o.withBackend || o.inTurn && n%2 == 1 {
		open = l.withBackend
	}
	s, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer s.leave()
	happened := func() error { return nil }
	if o.border != "" {
		happened = s.dieAtGate(ctx, o.dying(s), o.gates())
	}
	f := l.field(out.Findings, s.address)
	f.onSight, f.drain = o.onSight, o.drain
	k := &killer{
		victims: s.victims, pair: s.pair(), random: l.random(fmt.Sprint("kills/", n)), pause: o.pause, moments: f.moments, moment: o.moment,
	}
	f.files = s.plainFiles(l.store)
	err = f.runRound(ctx, o, n, k, out)
	err = errors.Join(err, happened())
	out.Kills += k.Kills.Load()
	out.strikes.add(k.strikes)
	out.recovery = append(out.recovery, k.took...)
	return err
}

// runRound sends under kills, waits until everything is final, and verifies it.
func (f *field) runRound(ctx context.Context, o workload, n int64, k *killer, out *outcome) error {
	var sessions []*chatSession
	defer func() {
		for _, r := range sessions {
			r.close()
		}
	}()
	for i := range o.sessions {
		with := *f
		with.oracles = o.oracles > 0 && i%o.oracles == 0
		r, err := with.open(fmt.Sprintf("round%d-session%d", n, i))
		if err != nil {
			return err
		}
		sessions = append(sessions, r)
	}
	watching, blind := context.WithCancel(ctx)
	defer blind()
	var watchers sync.WaitGroup
	watchers.Go(func() { f.files.watch(watching) })
	if o.onSight {
		for _, r := range sessions {
			watchers.Go(func() { r.watch(watching) })
		}
	}
	c := &cutter{random: f.random(fmt.Sprint("wires/", n)), pause: o.cut, moment: o.moment}
	cutting, mended := context.WithCancel(ctx)
	defer mended()
	watchers.Go(func() { c.run(cutting, f.moments, sessions) })
	t := &tempo{uploads: o.uploads, kills: o.kills}
	failed := make(chan error, 1)
	sending, abandon := context.WithCancel(ctx)
	defer abandon()
	go func() {
		err := k.run(ctx, o.kills, func(done int64) bool { return t.strike(ctx, done) })
		if err != nil {
			abandon()
		}
		failed <- err
	}()
	f.sendAll(sending, o, n, sessions, t, k)
	mended()
	if err := <-failed; err != nil {
		return err
	}
	out.Drained = max(out.Drained, f.drained(ctx, sessions, recovered(k.victims)).Seconds())
	blind()
	watchers.Wait()
	f.verify(ctx, sessions)
	out.Cuts += c.cuts.Load()
	f.count(out)
	return unjudged(ctx)
}

// verify verifies all sessions at once and ends them, and then the plain files.
func (f *field) verify(ctx context.Context, sessions []*chatSession) {
	var all sync.WaitGroup
	for _, r := range sessions {
		all.Go(func() {
			r.verify(ctx)
			r.end(ctx)
		})
	}
	all.Wait()
	f.files.verify(ctx, f)
}

// unjudged is the error of a run that ended before everything was verified.
func unjudged(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cut short before everything was verified: %w", err)
	}
	return nil
}

// sendAll sends the round's files from every page.
func (f *field) sendAll(ctx context.Context, o workload, n int64, sessions []*chatSession, t *tempo, k *killer) {
	var senders sync.WaitGroup
	for w := range len(sessions) * 2 * o.senders {
		r, party := sessions[w%len(sessions)], w/len(sessions)%2
		random := f.random(fmt.Sprintf("uploads/%d/%d", n, w))
		senders.Go(func() {
			for t.send(ctx, k) {
				f.sendOne(ctx, o, r, party, random)
			}
		})
	}
	senders.Wait()
}

func (f *field) sendOne(ctx context.Context, o workload, r *chatSession, party int, random *rand.Rand) {
	ctx, cancel := context.WithTimeout(ctx, o.sendTime)
	defer cancel()
	size := logUniform(random, max(o.minSize, 1), o.maxSize)
	var mustFail bridge.Code
	switch {
	case o.infected > 0 && random.IntN(o.infected) == 0:
		mustFail = bridge.CodeInfected
		size = max(size, int64(len(bugs.Infected)))
	case o.belied > 0 && random.IntN(o.belied) == 0:
		mustFail = bridge.CodeDigest
	}
	i, u := r.draft(random, party, size, mustFail)
	if o.spoil > 0 {
		u.Spoil = func() bool { return random.IntN(o.spoil) == 0 }
	}
	r.send(ctx, party, i, u)
}

// count adds the round to out.
func (f *field) count(out *outcome) {
	f.journal.mu.Lock()
	defer f.journal.mu.Unlock()
	for _, i := range f.journal.intents {
		out.Uploads++
		out.Bytes += i.size
		switch {
		case !i.seen.IsZero():
			out.Announced++
		case i.failed && i.code == i.mustFail:
			out.Refused++
		}
		if i.upload != nil {
			out.Resumed += int64(i.upload.Resumed)
			out.Resent += i.upload.Resent
		}
	}
}

// tempo paces uploads and kills, so that kills are spread evenly over all uploads.
type tempo struct {
	uploads, kills int64
	begun          atomic.Int64
}

// ahead bounds how many uploads the senders may be ahead of the kills, and the
// reverse.
const ahead = 12

// send waits until the next upload is due; false: there is none.
func (t *tempo) send(ctx context.Context, k *killer) bool {
	n := t.begun.Add(1)
	if n > t.uploads {
		return false
	}
	for ctx.Err() == nil {
		if due := k.due(); t.kills == 0 || due >= t.kills || n <= due*t.uploads/t.kills+ahead {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}

// strike waits until the next kill is due.
func (t *tempo) strike(ctx context.Context, done int64) bool {
	for ctx.Err() == nil {
		if min(t.begun.Load(), t.uploads)+ahead >= done*t.uploads/t.kills {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}
