// Command siege attacks the real command as strangers and customers can, while
// good users work beside them, and says what the good users noticed and what it
// cost the proxy.
//
// Each row starts a proxy of its own on loopback, lets its attackers loose in
// processes of their own at the lowest priority, and compares what it measured
// with the row's bounds. Other addresses are other addresses of 127/8.
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

var errHurt = errors.New("a bound is exceeded: the result says which")

type options struct {
	only    string
	seed    uint64
	limit   time.Duration
	time    time.Duration // of each attack
	size    float64       // attackers and connections, as a part of the row's own
	dir     string
	json    string
	attache string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == attackCommand {
		if err := runAttack(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "attack:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "siege:", err)
		os.Exit(1)
	}
}

func parse(args []string, out io.Writer) (o options, err error) {
	f := flag.NewFlagSet("siege", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.only, "only", "", "rows to run, by commas; empty is all: "+strings.Join(rowNames(), ", "))
	f.Uint64Var(&o.seed, "seed", 0, "of what attackers draw; 0 draws one")
	f.DurationVar(&o.limit, "limit", 15*time.Minute, "wall time of everything; what is running then is cut short and fails")
	f.DurationVar(&o.time, "time", 10*time.Second, "how long each attack lasts")
	f.Float64Var(&o.size, "size", 1, "attackers, as a part of each row's own number")
	f.StringVar(&o.dir, "dir", "", "where to work; empty is a new directory that is removed")
	f.StringVar(&o.json, "json", "", "file that the result is written to as well")
	f.StringVar(&o.attache, "attache", "", "the compiled command to besiege; empty builds it from here")
	err = f.Parse(args)
	if o.seed == 0 {
		o.seed = rand.Uint64N(1 << 32)
	}
	return o, err
}

// result is what a run prints.
type result struct {
	Seed    uint64    `json:"seed"`
	Passed  bool      `json:"passed"`
	Error   string    `json:"error,omitempty"` // what ended the run before its time
	Rows    []outcome `json:"rows"`
	Seconds float64   `json:"seconds"`
}

func run(args []string, out, errs io.Writer) error {
	o, err := parse(args, errs)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "siege-*"); err != nil {
			return err
		}
		defer os.RemoveAll(o.dir)
	}
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	l, err := newLab(ctx, o, slog.New(slog.NewTextHandler(errs, nil)))
	if err != nil {
		return err
	}
	r := l.besiege(ctx, chosen)
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, string(text))
	table(errs, r.Rows)
	if o.json != "" {
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	switch {
	case r.Error != "":
		return errors.New(r.Error)
	case !r.Passed:
		return errHurt
	}
	return nil
}

// besiege plays the rows one after the other. An error ends that, and what was
// measured until then is kept.
func (l *lab) besiege(ctx context.Context, chosen []row) *result {
	begun := time.Now()
	r := &result{Seed: l.seed, Passed: true, Rows: []outcome{}}
	for _, row := range chosen {
		l.log.Info("row", "name", row.name)
		out, err := l.play(ctx, row)
		if errors.Is(err, errMount) {
			l.log.Warn("left out", "row", row.name, "error", err)
			continue
		}
		if err != nil {
			r.Error = fmt.Sprintf("%s: %v", row.name, err)
			r.Passed = false
			break
		}
		r.Rows = append(r.Rows, *out)
		r.Passed = r.Passed && out.Passed
	}
	r.Seconds = time.Since(begun).Seconds()
	return r
}

func choose(names string) (chosen []row, err error) {
	if names == "" {
		return rows, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		n := slices.IndexFunc(rows, func(r row) bool { return r.name == name })
		if n < 0 {
			return nil, fmt.Errorf("no row %q: there are %s", name, strings.Join(rowNames(), ", "))
		}
		chosen = append(chosen, rows[n])
	}
	return chosen, nil
}
