// Command siege attacks the real command as strangers and customers can, while
// good users work beside them. It measures what the good users notice and what the
// attack costs the proxy.
//
// Each row starts a proxy of its own on loopback, runs its attackers in processes
// of their own at the lowest priority, and compares the figures with the row's
// bounds. Attackers from other addresses use other addresses of 127/8.
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

var errHurt = errors.New("a bound is exceeded: see the failed figures in the result")

type options struct {
	harness.Run
	only    string
	time    time.Duration // of each attack
	size    float64       // attackers and connections, as a part of each row's own number
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
	o.Flags(f, 15*time.Minute, "wall time of the whole run; a row that it cuts short fails")
	f.StringVar(&o.only, "only", harness.Names(rows), "rows to run, separated by commas")
	f.DurationVar(&o.time, "time", 10*time.Second, "length of each attack")
	f.Float64Var(&o.size, "size", 1, "number of attackers, as a part of each row's own number")
	f.StringVar(&o.attache, "attache", "", "compiled command to attack; empty builds it from this source")
	err = o.Parse(f, args)
	return o, err
}

// result is what a run prints.
type result struct {
	harness.Result
	Rows []outcome `json:"rows"`
}

func run(args []string, out, errs io.Writer) error {
	o, err := parse(args, errs)
	if err != nil {
		return err
	}
	chosen, err := harness.Choose(rows, o.only)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(errs, nil))
	return o.Do(out, errHurt, func(ctx context.Context) (harness.Outcome, error) {
		l, err := newLab(ctx, o, log)
		if err != nil {
			return nil, err
		}
		r := l.besiege(ctx, chosen)
		table(errs, r.Rows)
		return r, nil
	})
}

// besiege plays the rows. After an error the measurements until then are kept.
func (l *lab) besiege(ctx context.Context, chosen []row) *result {
	all := []outcome{}
	r := harness.Play(l.Seed, chosen, func(row row) (bool, error) {
		l.log.Info("row", "name", row.name)
		out, err := l.play(ctx, row)
		if errors.Is(err, errMount) {
			l.log.Warn("left out", "row", row.name, "error", err)
			return true, nil
		}
		if err != nil {
			return false, err
		}
		all = append(all, *out)
		return out.Passed, nil
	})
	return &result{r, all}
}
