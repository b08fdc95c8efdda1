package main

import (
	"context"
	"fmt"
	"time"

	"attache/test/chaos/bugs"
)

// relayBorder is a border of the way through both processes, and the processes that die there.
type relayBorder struct {
	name   string
	usual  bool // not only with -full
	dying  string
	hidden bool // the client does not send its keys: the transcript alone shows what came of a request
}

// Which processes die. In a stage the client is the proxy, and the one that serves its backend.
var relayDeaths = map[string]func(*stage) []*process{
	"client": func(s *stage) []*process { return []*process{s.proxy} },
	"served": func(s *stage) []*process { return []*process{s.backend} },
	"both":   (*stage).pair,
}

// relayBorders are in the order of a file's way: the client's intent and request, and what the
// other process does meanwhile. The first process at a border may be either.
var relayBorders = []relayBorder{
	{name: "intended", dying: "client", hidden: true},
	{name: "ingest begun", dying: "client"},
	{name: "ingest begun", dying: "served"},
	{name: "ingest received", dying: "served", usual: true},
	{name: "reservation corrected", dying: "served"},
	{name: "ingest accepted", dying: "client", usual: true, hidden: true},
	{name: "ingest accepted", dying: "served", usual: true, hidden: true},
	{name: "ingest accepted", dying: "both"},
	{name: "announced", dying: "client", hidden: true},
	{name: "announced", dying: "served"},
	{name: "announced", dying: "both", usual: true, hidden: true},
	{name: "requested", dying: "client", usual: true, hidden: true},
	{name: "requested", dying: "both"},
	{name: "fetched", dying: "client"},
}

// runGMS sends texts and files between agents on our socket and customers of both kinds, under
// kills of both processes, and then lets them die at borders.
func runGMS(ctx context.Context, l *lab, o options) (any, bool, error) {
	sayings := o.size(o.uploads, 4000, 120)
	kills := o.size(o.kills, (sayings+9)/10, (sayings+9)/10)
	figures := map[string]*outcome{}
	out, err := l.runWorkload(ctx, workload{
		relay: true, uploads: sayings, kills: kills, rounds: max(2, (sayings+499)/500), inTurn: true, slow: 12,
		sessions: 6, minSize: 1, maxSize: 4 << 20, pause: 250 * time.Millisecond, cut: time.Second,
		sendTime: 90 * time.Second, drain: settleTimeout,
	})
	figures["kills"] = out
	if err != nil {
		return figures, false, err
	}
	passed := out.relayed(sayings) && out.Kills >= kills
	for _, b := range relayBorders {
		if !o.full && (!b.usual || l.store != bugs.Files) {
			continue // no border is of a store
		}
		out, err := l.relayDiesAt(ctx, b)
		if err != nil {
			return figures, false, fmt.Errorf("border %s, dying: %s: %w", b.name, b.dying, err)
		}
		figures[b.name+", "+b.dying] = out
		passed = passed && out.relayed(smallRelay(b.trial()).uploads)
		l.log.Info("died", "border", b.name, "process", b.dying, "findings", out.Findings.Counts, "seconds", out.Took)
	}
	return figures, passed, nil
}

// relayed reports whether all sayings were sent, and each has come or is known to be unclear.
func (o *outcome) relayed(sayings int64) bool {
	return o.Findings.none() && o.Uploads == sayings && o.Announced+o.Unclear == sayings && o.Unclear <= sayings/50
}

func (b relayBorder) trial() bugs.Trial {
	return bugs.Trial{Border: b.name, Relay: true, HideKey: b.hidden}
}

func (l *lab) relayDiesAt(ctx context.Context, b relayBorder) (*outcome, error) {
	path, err := l.plant(ctx, b.trial().Hooked(), b.trial(), nil)
	if err != nil {
		return nil, err
	}
	with := *l
	with.binary = path
	o := smallRelay(b.trial())
	o.dying = relayDeaths[b.dying]
	return with.runWorkload(ctx, o)
}

// smallRelay is a workload through both processes that shows within seconds whether anything is
// wrong.
func smallRelay(t bugs.Trial) workload {
	o := workload{
		relay: true, hideKey: t.HideKey, uploads: 40, kills: 8, sessions: 2, minSize: t.MinSize, maxSize: 1 << 20, pause: 150 * time.Millisecond,
		cut: 300 * time.Millisecond, moment: t.Moment, sendTime: 40 * time.Second, drain: settleTimeout,
	}
	if t.Slow {
		o.slow = 2
	}
	if t.Border != "" {
		o.uploads, o.kills, o.border, o.dying = 16, 0, t.Border, relayDeaths["client"]
	}
	return o
}
