// Command bench measures what Attaché promises: uploads, downloads, small files,
// the time until an icon is shown, chat during an upload, memory, size and start,
// each against a peer that does the same work in the same run.
//
// The browser is headless Chromium, driven without the debug protocol's Network
// domain; pages time themselves. Only ratios of one run can be compared with those
// of another.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

type options struct {
	rounds   int
	sizes    []int64 // of the large files, in bytes
	slow     []int64 // rates of slow lines, in kbit/s
	little   []int64 // sizes of the files that go over them, in bytes
	only     *regexp.Regexp
	json     string
	dir      string
	chromium string
	attache  string
}

// experiment measures some rows of the table together. It returns the rows and the
// runs that they summarize.
type experiment struct {
	name string
	run  func(*lab, context.Context) ([]row, []runner, error)
}

var experiments []experiment

func init() {
	experiments = []experiment{
		{"upload", (*lab).uploads},
		{"small", (*lab).smallFiles},
		{"download", (*lab).downloads},
		{"icon", (*lab).icons},
		{"text", (*lab).texts},
		{"slow", (*lab).slowLines},
		{"memory", (*lab).memories},
		{"resident", (*lab).residents},
		{"size", (*lab).moduleSize},
		{"start", (*lab).starts},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	flags.IntVar(&o.rounds, "rounds", 9, "number of rounds that count")
	sizes := flags.String("size", "256,1024", "sizes of the large files in MiB; the product keeps every upload, so 1024 needs 12 GiB of disk")
	slow := flags.String("slow-rates", "64,128", "rates of the slow lines in kbit/s, each way; all are measured at once")
	little := flags.String("slow-sizes", "1,65536,153600,307200", "sizes in bytes of the files that are sent over each slow line, one after another")
	only := flags.String("only", "", "run only the experiments whose name matches this regular expression")
	flags.StringVar(&o.json, "json", "", "file that all measurements are written to as well")
	flags.StringVar(&o.dir, "dir", "", "directory for all files; its file system is part of the result (default: the system's temporary one)")
	flags.StringVar(&o.chromium, "chromium", "chromium", "browser command")
	flags.StringVar(&o.attache, "attache", "", "compiled command to measure (default: built from this source)")
	_ = flags.Parse(args) // exits by itself
	var err error
	if o.sizes, err = numbers("size", *sizes, mib); err != nil {
		return o, err
	}
	if o.slow, err = numbers("slow-rates", *slow, 1); err != nil {
		return o, err
	}
	if o.little, err = numbers("slow-sizes", *little, 1); err != nil {
		return o, err
	}
	o.only, err = regexp.Compile(*only)
	return o, err
}

// numbers parses a flag's list of positive whole numbers and multiplies each by unit.
func numbers(flag, list string, unit int64) (all []int64, err error) {
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("-%s: %q is not a positive whole number", flag, text)
		}
		all = append(all, n*unit)
	}
	return all, nil
}

func run(ctx context.Context, o options) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	l, err := openLab(ctx, o, log)
	defer l.close()
	if err != nil {
		return err
	}
	r := report{Machine: describeMachine(l.dir, l.chromium.version), Rounds: o.rounds, Runs: map[string][]runner{}}
	failed := 0
	for _, e := range experiments {
		if !o.only.MatchString(e.name) || ctx.Err() != nil {
			continue
		}
		log.Info("experiment", "name", e.name)
		rows, runs, err := e.run(l, ctx)
		if err != nil {
			failed++
			rows = append(rows, row{Measured: e.name, Against: "–", Failed: err.Error()})
		}
		r.Rows = append(r.Rows, rows...)
		r.Runs[e.name] = runs
	}
	r.markdown(os.Stdout)
	if err := r.save(o.json); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d experiments gave no figure", failed)
	}
	return ctx.Err()
}

func (r report) save(path string) error {
	if path == "" {
		return nil
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := r.json(file); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}
