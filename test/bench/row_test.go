package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVerdict(t *testing.T) {
	judged := func(value float64) figure { return figureOf("×", []float64{value}) }
	for _, c := range []struct {
		name string
		row  row
		want string
	}{
		{"below a lower limit", row{Judged: judged(0.99), Target: atLeast(1), Stretch: atLeast(1.2)}, "**not reached**"},
		{"on a lower limit", row{Judged: judged(1), Target: atLeast(1), Stretch: atLeast(1.2)}, "reached"},
		{"stretch of a lower limit", row{Judged: judged(1.2), Target: atLeast(1), Stretch: atLeast(1.2)}, "reached, stretch too"},
		{"above an upper limit", row{Judged: judged(0.51), Target: atMost(0.5), Stretch: atMost(0.25)}, "**not reached**"},
		{"between the upper limits", row{Judged: judged(0.3), Target: atMost(0.5), Stretch: atMost(0.25)}, "reached"},
		{"only a target", row{Judged: judged(3), Target: atLeast(3)}, "reached"},
		{"only a stretch, missed", row{Judged: judged(0.9), Stretch: atLeast(1)}, "printed; stretch not reached"},
		{"only a stretch, reached", row{Judged: judged(1.1), Stretch: atLeast(1)}, "reached, stretch too"},
		{"no limit", row{Judged: judged(1)}, "printed"},
		{"no figure never counts as reached", row{Failed: "x", Judged: judged(9), Target: atLeast(1)}, "no figure"},
		{"nothing measured is not reached", row{Judged: figureOf("×", nil), Target: atMost(1)}, "**not reached**"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, c.row.verdict())
		})
	}
}

func TestFigure(t *testing.T) {
	require.Equal(t, "1.23×", figureOf("×", []float64{1.234}).String())
	require.Equal(t, "2.00× (1.00–12.0)", figureOf("×", []float64{1, 2, 12}).String())
	require.Equal(t, "344 MiB/s (301–399)", figureOf(" MiB/s", []float64{343.6, 301.2, 399.4}).String())
}
