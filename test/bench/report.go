package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
)

// report holds all results of a run.
type report struct {
	Machine machine  `json:"machine"`
	Rounds  int      `json:"rounds"`
	Rows    []row    `json:"rows"`
	Runs    []runsOf `json:"runs"`
}

// runsOf holds the runs of one experiment with one store.
type runsOf struct {
	Experiment string   `json:"experiment"`
	Store      string   `json:"store"`
	Runners    []runner `json:"runners"`
}

// runner is one contender's runs.
type runner struct {
	Name    string   `json:"name"`
	Time    figure   `json:"time"`
	Rate    *figure  `json:"rate,omitempty"`
	Bound   string   `json:"bound"`
	Samples []sample `json:"samples"`
}

// summed up, in the order of the contenders; bytes 0 where a rate says nothing.
func summed(contenders []contender, samples map[string][]sample, bytes int64) []runner {
	runners := make([]runner, 0, len(contenders))
	for _, c := range contenders {
		s := samples[c.name]
		r := runner{Name: c.name, Time: figureOf(" s", seconds(s)), Bound: boundBy(s), Samples: s}
		if bytes > 0 {
			rate := figureOf(" MiB/s", rates(s, bytes))
			r.Rate = &rate
		}
		runners = append(runners, r)
	}
	return runners
}

// markdown writes the tables for people.
func (r report) markdown(w io.Writer) {
	fmt.Fprintf(w, "%s. Medians of %d rounds, alternating; the range in brackets. %s.\n\n", r.Machine, r.Rounds, r.quiet())
	fmt.Fprintln(w, "| store | measured | against | ours | peer | judged | to reach | stretch | |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, row := range r.Rows {
		judged := row.Judged.String()
		if row.Failed != "" {
			judged = row.Failed
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
			row.Store, cell(row.Measured), cell(row.Against), maybe(row.Ours), maybe(row.Peer), cell(judged),
			row.Target, row.Stretch, row.verdict())
	}
	fmt.Fprintln(w)
	for _, row := range r.Rows {
		if row.Note != "" {
			fmt.Fprintf(w, "- %s: %s, against %s: %s.\n", row.Store, row.Measured, row.Against, row.Note)
		}
	}
	for _, e := range r.Runs {
		fmt.Fprintf(w, "\nRuns of `%s`, store %s:\n\n| who | time | rate | processor time of browser and server | |\n| --- | --- | --- | --- | --- |\n", e.Experiment, e.Store)
		for _, runner := range e.Runners {
			fmt.Fprintf(w, "| %s | %s | %s | %.2f s + %.2f s | %s |\n", cell(runner.Name), runner.Time, maybe(runner.Rate),
				middle(runner.Samples, func(s sample) float64 { return s.Browser }),
				middle(runner.Samples, func(s sample) float64 { return s.Server }), runner.Bound)
		}
	}
}

// quiet describes how much of the machine other processes used during the timed runs.
// On a busy machine no figure means much.
func (r report) quiet() string {
	var all []sample
	for _, e := range r.Runs {
		for _, runner := range e.Runners {
			all = append(all, runner.Samples...)
		}
	}
	if len(all) == 0 {
		return "Nothing was timed"
	}
	others := middle(all, func(s sample) float64 { return s.Others })
	if others > 0.2 {
		return fmt.Sprintf("**The machine was not quiet**: other programs had %.2f of its cores", others)
	}
	return fmt.Sprintf("Other programs had %.2f of its cores", others)
}

func (r report) json(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// MarshalJSON omits the figures of an empty spread, because JSON has no NaN.
func (f figure) MarshalJSON() ([]byte, error) {
	type plain struct {
		Median *float64  `json:"median"`
		Min    *float64  `json:"min"`
		Max    *float64  `json:"max"`
		N      int       `json:"n"`
		Unit   string    `json:"unit"`
		Rounds []float64 `json:"rounds,omitempty"`
	}
	p := plain{N: f.N, Unit: strings.TrimSpace(f.Unit), Rounds: f.Rounds}
	if !math.IsNaN(f.Median) {
		p.Median, p.Min, p.Max = &f.Median, &f.Min, &f.Max
	}
	return json.Marshal(p)
}

func maybe(f *figure) string {
	if f == nil {
		return "–"
	}
	return f.String()
}

func cell(text string) string { return strings.NewReplacer("|", "\\|", "\n", " ").Replace(text) }
