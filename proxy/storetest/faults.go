package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Faults plants each fault into the target's store, and fails unless the case that the fault
// is for finds it. Those that not every store can have are left to [ClusterFaults].
func Faults(t *testing.T, target Target) { plantFaults(t, target, false) }

// ClusterFaults plants the faults that the cases must find which are cluster only, or about
// stores that buffer.
func ClusterFaults(t *testing.T, target Target) { plantFaults(t, target, true) }

func plantFaults(t *testing.T, target Target, cluster bool) {
	t.Parallel()
	for _, f := range slices.Concat(stagingFaults, writerFaults, documentFaults, linkFaults, updateFaults) {
		i := slices.IndexFunc(allCases(), func(c storeCase) bool { return strings.Contains(c.name, f.held) })
		require.GreaterOrEqual(t, i, 0, "no case is named %q", f.held)
		c := allCases()[i]
		if (c.cluster || f.buffers) != cluster {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			err := c.hunt(t, target, f)
			require.Error(t, err, "not found by: %s", c.name)
			t.Log(c.name, "—", firstLine(err))
		})
	}
}

// fault is one way in which a store can break a promise.
type fault struct {
	name string
	held string // words of the case's name
	make func(b *broken)
	// settle makes the store a Settler, which broken alone is not.
	settle func(ctx context.Context, id string) error

	buffers bool // the case is about stores that have bytes in memory
}

// hunt runs the case on the target with a fault.
func (c storeCase) hunt(t *testing.T, target Target, f fault) error {
	body := c.body
	c.body = func(t *T) {
		t.hunting = true
		body(t)
	}
	return c.run(t, f.plant(target), patience)
}

// plant returns the target with the fault in each store that it opens.
func (f fault) plant(target Target) Target {
	open := target.Open
	target.Open = func(ctx context.Context, dir string, o Options) (Process, error) {
		p, err := open(ctx, dir, o)
		if err != nil {
			return p, err
		}
		p.Store = f.of(p.Store)
		if beside := p.Beside; beside != nil {
			p.Beside = func(o Options) (Store, error) {
				s, err := beside(o)
				return f.of(s), err
			}
		}
		return p, nil
	}
	return target
}

func (f fault) of(s Store) Store {
	if s == nil {
		return nil
	}
	b := &broken{Store: s}
	if f.settle != nil {
		return &settling{b, f.settle}
	}
	f.make(b)
	return b
}

func firstLine(err error) string {
	for line := range strings.Lines(err.Error()) {
		if _, text, ok := strings.Cut(line, "Error:"); ok && !strings.Contains(text, "Trace") {
			return strings.TrimSpace(text)
		}
	}
	return err.Error()
}
