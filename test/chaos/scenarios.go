package main

import (
	"context"
	"time"

	"attache/test/chaos/bugs"
)

// scenarios are in the order in which they run.
var scenarios = []scenario{
	{"kills", stores, runKills},
	{"cuts", stores, runCuts},
	{"cluster", []store{bugs.Objects}, runCluster},
	{"rate", stores, runRate},
	{"borders", stores, runBorders},
	{"gms", stores, runGMS},
	{"checker", stores, runChecker},
}

// runKills sends ten thousand uploads under a thousand kills at full size, to each store:
// in every other round to a proxy alone, in the others to one with backend and scanner.
// A node with the objects is one of the victims.
func runKills(ctx context.Context, l *lab, o options) (any, bool, error) {
	uploads := o.size(o.uploads, promisedUploads, 1000)
	kills := o.size(o.kills, (uploads+9)/10, (uploads+9)/10)
	out, err := l.runWorkload(ctx, workload{
		uploads: uploads, kills: kills, rounds: max(2, (uploads+499)/500), inTurn: true,
		sessions: 6, senders: 2, maxSize: maxSize, pause: 250 * time.Millisecond, cut: time.Second, spoil: 200, belied: 100, infected: 60,
		oracles: 3, onSight: true, sendTime: 90 * time.Second, drain: settleTimeout,
	})
	if err != nil {
		return out, false, err
	}
	passed := out.Findings.none() && out.Uploads == uploads && out.Announced+out.Refused == uploads && out.Kills >= kills
	return out, passed && (!o.full || out.promised()), nil
}

// A run with -full must reach these, whatever its other flags are.
const (
	promisedUploads = 10_000
	promisedKills   = 1000
	promisedSeveral = 100 // kills of two or three different processes
)

func (o *outcome) promised() bool {
	return o.Uploads >= promisedUploads && o.Kills >= promisedKills && o.Several >= promisedSeveral
}
