// Command chaos shows that nothing is lost and nothing comes twice: it runs the
// real command on each store, kills its processes and cuts its wires by a seeded
// schedule, and compares its own journal of uploads with the documents, the
// transcripts and the events of every page.
//
// The checker uses nothing that the product writes about itself. Of the store of plain
// files it reads the documents' files, as an operator may. Planted bugs (package bugs),
// each compiled into the command or into tests of the store, show that it would notice.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"attache/test/harness"
)

var errBroken = errors.New("a promise is broken: see the findings in the result")

type options struct {
	harness.Run
	only    string
	store   string
	full    bool
	uploads int64
	kills   int64
	bugs    string
}

// roles are what this program plays for a run, each in a process that can be killed, by
// its first argument.
var roles = map[string]func(args []string) error{nodeCommand: runNode, scannerCommand: runScanner}

func main() {
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		if err := roles[os.Args[1]](os.Args[2:]); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
			os.Exit(1)
		}
		return
	}
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func parse(args []string, out io.Writer) (o options, err error) {
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.SetOutput(out)
	o.Flags(f, 20*time.Minute, "wall time of the whole run, 150m with -full unless it is given; a scenario that it cuts short fails")
	f.StringVar(&o.only, "only", harness.Names(scenarios), "scenarios to run, separated by commas")
	f.StringVar(&o.store, "store", bothStores, "store of the content: files (--data), objects (--nats) or both, one after the other; the scenario cluster is of objects")
	f.BoolVar(&o.full, "full", false, "run every scenario at the size of its promise: about two hours instead of twelve minutes")
	f.Int64Var(&o.uploads, "uploads", 0, "uploads of the scenarios kills, cuts and rate; 0 is each one's own number; -full requires 10000 of kills")
	f.Int64Var(&o.kills, "kills", 0, "least number of processes to kill in the scenarios kills and cluster; 0 is a tenth of the uploads, and cluster's own number; -full requires 1000 of kills")
	f.StringVar(&o.bugs, "bugs", "", "planted bugs for the scenario checker, separated by commas; empty is all")
	err = o.Parse(f, args)
	given := false
	f.Visit(func(one *flag.Flag) { given = given || one.Name == "limit" })
	if o.full && !given {
		o.Limit = 150 * time.Minute
	}
	return o, err
}

// result is what a run prints.
type result struct {
	harness.Result
	Scenarios map[string]any `json:"scenarios"`
}

func run(args []string, out, errs io.Writer) error {
	o, err := parse(args, errs)
	if err != nil {
		return err
	}
	chosen, err := o.chosen()
	if err != nil {
		return err
	}
	fmt.Fprintln(errs, "seed", o.Seed)
	log := slog.New(slog.NewTextHandler(errs, nil))
	return o.Do(out, errBroken, func(ctx context.Context) (harness.Outcome, error) {
		l, err := o.lab(ctx, log)
		if err != nil {
			return nil, err
		}
		return o.play(ctx, l, chosen), nil
	})
}

// chosen returns each chosen scenario once for each chosen store that it runs on.
func (o options) chosen() (all []part, err error) {
	on, err := chosenStores(o.store)
	if err != nil {
		return nil, err
	}
	named, err := harness.Choose(scenarios, o.only)
	if err != nil {
		return nil, err
	}
	for _, s := range named {
		for _, one := range s.stores {
			if slices.Contains(on, one) {
				all = append(all, part{s, one})
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("-only=%s has no scenario for -store=%s", o.only, o.store)
	}
	return all, nil
}

// lab compiles the command as it is.
func (o options) lab(ctx context.Context, log *slog.Logger) (*lab, error) {
	source, err := harness.Source(ctx)
	if err != nil {
		return nil, err
	}
	l, err := newLab(o.Dir, source, o.Seed, log)
	if err != nil {
		return nil, err
	}
	l.binary, err = l.build(ctx, "clean", nil)
	return l, err
}

// play runs the scenarios. After an error the figures until then are kept.
func (o options) play(ctx context.Context, l *lab, chosen []part) *result {
	all := map[string]any{}
	r := harness.Play(o.Seed, chosen, func(p part) (bool, error) {
		l.log.Info("scenario", "name", p.name, "store", p.store)
		figures, passed, err := p.run(ctx, l.on(p.store), o)
		if figures != nil {
			all[p.String()] = figures
		}
		return passed, err
	})
	return &result{r, all}
}

// scenario is one kind of harm.
type scenario struct {
	name   string
	stores []store // that it runs on
	run    func(ctx context.Context, l *lab, o options) (figures any, passed bool, err error)
}

func (s scenario) String() string { return s.name }

// part is a scenario on one store.
type part struct {
	scenario
	store store
}

func (p part) String() string { return p.name + " " + string(p.store) }

// size is the number that a flag gives, or else the scenario's: the promised one
// with -full, and otherwise one that shows most of it in a minute or two.
func (o options) size(given, promised, usual int64) int64 {
	switch {
	case given > 0:
		return given
	case o.full:
		return promised
	}
	return usual
}
