package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"attache/test/chaos/bugs"
)

// R19: a run of both stores plants every bug at least once, and with -full wherever it can
// show.
func TestR19EveryBugIsPlanted(t *testing.T) {
	for _, c := range []struct {
		name  string
		o     options
		times func(bugs.Bug) int
	}{
		{"usual", options{store: bothStores}, func(bugs.Bug) int { return 1 }},
		{"in full", options{store: bothStores, full: true}, func(b bugs.Bug) int {
			if b.Store == bugs.AnyStore {
				return len(stores)
			}
			return 1
		}},
		{"named", options{store: bothStores, bugs: bugs.List[1].Name}, func(b bugs.Bug) int {
			if b.Name == bugs.List[1].Name {
				return len(stores)
			}
			return 0
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			times := map[string]int{}
			for _, s := range stores {
				for _, b := range c.o.planted(s) {
					require.True(t, b.Store.Has(s))
					times[b.Name]++
				}
			}
			for _, b := range bugs.List {
				require.Equal(t, c.times(b), times[b.Name], b.Name)
			}
		})
	}
}
