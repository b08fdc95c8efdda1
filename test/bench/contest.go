package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// contender is one way to do the work that a row measures.
type contender struct {
	name    string
	page    *page  // nil: no browser takes part
	address string // http://host:port of the server
	server  int    // the process, or the process group, that does all of the server's work
	// run does it once and returns how long it took by the page's clock.
	run func(ctx context.Context) (time.Duration, error)
	// clean removes what the round left on the disk; may be nil.
	clean func() error
}

// sample is one run of a contender.
type sample struct {
	Seconds float64 `json:"seconds"`
	Browser float64 `json:"browserSeconds"` // processor time of all of Chromium
	Server  float64 `json:"serverSeconds"`
	Busy    float64 `json:"busy"`   // share of all cores' time used by any process
	Wait    float64 `json:"ioWait"` // share in which a core only waited for the disk
	Steal   float64 `json:"steal"`  // share that the host took
	Others  float64 `json:"others"` // cores used by neither browser nor server: 0 on a quiet machine
}

// contest runs the contenders one after another, in another order each round, after
// one round that does not count. A run is limited to ten minutes.
//
// What a run has stored stays until the round's end: a contender that deleted its file
// would give itself warm pages for the next one, which the product, whose files stay,
// never gets.
func (l *lab) contest(ctx context.Context, rounds int, contenders []contender) (map[string][]sample, error) {
	for _, c := range contenders {
		if err := servedBy(ctx, c.address, c.server); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	samples := map[string][]sample{}
	for round := -1; round < rounds; round++ {
		for _, c := range order(contenders, round+1) {
			s, err := l.once(ctx, c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			l.log.Info("run", "round", round+1, "contender", c.name, "seconds", fmt.Sprintf("%.3f", s.Seconds))
			if round >= 0 {
				samples[c.name] = append(samples[c.name], s)
			}
		}
		if err := clean(contenders); err != nil {
			return nil, err
		}
	}
	return samples, nil
}

func clean(contenders []contender) error {
	for _, c := range contenders {
		if c.clean == nil {
			continue
		}
		if err := c.clean(); err != nil {
			return fmt.Errorf("clean up after %s: %w", c.name, err)
		}
	}
	return nil
}

// order rotates the contenders by one each round and reverses them every other
// round, so that none always follows the same one.
func order(contenders []contender, round int) []contender {
	n := len(contenders)
	turned := make([]contender, n)
	for i := range contenders {
		turned[i] = contenders[(i+round)%n]
	}
	if round%2 == 1 {
		slices.Reverse(turned)
	}
	return turned
}

func (l *lab) once(ctx context.Context, c contender) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if c.page != nil {
		if err := c.page.front(ctx); err != nil {
			return sample{}, err
		}
	}
	// No contender pays for dirty pages of the one before.
	syscall.Sync()
	browser, server, before := groupTime(l.chromium.process.Pid), groupTime(c.server), readMachineTime()
	took, err := c.run(ctx)
	if err != nil {
		return sample{}, err
	}
	after := readMachineTime()
	total := max(after.total-before.total, 1) // a run may be shorter than a tick
	s := sample{
		Seconds: took.Seconds(),
		Browser: (groupTime(l.chromium.process.Pid) - browser).Seconds(),
		Server:  (groupTime(c.server) - server).Seconds(),
		Busy:    (total - (after.idle - before.idle) - (after.wait - before.wait)) / total,
		Wait:    (after.wait - before.wait) / total,
		Steal:   (after.steal - before.steal) / total,
	}
	s.Others = max(0, s.Busy*total*tick.Seconds()-s.Browser-s.Server) / (total * tick.Seconds()) * float64(runtime.NumCPU())
	return s, nil
}

// boundBy names what limited the runs, as far as processor times show it, or says
// that the runs are too short for their resolution.
func boundBy(samples []sample) string {
	if median(seconds(samples)) < 20*tick.Seconds() {
		return "too short to say what bounds it"
	}
	cores := float64(runtime.NumCPU())
	busy := middle(samples, func(s sample) float64 { return s.Busy })
	wait := middle(samples, func(s sample) float64 { return s.Wait })
	browser := middle(samples, func(s sample) float64 { return s.Browser / s.Seconds })
	server := middle(samples, func(s sample) float64 { return s.Server / s.Seconds })
	what := "waiting, not by processors or disk"
	switch {
	case busy >= 0.8:
		what = "processors"
	case wait >= 0.3:
		what = "disk"
	case max(browser, server) >= 0.9:
		what = "one thread"
	}
	return fmt.Sprintf("bound by %s: %.0f %% of %.0f cores busy (browser %.2f, server %.2f of a core), %.0f %% waiting for the disk",
		what, busy*100, cores, browser, server, wait*100)
}

// middle returns the median of one figure of the samples.
func middle(samples []sample, figure func(sample) float64) float64 {
	figures := make([]float64, len(samples))
	for i, s := range samples {
		figures[i] = figure(s)
	}
	return median(figures)
}

func seconds(samples []sample) []float64 {
	figures := make([]float64, len(samples))
	for i, s := range samples {
		figures[i] = s.Seconds
	}
	return figures
}

// rates is the throughput of each run in MiB/s.
func rates(samples []sample, bytes int64) []float64 {
	figures := make([]float64, len(samples))
	for i, s := range samples {
		figures[i] = float64(bytes) / mib / s.Seconds
	}
	return figures
}
