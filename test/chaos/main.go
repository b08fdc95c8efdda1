// Command chaos shows that nothing is lost and nothing comes twice: it runs the
// real command, kills its processes and cuts its wires by a seeded schedule,
// and compares what it sent and was told with the store, the transcripts and
// what every page was shown.
//
// The checker believes nothing that the product writes about itself: it keeps a
// log of its own. That it would notice is shown by planted bugs (package bugs),
// each compiled into the command in the place of the product's own lines.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

var errBroken = errors.New("a promise is broken: the result says which")

type options struct {
	only    string
	seed    uint64
	limit   time.Duration
	full    bool
	uploads int64
	kills   int64
	dir     string
	json    string
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
	f.StringVar(&o.only, "only", strings.Join(scenarioNames(), ","), "scenarios to run, by commas")
	f.Uint64Var(&o.seed, "seed", 0, "of the schedule; 0 draws one")
	f.BoolVar(&o.full, "full", false, "every scenario at the size of its promise: about an hour instead of ten minutes")
	f.DurationVar(&o.limit, "limit", 20*time.Minute, "wall time of everything, 90m with -full unless it is given; what is running then is cut short and fails")
	f.Int64Var(&o.uploads, "uploads", 0, "uploads of the scenarios kills, cuts and rate; 0 is each one's own number; -full demands 10000 of kills")
	f.Int64Var(&o.kills, "kills", 0, "processes that die in the scenarios kills and cluster, at the least; 0 is a tenth of the uploads, and the cluster's own number; -full demands 1000 of kills")
	f.StringVar(&o.dir, "dir", "", "where to work; empty is a new directory that is removed")
	f.StringVar(&o.json, "json", "", "file that the result is written to as well")
	f.StringVar(&o.bugs, "bugs", "", "planted bugs of the scenario checker, by commas; empty is all")
	err = f.Parse(args)
	given := false
	f.Visit(func(one *flag.Flag) { given = given || one.Name == "limit" })
	if o.full && !given {
		o.limit = 90 * time.Minute
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1 << 32)
	}
	return o, err
}

// result is what a run prints.
type result struct {
	Seed      uint64         `json:"seed"`
	Passed    bool           `json:"passed"`
	Error     string         `json:"error,omitempty"` // what ended the run before its time
	Scenarios map[string]any `json:"scenarios"`
	Seconds   float64        `json:"seconds"`
}

func run(args []string, out, errs io.Writer) error {
	o, err := parse(args, errs)
	if err != nil {
		return err
	}
	fmt.Fprintln(errs, "seed", o.seed)
	log := slog.New(slog.NewTextHandler(errs, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "chaos-*"); err != nil {
			return err
		}
		defer os.RemoveAll(o.dir)
	}
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	l, err := o.lab(ctx, log)
	if err != nil {
		return err
	}
	r := o.play(ctx, l, chosen)
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, string(text))
	if o.json != "" {
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	switch {
	case r.Error != "":
		return errors.New(r.Error)
	case !r.Passed:
		return errBroken
	}
	return nil
}

// lab has the command compiled as it is.
func (o options) lab(ctx context.Context, log *slog.Logger) (*lab, error) {
	module, err := moduleDir(ctx)
	if err != nil {
		return nil, err
	}
	l, err := newLab(o.dir, module, o.seed, log)
	if err != nil {
		return nil, err
	}
	l.binary, err = l.build(ctx, "clean", nil)
	return l, err
}

// choose is the scenarios of those names, by commas.
func choose(names string) (chosen []scenario, err error) {
	for _, name := range strings.Split(names, ",") {
		n := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })
		if n < 0 {
			return nil, fmt.Errorf("no scenario %q: there are %s", name, strings.Join(scenarioNames(), ", "))
		}
		chosen = append(chosen, scenarios[n])
	}
	return chosen, nil
}

// play runs the scenarios one after the other. An error ends that, and what was
// measured until then is kept.
func (o options) play(ctx context.Context, l *lab, chosen []scenario) *result {
	begun := time.Now()
	r := &result{Seed: o.seed, Passed: true, Scenarios: map[string]any{}}
	for _, s := range chosen {
		l.log.Info("scenario", "name", s.name)
		figures, passed, err := s.run(ctx, l, o)
		if figures != nil {
			r.Scenarios[s.name] = figures
		}
		r.Passed = r.Passed && passed && err == nil
		if err != nil {
			r.Error = fmt.Sprintf("%s: %v", s.name, err)
			break
		}
	}
	r.Seconds = time.Since(begun).Seconds()
	return r
}

// scenario is one kind of harm.
type scenario struct {
	name string
	run  func(ctx context.Context, l *lab, o options) (figures any, passed bool, err error)
}

func scenarioNames() (names []string) {
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

// size is what was asked for, or the scenario's own: the promise's, or what shows
// most of it in a minute or two.
func (o options) size(asked, promised, usual int64) int64 {
	switch {
	case asked > 0:
		return asked
	case o.full:
		return promised
	}
	return usual
}
