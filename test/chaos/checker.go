package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"attache/test/chaos/bugs"
)

// noticed is the checker's result for one build.
type noticed struct {
	Caught   bool         `json:"caught"`
	By       map[kind]int `json:"by,omitempty"`
	Example  string       `json:"example,omitempty"`
	Seconds  float64      `json:"seconds"`
	Attempts int          `json:"attempts"`
}

// attempts bounds how often a bug is tried, because it shows only under some of the
// random harm. With -full the clean build is tried as often, with the same seeds.
const attempts = 4

// usualAttempts is how often the clean build is tried without -full, on each store.
const usualAttempts = 1

// runChecker plants each bug that runs on this store can show, and plays the same trials
// with the clean build.
func runChecker(ctx context.Context, l *lab, o options) (any, bool, error) {
	planted := o.planted(l.store)
	figures, passed := map[string]noticed{}, len(planted) > 0
	for _, b := range slices.Concat(clean(planted), planted) {
		most := attempts
		if len(b.Changes) == 0 {
			most = int(o.size(0, attempts, usualAttempts))
		}
		figure, err := l.notice(ctx, b, most)
		figures[b.Name] = figure
		if err != nil {
			return figures, false, fmt.Errorf("%s: %w", b.Name, err)
		}
		passed = passed && figure.Caught == (len(b.Changes) > 0)
		l.log.Info("checked", "bug", b.Name, "caught", figure.Caught, "by", figure.By, "attempts", figure.Attempts, "seconds", figure.Seconds)
	}
	return figures, passed, nil
}

// planted returns the bugs to plant in runs on that store: those that -bugs names, or all
// that show there. Of those outside of the stores, a run of both without -full plants
// every other one on each.
func (o options) planted(on store) (all []bugs.Bug) {
	for n, b := range bugs.List {
		wanted := o.bugs == "" || slices.Contains(strings.Split(o.bugs, ","), b.Name)
		both := o.full || o.store != bothStores || o.bugs != "" || b.Store != bugs.AnyStore
		if b.Store.Has(on) && wanted && (both || stores[n%len(stores)] == on) {
			all = append(all, b)
		}
	}
	return all
}

// clean returns no bugs, under each judge and trial of those bugs once.
func clean(of []bugs.Bug) (all []bugs.Bug) {
	for _, b := range of {
		none := bugs.Bug{Name: fmt.Sprintf("none, %+v", b.Trial), Judge: b.Judge, Trial: b.Trial}
		if b.Judge != bugs.Kills {
			none.Name = "none, " + string(b.Judge)
		}
		if !slices.ContainsFunc(all, func(one bugs.Bug) bool { return one.Name == none.Name }) {
			all = append(all, none)
		}
	}
	return all
}

// notice lets the bug's judge look for it, at most that often.
func (l *lab) notice(ctx context.Context, b bugs.Bug, attempts int) (noticed, error) {
	if b.Judge != bugs.Kills {
		return l.noticeInTests(ctx, b)
	}
	return l.noticeUnderKills(ctx, b, attempts)
}

// noticeUnderKills builds a command with that bug and runs it until a finding that the
// bug shows, at most attempts times. A bug without Shows is caught by any finding.
func (l *lab) noticeUnderKills(ctx context.Context, b bugs.Bug, attempts int) (n noticed, err error) {
	name := "bug-" + b.Name
	if len(b.Changes) == 0 {
		name = b.Trial.Hooked()
	}
	path, err := l.plant(ctx, name, b.Trial, b.Changes)
	if err != nil {
		return n, err
	}
	var shows []kind
	for _, name := range b.Shows {
		shows = append(shows, kind(name))
	}
	n.By = map[kind]int{}
	for n.Attempts < attempts && !n.Caught && ctx.Err() == nil {
		n.Attempts++
		with := *l
		with.binary, with.seed = path, l.seed+uint64(n.Attempts)-1
		out, err := with.runUntilFound(ctx, trialOf(b), shows)
		n.Seconds += out.Took
		n.Caught = out.Findings.has(shows)
		for k, count := range out.Findings.Counts {
			n.By[k] += count
		}
		if len(out.Findings.First) > 0 {
			n.Example = out.Findings.First[len(out.Findings.First)-1]
		}
		if err != nil && !n.Caught {
			return n, err
		}
	}
	return n, ctx.Err()
}

// trialOf is the workload in which the bug shows soonest.
func trialOf(b bugs.Bug) workload {
	if b.Trial.Relay {
		return smallRelay(b.Trial)
	}
	return small(b.Trial)
}
