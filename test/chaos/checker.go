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
// random harm. The clean build is tried as often, with the same seeds.
const attempts = 4

// runChecker plants each bug, and runs the clean build under the same trials.
func runChecker(ctx context.Context, l *lab, o options) (any, bool, error) {
	planted := slices.DeleteFunc(slices.Clone(bugs.List), func(b bugs.Bug) bool {
		return o.bugs != "" && !slices.Contains(strings.Split(o.bugs, ","), b.Name)
	})
	figures, passed := map[string]noticed{}, len(planted) > 0
	for n, t := range trials(planted) {
		name := fmt.Sprintf("clean %d: %+v", n, t)
		figure, err := l.notice(ctx, bugs.Bug{Name: fmt.Sprint("clean", n), Trial: t})
		figures[name] = figure
		if err != nil {
			return figures, false, fmt.Errorf("%s: %w", name, err)
		}
		passed = passed && !figure.Caught
		l.log.Info("nothing planted", "trial", name, "caught", figure.Caught, "attempts", figure.Attempts, "seconds", figure.Seconds)
	}
	for _, b := range planted {
		figure, err := l.notice(ctx, b)
		figures[b.Name] = figure
		if err != nil {
			return figures, false, fmt.Errorf("%s: %w", b.Name, err)
		}
		passed = passed && figure.Caught
		l.log.Info("planted", "bug", b.Name, "caught", figure.Caught, "by", figure.By, "attempts", figure.Attempts, "seconds", figure.Seconds)
	}
	return figures, passed, nil
}

// trials returns the trials of those bugs, each once.
func trials(of []bugs.Bug) (all []bugs.Trial) {
	for _, b := range of {
		if !slices.Contains(all, b.Trial) {
			all = append(all, b.Trial)
		}
	}
	return all
}

// notice builds a command with that bug and runs it until a finding that the bug
// shows, at most attempts times. A bug without Shows is caught by any finding.
func (l *lab) notice(ctx context.Context, b bugs.Bug) (n noticed, err error) {
	path, err := l.plant(ctx, b.Name, b.Trial, b.Changes)
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
		out, err := with.runUntilFound(ctx, small(b.Trial), shows)
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
