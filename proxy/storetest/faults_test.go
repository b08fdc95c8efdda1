package storetest

import (
	"slices"
	"strings"
	"testing"
)

// A case that no fault is planted for might be one that cannot fail.
func TestEveryCaseHasAFault(t *testing.T) {
	for _, c := range allCases() {
		held := slices.ContainsFunc(slices.Concat(stagingFaults, writerFaults, documentFaults, linkFaults, updateFaults), func(f fault) bool {
			return strings.Contains(c.name, f.held)
		})
		if !held {
			t.Error(c.name)
		}
	}
}
