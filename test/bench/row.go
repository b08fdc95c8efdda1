package main

import (
	"fmt"
	"strconv"
)

// row is one line of the table: a measurement, its peer, and its bounds.
type row struct {
	Store    string  `json:"store"`
	Measured string  `json:"measured"`
	Against  string  `json:"against"`
	Ours     *figure `json:"ours,omitempty"`
	Peer     *figure `json:"peer,omitempty"`
	Judged   figure  `json:"judged"` // the figure that has the bounds
	Target   *bound  `json:"target,omitempty"`
	Stretch  *bound  `json:"stretch,omitempty"`
	Note     string  `json:"note,omitempty"`
	Failed   string  `json:"failed,omitempty"` // the error, if there is no figure
}

// figure is a measured value with its range and unit.
type figure struct {
	spread
	Unit string `json:"unit"`
	// Rounds are the single values, in the order measured.
	Rounds []float64 `json:"rounds,omitempty"`
}

func figureOf(unit string, rounds []float64) figure {
	return figure{spread: spreadOf(rounds), Unit: unit, Rounds: rounds}
}

func (f figure) String() string {
	if f.N == 1 {
		return number(f.Median) + f.Unit
	}
	return fmt.Sprintf("%s%s (%s–%s)", number(f.Median), f.Unit, number(f.Min), number(f.Max))
}

// number rounds to three digits, because no run is more precise.
func number(x float64) string {
	switch {
	case x >= 100 || x <= -100:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case x >= 10 || x <= -10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

// bound is a limit of a median.
type bound struct {
	Most  bool    `json:"most"` // an upper limit; otherwise a lower one
	Value float64 `json:"value"`
}

func atLeast(value float64) *bound { return &bound{Value: value} }

func atMost(value float64) *bound { return &bound{Most: true, Value: value} }

func (b *bound) reached(value float64) bool {
	if b.Most {
		return value <= b.Value
	}
	return value >= b.Value
}

func (b *bound) String() string {
	if b == nil {
		return "–"
	}
	sign := "≥ "
	if b.Most {
		sign = "≤ "
	}
	return sign + strconv.FormatFloat(b.Value, 'f', -1, 64)
}

// verdict names the bounds that hold for the median.
func (r row) verdict() string {
	switch {
	case r.Failed != "":
		return "no figure"
	case r.Target != nil && !r.Target.reached(r.Judged.Median):
		return "**not reached**"
	case r.Stretch != nil && r.Stretch.reached(r.Judged.Median):
		return "reached, stretch too"
	case r.Target != nil:
		return "reached"
	case r.Stretch != nil:
		return "printed; stretch not reached"
	}
	return "printed"
}
