package harness

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Run holds the values of the flags that every harness has.
type Run struct {
	Seed  uint64 // never 0 after Parse
	Limit time.Duration
	Dir   string // the working directory; empty until Do makes one
	json  string
}

// Flags adds the flags of r to f.
func (r *Run) Flags(f *flag.FlagSet, limit time.Duration, limitHelp string) {
	f.Uint64Var(&r.Seed, "seed", 0, "seed of everything that is drawn; 0 draws one")
	f.DurationVar(&r.Limit, "limit", limit, limitHelp)
	f.StringVar(&r.Dir, "dir", "", "working directory; empty is a new one that is removed")
	f.StringVar(&r.json, "json", "", "file that the result is written to as well")
}

// Parse parses args by f, to which Flags has added.
func (r *Run) Parse(f *flag.FlagSet, args []string) error {
	err := f.Parse(args)
	if r.Seed == 0 {
		r.Seed = rand.Uint64N(1<<32-1) + 1
	}
	return err
}

// Do calls play in the working directory, with a context that ends with the limit
// or a signal, and writes its outcome to out. It returns failed if the outcome has
// not passed.
func (r *Run) Do(out io.Writer, failed error, play func(context.Context) (Outcome, error)) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, r.Limit)
	defer cancel()
	if r.Dir == "" {
		if r.Dir, err = os.MkdirTemp("", "attache-*"); err != nil {
			return err
		}
		defer os.RemoveAll(r.Dir)
	}
	outcome, err := play(ctx)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(outcome, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, string(text))
	if r.json != "" {
		if err := os.WriteFile(r.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	switch result := outcome.result(); {
	case result.Error != "":
		return errors.New(result.Error)
	case !result.Passed:
		return failed
	}
	return nil
}
