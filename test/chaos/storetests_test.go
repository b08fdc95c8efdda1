package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// R19: tests that did not run have not caught a bug.
func TestR19TestVerdict(t *testing.T) {
	failed := errors.New("exit status 1")
	for _, c := range []struct {
		name, output string
		failed       error
		caught       bool
		err          string
	}{
		{"passed", "ok  \tattache/proxy/files\t0.2s\n", nil, false, ""},
		{"failed", "x\n--- FAIL: TestPower (0.02s)\n    lost: 3 bytes\nFAIL\n", failed, true, ""},
		{"not compiled", "FAIL\tattache/proxy/files [build failed]\n", failed, false, "build failed"},
		{"nothing ran", "ok  \tattache/proxy/files\t0.2s [no tests to run]\n", nil, false, "none of the tests"},
	} {
		t.Run(c.name, func(t *testing.T) {
			caught, example, err := testVerdict([]byte(c.output), c.failed)
			require.Equal(t, c.caught, caught)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			if c.caught {
				require.Contains(t, example, "lost: 3 bytes")
			}
		})
	}
}
