package main

import (
	"context"
	"fmt"
	"time"

	"attache/chaos/bugs"
)

// border is one place between two steps, and what it takes to get there.
type border struct {
	name    string
	scanner bool
}

// borders are in the order of an upload's life. Dying before a step is dying
// at its border's first name, after it at the second.
var borders = []border{
	{"begun", false},
	{"accepting", false},
	{"accepted", false},
	{"taken", false},
	{"scanned", true},
	{"kept", true},
	{"storing", false},
	{"stored", false},
	{"announcing", false},
	{"announced", false},
	{"concluded", false},
}

// runBorders lets the proxy die at every border.
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
		o := small(bugs.Trial{Border: b.name, Scanner: b.scanner})
		out, err := with.endure(ctx, o)
		if err != nil {
			return nil, false, fmt.Errorf("border %s: %w", b.name, err)
		}
		figures[b.name] = out
		passed = passed && out.Findings.none() && out.Uploads == o.uploads
	}
	return figures, passed, nil
}

// plant compiles the command with those changes and with what the trial needs.
func (l *lab) plant(ctx context.Context, name string, t bugs.Trial, changes []bugs.Change) (string, error) {
	var all []bugs.Change
	if t.Border != "" {
		all = append(all, bugs.Crash...)
	}
	if t.Scanner {
		all = append(all, bugs.Scanner...)
	}
	dir, err := l.sub("planted-" + name)
	if err != nil {
		return "", err
	}
	replace, err := bugs.Plant(l.module, dir, append(all, changes...)...)
	if err != nil {
		return "", err
	}
	return l.build(ctx, name, replace)
}

// small is an ordeal that shows in seconds whether anything is wrong.
func small(t bugs.Trial) ordeal {
	o := ordeal{
		uploads: 60, kills: 12, rooms: 2, senders: 2, minSize: t.MinSize, maxSize: 4 << 20, pause: 80 * time.Millisecond,
		cut: 60 * time.Millisecond, moment: t.Moment, spoil: 12, belied: 12,
		onSight: true, sendTime: 15 * time.Second, drain: 10 * time.Second,
	}
	if t.Border != "" {
		o.uploads, o.kills, o.border = 16, 0, t.Border
	}
	if t.Scanner {
		o.infected = 4
	}
	return o
}
