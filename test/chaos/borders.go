package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"attache/test/chaos/bugs"
)

// border is a point between two steps, and the setup that is needed to reach it.
type border struct {
	name    string
	scanner bool
	backend bool // it is in the backend, after an effect and before its answer
}

// borders are in the order of an upload's life. A step has a border before it and
// one after it.
var borders = []border{
	{name: "begun"},
	{name: "accepting"},
	{name: "accepted"},
	{name: "taken"},
	{name: "scanned", scanner: true},
	{name: "checkpointed", scanner: true},
	{name: "storing"},
	{name: "put", backend: true},
	{name: "stored"},
	{name: "announcing"},
	{name: "posted", backend: true},
	{name: "announced"},
	{name: "concluded"},
}

// mortal names the processes that die.
type mortal string

const (
	theProxy   mortal = "proxy"
	theBackend mortal = "backend"
	both       mortal = "both"
)

// dying returns them.
func (m mortal) dying(s *stage) []*process {
	switch m {
	case theBackend:
		return []*process{s.backend}
	case both:
		return []*process{s.backend, s.proxy}
	}
	return []*process{s.proxy}
}

// runBorders kills processes at every border: a proxy with its embedded engine,
// and of a proxy and its backend each and both.
func runBorders(ctx context.Context, l *lab, _ options) (any, bool, error) {
	binaries := map[bool]string{}
	for _, scanner := range []bool{false, true} {
		path, err := l.plant(ctx, fmt.Sprint("borders-", scanner), bugs.Trial{Border: "all", Scanner: scanner}, nil)
		if err != nil {
			return nil, false, err
		}
		binaries[scanner] = path
	}
	figures, passed := map[string]*outcome{}, true
	for _, b := range borders {
		with := *l
		with.binary = binaries[b.scanner]
		for _, dies := range []mortal{"", theProxy, theBackend, both} {
			o := small(bugs.Trial{Border: b.name, Scanner: b.scanner})
			o.withBackend, o.dies = dies != "", dies
			if b.backend && !o.withBackend {
				continue
			}
			out, err := with.runWorkload(ctx, o)
			if err != nil {
				return figures, false, fmt.Errorf("border %s, dying: %q: %w", b.name, dies, err)
			}
			figures[b.name+" "+string(dies)] = out
			passed = passed && out.Findings.none() && out.Uploads == o.uploads
			l.log.Info("died", "border", b.name, "process", dies, "findings", out.Findings.Counts, "seconds", out.Took)
		}
	}
	return figures, passed, nil
}

// plant compiles the command with those changes and the trial's hooks.
func (l *lab) plant(ctx context.Context, name string, t bugs.Trial, changes []bugs.Change) (string, error) {
	dir, err := l.sub("planted-" + name)
	if err != nil {
		return "", err
	}
	replace, err := bugs.Plant(l.source, dir, slices.Concat(t.Hooks(), changes)...)
	if err != nil {
		return "", err
	}
	return l.build(ctx, name, replace)
}

// small is a workload that shows within seconds whether anything is wrong.
func small(t bugs.Trial) workload {
	o := workload{
		uploads: 60, kills: 12, sessions: 2, senders: 2, minSize: t.MinSize, maxSize: 4 << 20, pause: 80 * time.Millisecond,
		cut: 60 * time.Millisecond, moment: t.Moment, spoil: 12, belied: 12,
		onSight: true, sendTime: 30 * time.Second, drain: 20 * time.Second,
	}
	if t.Border != "" {
		o.uploads, o.kills, o.border = 16, 0, t.Border
	}
	if t.Scanner {
		o.infected = 4
	}
	return o
}
