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
	content  int64   // bytes that the product has when it is killed
	sockets  int     // that are idle
	stores   []string
	only     *regexp.Regexp
	json     string
	dir      string
	chromium string
	attache  string
}

// experiment measures some rows of the table together. It returns the rows and the
// runs that they summarize.
type experiment struct {
	name   string
	stores bool // measures each store
	run    func(*lab, context.Context) ([]row, []runner, error)
}

var experiments []experiment

func init() {
	experiments = []experiment{
		{"upload", true, (*lab).uploads},
		{"small", true, (*lab).smallFiles},
		{"together", true, (*lab).smallAtOnce},
		{"download", true, (*lab).downloads},
		{"gms", true, (*lab).gmsFiles},
		{"poll", true, (*lab).polls},
		{"turns", true, (*lab).turns},
		{"icon", true, (*lab).icons},
		{"restart", true, (*lab).restarts},
		{"text", true, (*lab).texts},
		{"slow", false, (*lab).slowLines},
		{"memory", true, (*lab).memories},
		{"resident", true, (*lab).residents},
		{"size", false, (*lab).moduleSize},
		{"start", false, (*lab).starts},
		{"far", false, (*lab).far},
		{"sockets", false, (*lab).idleSockets},
		{"rate", false, (*lab).rates},
	}
}

// playServer plays a server of the rows, if the first argument names one: a process of its
// own, so that its processor time is not the benchmark's.
func playServer() bool {
	for name, play := range map[string]func([]string) error{nodeCommand: runNode, peersCommand: runPeers} {
		if len(os.Args) < 2 || os.Args[1] != name {
			continue
		}
		if err := play(os.Args[2:]); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			os.Exit(1)
		}
		return true
	}
	return false
}

func main() {
	if playServer() {
		return
	}
	// A reader of the report that leaves early must not end this process, which would leave the
	// others. To be notified instead would end it when any socket breaks.
	signal.Ignore(syscall.SIGPIPE)
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
	sizes := flags.String("size", "256,1024", "sizes of the large files in MiB; the product keeps every upload, so 1024 needs 16 GiB of disk")
	slow := flags.String("slow-rates", "64,128", "rates of the slow lines in kbit/s, each way; all are measured at once")
	little := flags.String("slow-sizes", "1,65536,153600,307200", "sizes in bytes of the files that are sent over each slow line, one after another")
	store := flags.String("store", "both", "what the product keeps its content in: files (--data), objects (--nats, one NATS server beside it) or both, one after the other")
	content := flags.Int64("content", 10*kib, "content in MiB that the product has when it is killed and started again")
	flags.IntVar(&o.sockets, "sockets", 15_000, "number of idle sockets; each takes a file descriptor here and in the proxy")
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
	if o.content = *content * mib; o.content < restartFile {
		return o, fmt.Errorf("-content=%d: at least %d", *content, restartFile/mib)
	}
	switch *store {
	case files, objects:
		o.stores = []string{*store}
	case "both":
		o.stores = []string{files, objects}
	default:
		return o, fmt.Errorf("-store=%s: files, objects or both", *store)
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
	r := report{Machine: describeMachine(l.dir, l.chromium.version), Rounds: o.rounds}
	failed := 0
	for _, e := range experiments {
		stores := o.stores
		if !e.stores {
			stores = stores[:1]
		}
		for _, store := range stores {
			if !o.only.MatchString(e.name) || ctx.Err() != nil {
				continue
			}
			if !r.measure(ctx, l, e, store) {
				failed++
			}
		}
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

// measure adds an experiment with that store to the report, and reports whether it gave
// figures.
func (r *report) measure(ctx context.Context, l *lab, e experiment, store string) bool {
	l.store = store
	l.log.Info("experiment", "name", e.name, "store", store)
	rows, runs, err := e.run(l, ctx)
	if err != nil {
		rows = append(rows, row{Measured: e.name, Against: "–", Failed: err.Error()})
	}
	if !e.stores {
		store = "–"
	}
	for i := range rows {
		rows[i].Store = store
	}
	r.Rows = append(r.Rows, rows...)
	if len(runs) > 0 {
		r.Runs = append(r.Runs, runsOf{e.name, store, runs})
	}
	return err == nil
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
