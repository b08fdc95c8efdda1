// Command chaos shows that nothing is lost and nothing comes twice: it runs the
// real command, kills its processes and cuts its wires by a seeded schedule, and
// compares its own journal of uploads with the documents, the transcripts and the
// events of every page.
//
// The checker uses nothing that the product writes about itself. Planted bugs
// (package bugs), each compiled into the command, show that it would notice.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"attache/test/harness"
)

var errBroken = errors.New("a promise is broken: see the findings in the result")

type options struct {
	harness.Run
	only    string
	full    bool
	uploads int64
	kills   int64
	bugs    string
}

func main() {
	for name, play := range map[string]func([]string) error{nodeCommand: runNode, scannerCommand: runScanner} {
		if len(os.Args) < 2 || os.Args[1] != name {
			continue
		}
		if err := play(os.Args[2:]); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
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
	o.Flags(f, 20*time.Minute, "wall time of the whole run, 90m with -full unless it is given; a scenario that it cuts short fails")
	f.StringVar(&o.only, "only", harness.Names(scenarios), "scenarios to run, separated by commas")
	f.BoolVar(&o.full, "full", false, "run every scenario at the size of its promise: about an hour instead of ten minutes")
	f.Int64Var(&o.uploads, "uploads", 0, "uploads of the scenarios kills, cuts and rate; 0 is each one's own number; -full requires 10000 of kills")
	f.Int64Var(&o.kills, "kills", 0, "least number of processes to kill in the scenarios kills and cluster; 0 is a tenth of the uploads, and cluster's own number; -full requires 1000 of kills")
	f.StringVar(&o.bugs, "bugs", "", "planted bugs for the scenario checker, separated by commas; empty is all")
	err = o.Parse(f, args)
	given := false
	f.Visit(func(one *flag.Flag) { given = given || one.Name == "limit" })
	if o.full && !given {
		o.Limit = 90 * time.Minute
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
	chosen, err := harness.Choose(scenarios, o.only)
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
func (o options) play(ctx context.Context, l *lab, chosen []scenario) *result {
	all := map[string]any{}
	r := harness.Play(o.Seed, chosen, func(s scenario) (bool, error) {
		l.log.Info("scenario", "name", s.name)
		figures, passed, err := s.run(ctx, l, o)
		if figures != nil {
			all[s.name] = figures
		}
		return passed, err
	})
	return &result{r, all}
}

// scenario is one kind of harm.
type scenario struct {
	name string
	run  func(ctx context.Context, l *lab, o options) (figures any, passed bool, err error)
}

func (s scenario) String() string { return s.name }

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
