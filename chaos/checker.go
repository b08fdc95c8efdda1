package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"attache/chaos/bugs"
)

// noticed is what the checker said to one build.
type noticed struct {
	Caught   bool         `json:"caught"`
	By       map[kind]int `json:"by,omitempty"`
	Example  string       `json:"example,omitempty"`
	Seconds  float64      `json:"seconds"`
	Attempts int          `json:"attempts"`
}

// attempts is how often a bug may stay unseen: it shows under harm that comes
// by chance.
const attempts = 4

// runChecker plants each bug, and runs the clean build under the same trials.
func runChecker(ctx context.Context, l *lab, o options) (any, bool, error) {
	planted := slices.DeleteFunc(slices.Clone(bugs.List), func(b bugs.Bug) bool {
		return o.bugs != "" && !slices.Contains(strings.Split(o.bugs, ","), b.Name)
	})
	figures, passed := map[string]noticed{}, true
	for n, t := range trials(planted) {
		name := fmt.Sprintf("clean %d: %+v", n, t)
		figure, err := l.notice(ctx, fmt.Sprint("clean", n), t, nil, 1)
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", name, err)
		}
		figures[name] = figure
		passed = passed && !figure.Caught
		l.log.Info("nothing planted", "trial", name, "caught", figure.Caught, "seconds", figure.Seconds)
	}
	for _, b := range planted {
		n, err := l.notice(ctx, b.Name, b.Trial, b.Changes, attempts)
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", b.Name, err)
		}
		figures[b.Name] = n
		passed = passed && n.Caught
		l.log.Info("planted", "bug", b.Name, "caught", n.Caught, "by", n.By, "attempts", n.Attempts, "seconds", n.Seconds)
	}
	return figures, passed, nil
}

// trials is each that a bug is tried in, once.
func trials(of []bugs.Bug) (all []bugs.Trial) {
	for _, b := range of {
		if !slices.Contains(all, b.Trial) {
			all = append(all, b.Trial)
		}
	}
	return all
}

// notice builds a command with those changes and runs it until something is
// found, or as often as it may.
func (l *lab) notice(ctx context.Context, name string, t bugs.Trial, changes []bugs.Change, times int) (noticed, error) {
	path, err := l.plant(ctx, name, t, changes)
	if err != nil {
		return noticed{}, err
	}
	var n noticed
	for n.Attempts < times && !n.Caught && ctx.Err() == nil {
		n.Attempts++
		with := *l
		with.binary, with.seed = path, l.seed+uint64(n.Attempts)-1
		out, err := with.endureUntilFound(ctx, small(t))
		if err != nil && len(out.Findings.Counts) == 0 {
			return n, err
		}
		n.Seconds += out.Took
		n.Caught = !out.Findings.none()
		n.By = out.Findings.Counts
		if n.Caught {
			n.Example = out.Findings.First[0]
		}
	}
	return n, ctx.Err()
}
