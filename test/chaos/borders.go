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
	store   store // the only one that has it
	scanner bool
	backend bool   // only a proxy with a backend, or that backend, reaches it
	after   string // the border at which the processes die before that
	swept   bool   // a day is there to be swept, of a proxy without a backend
}

// borders are in the order of an upload's life. A step has a border before it and
// one after it. The last ones are the files store's own.
var borders = []border{
	{name: "begun"},
	{name: "whole stored"},
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
	{name: "day made", store: bugs.Files},
	{name: "description written", store: bugs.Files},
	{name: "content created", store: bugs.Files},
	{name: "piece written", store: bugs.Files},
	{name: "pieces synced", store: bugs.Files},
	{name: "content cut", store: bugs.Files, after: "pieces synced"},
	{name: "content sealed", store: bugs.Files},
	{name: "document named", store: bugs.Files},
	{name: "document settled", store: bugs.Files},
	{name: "content half discarded", store: bugs.Files, backend: true},
	{name: "day renamed", store: bugs.Files, swept: true},
	{name: "day half deleted", store: bugs.Files, swept: true},
}

// death is which processes die at a border.
type death struct {
	name        string
	store       store // the only one whose stages have these processes
	withBackend bool
	usual       bool // not only with -full
	of          func(*stage) []*process
}

var deaths = []death{
	{"proxy alone", bugs.AnyStore, false, true, func(s *stage) []*process { return []*process{s.proxy} }},
	{"node alone", bugs.Objects, false, true, func(s *stage) []*process { return []*process{s.node} }},
	{"proxy", bugs.AnyStore, true, false, func(s *stage) []*process { return []*process{s.proxy} }},
	{"backend", bugs.AnyStore, true, false, func(s *stage) []*process { return []*process{s.backend} }},
	{"node", bugs.Objects, true, false, func(s *stage) []*process { return []*process{s.node} }},
	{"proxy and backend", bugs.AnyStore, true, true, (*stage).pair},
}

// hitsProxy reports whether the proxy is one of those that die.
func (d death) hitsProxy() bool {
	s := &stage{proxy: &process{}, backend: &process{}, node: &process{}}
	return slices.Contains(d.of(s), s.proxy)
}

// deathsAt returns those that a run on that store lets happen at b.
func (o options) deathsAt(b border, on store) (all []death) {
	if !b.store.Has(on) {
		return nil
	}
	for _, d := range deaths {
		if d.store.Has(on) && (d.withBackend || !b.backend) && (!d.withBackend || !b.swept) &&
			(b.after == "" || d.hitsProxy()) && (d.usual || b.backend || on == bugs.Files || o.full) {
			all = append(all, d)
		}
	}
	return all
}

// runBorders kills processes at every border: a proxy without a backend, of a proxy and
// its backend each and both, and their node.
func runBorders(ctx context.Context, l *lab, o options) (any, bool, error) {
	figures, passed := map[string]*outcome{}, true
	for _, b := range borders {
		for _, d := range o.deathsAt(b, l.store) {
			out, err := l.dieAt(ctx, b, d)
			if err != nil {
				return figures, false, fmt.Errorf("border %s, dying: %s: %w", b.name, d.name, err)
			}
			figures[b.name+", "+d.name] = out
			passed = passed && out.Findings.none() && out.Uploads == small(b.trial()).uploads
			l.log.Info("died", "border", b.name, "process", d.name, "findings", out.Findings.Counts, "seconds", out.Took)
		}
	}
	return figures, passed, nil
}

func (b border) trial() bugs.Trial { return bugs.Trial{Border: b.name, Scanner: b.scanner} }

func (l *lab) dieAt(ctx context.Context, b border, d death) (*outcome, error) {
	path, err := l.plant(ctx, b.trial().Hooked(), b.trial(), nil)
	if err != nil {
		return nil, err
	}
	with := *l
	with.binary = path
	o := small(b.trial())
	o.withBackend, o.dying, o.before, o.swept = d.withBackend, d.of, b.after, b.swept
	return with.runWorkload(ctx, o)
}

// plant compiles the command with those changes and the trial's hooks, once in a run for
// each name.
func (l *lab) plant(ctx context.Context, name string, t bugs.Trial, changes []bugs.Change) (string, error) {
	if path := l.planted[name]; path != "" {
		return path, nil
	}
	overlay, err := l.overlay(name, slices.Concat(t.Hooks(), changes))
	if err != nil {
		return "", err
	}
	path, err := l.build(ctx, name, overlay)
	if err == nil {
		l.planted[name] = path
	}
	return path, err
}

// small is a workload that shows within seconds whether anything is wrong.
func small(t bugs.Trial) workload {
	o := workload{
		uploads: 60, kills: 12, sessions: 2, senders: 2, minSize: t.MinSize, maxSize: 4 << 20, pause: 80 * time.Millisecond,
		cut: 60 * time.Millisecond, moment: t.Moment, spoil: 12, belied: 12,
		onSight: true, sendTime: 30 * time.Second, drain: 20 * time.Second,
	}
	if t.Border != "" {
		o.uploads, o.kills, o.border, o.dying = 16, 0, t.Border, deaths[0].of
	}
	if t.Scanner {
		o.infected = 4
	}
	return o
}
