package main

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// R1: a process that is killed again is not a second process.
func TestR1KillsOfSeveralAreCountedApart(t *testing.T) {
	scanner, backend, proxy := &process{}, &process{}, &process{}
	for _, c := range []struct {
		name    string
		pair    []*process
		dead    []*process
		several int
		want    strikes
	}{
		{"one", nil, []*process{proxy}, 1, strikes{}},
		{"one again", nil, []*process{proxy}, 2, strikes{Again: 1}},
		{"one of three", []*process{proxy, backend}, []*process{backend}, 1, strikes{}},
		{"proxy and scanner", []*process{proxy, backend}, []*process{scanner, proxy}, 2, strikes{Several: 1}},
		{"proxy and backend", []*process{proxy, backend}, []*process{backend, proxy}, 2, strikes{Several: 1, Pair: 1}},
		{"all", []*process{proxy, backend}, []*process{scanner, proxy, backend}, 3, strikes{Several: 1, Pair: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &killer{pair: c.pair}
			k.count(c.dead, c.several)
			require.Equal(t, c.want, k.strikes)
		})
	}
}

// R1: half of a thousand kills have three processes to choose from; far more than a
// hundred kills are of several.
func TestR1ScheduleHasEnoughKillsOfSeveral(t *testing.T) {
	for seed := range uint64(50) {
		k := &killer{random: rand.New(rand.NewPCG(seed, 1))}
		var kills, several int
		for kills < promisedKills/2 {
			n := k.several()
			kills += n
			if n > 1 {
				several++
			}
		}
		require.Greater(t, several, promisedSeveral+promisedSeveral/4)
	}
	require.False(t, (&outcome{Uploads: 10_000, Kills: 1000, strikes: strikes{Several: 99, Again: 500}}).promised())
	require.True(t, (&outcome{Uploads: 10_000, Kills: 1000, strikes: strikes{Several: 100}}).promised())
}
