package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"attache/bridge"
)

// row is one attack with the bounds of its figures.
type row struct {
	name        string
	attacks     []attack
	flags       []string // of attache serve
	descriptors int      // limit of the process; 0: none
	volume      int      // size in MB of a file system for its data; 0: the machine's own
	settle      time.Duration
	bounds      []bound
}

func (r row) String() string { return r.name }

// bound is the maximum of a figure.
type bound struct {
	figure string
	most   float64
}

// outcome is the result of a row.
type outcome struct {
	Name    string             `json:"name"`
	Passed  bool               `json:"passed"`
	Failed  []string           `json:"failed,omitempty"` // figures beyond their bounds
	Figures map[string]float64 `json:"figures"`
	Did     map[string]int64   `json:"did"` // the attackers' own counts
}

// unlimited lets attackers and good users send as much as they like.
var unlimited = []string{"--upload-max-files=-1", "--upload-max-file-size=-1", "--upload-max-total-size=-1", "--download-attempts=-1"}

// play runs one row against a proxy of its own.
func (l *lab) play(ctx context.Context, r row) (*outcome, error) {
	flags := r.flags
	if flags == nil {
		flags = unlimited
	}
	t, err := l.serve(ctx, r, flags...)
	if err != nil {
		return nil, err
	}
	defer t.stop()
	before, err := t.kept()
	if err != nil {
		return nil, err
	}
	w := t.watch()
	good, err := l.goodUsers(ctx, t)
	if err != nil {
		w.stop()
		return nil, err
	}
	did := map[string]int64{}
	attacks, err := l.prepare(r.attacks, t)
	if err == nil {
		err = assault(ctx, attacks, l.time, did)
	}
	figures := good.stop()
	w.stop()
	w.into(figures)
	if err != nil {
		return nil, err
	}
	if err := t.after(ctx, figures, before, r.settle); err != nil {
		return nil, err
	}
	return r.judge(figures, did), nil
}

// prepare returns the attacks with everything that their processes need. It does not
// change the row, which may be played again.
func (l *lab) prepare(planned []attack, t *target) (attacks []attack, err error) {
	for n, a := range planned {
		a.Target, a.Seed, a.Seconds = t.addr, l.Seed+uint64(n), l.time.Seconds()
		a.Number = max(1, int(float64(a.Number)*l.size))
		if a.Tokens, err = l.tokens(a); err != nil {
			return nil, err
		}
		attacks = append(attacks, a)
	}
	return attacks, nil
}

// tokens makes a token for each of the attack's parties.
func (l *lab) tokens(a attack) (all []string, err error) {
	for n := range a.Parties {
		session := "attack-" + strconv.Itoa(n)
		if a.Together {
			session = "attack"
		}
		signed, err := l.token(session, "attacker-"+strconv.Itoa(n), bridge.Client)
		if err != nil {
			return nil, err
		}
		all = append(all, signed)
	}
	return all, nil
}

func (r row) judge(figures map[string]float64, did map[string]int64) *outcome {
	out := &outcome{Name: r.name, Passed: true, Figures: figures, Did: did}
	for _, b := range r.bounds {
		if got, known := figures[b.figure]; known && got <= b.most {
			continue
		}
		out.Passed = false
		out.Failed = append(out.Failed, fmt.Sprintf("%s is %s, at most %s", b.figure, number(figures[b.figure]), number(b.most)))
	}
	return out
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// table prints the rows for people.
func table(w io.Writer, rows []outcome) {
	fmt.Fprintln(w, "| row | uploads p50 / p99 ms | messages p99 | newcomers p99 | refused | failed | RSS MB | ss -m MB | left goroutines, descriptors | |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, r := range rows {
		f := func(name string) string { return strconv.FormatFloat(r.Figures[name], 'f', 0, 64) }
		verdict := "holds"
		if !r.Passed {
			verdict = strings.Join(r.Failed, "; ")
		}
		fmt.Fprintf(w, "| %s | %s / %s | %s | %s | %s %% | %s | %s | %s | %s, %s | %s |\n", r.Name, f(uploadP50), f(uploadP99), f(messageP99),
			f(newcomerP99), strconv.FormatFloat(r.Figures[refusedShare], 'f', 1, 64), f(goodFailed), f(peakRSS), f(socketMemory),
			f(goroutinesLeft), f(descriptorsLeft), verdict)
	}
}
