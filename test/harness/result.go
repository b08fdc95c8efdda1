package harness

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Result is the part that the outcomes of all runs share.
type Result struct {
	Seed    uint64  `json:"seed"`
	Passed  bool    `json:"passed"`
	Error   string  `json:"error,omitempty"` // the error that ended the run early
	Seconds float64 `json:"seconds"`
}

// Outcome is a struct that embeds a Result.
type Outcome interface{ result() *Result }

func (r *Result) result() *Result { return r }

// Play plays the parts of a run, each known by its name, one after the other. The
// first error ends that.
func Play[T fmt.Stringer](seed uint64, parts []T, play func(T) (passed bool, err error)) Result {
	begun := time.Now()
	r := Result{Seed: seed, Passed: true}
	for _, part := range parts {
		passed, err := play(part)
		r.Passed = r.Passed && passed && err == nil
		if err != nil {
			r.Error = fmt.Sprintf("%s: %v", part, err)
			break
		}
	}
	r.Seconds = time.Since(begun).Seconds()
	return r
}

// Names lists the names of all parts, for a flag's help.
func Names[T fmt.Stringer](all []T) string {
	var names []string
	for _, part := range all {
		names = append(names, part.String())
	}
	return strings.Join(names, ",")
}

// Choose returns the parts of those names, which commas separate.
func Choose[T fmt.Stringer](all []T, names string) (chosen []T, err error) {
	for name := range strings.SplitSeq(names, ",") {
		n := slices.IndexFunc(all, func(part T) bool { return part.String() == name })
		if n < 0 {
			return nil, fmt.Errorf("%q is none of %s", name, Names(all))
		}
		chosen = append(chosen, all[n])
	}
	return chosen, nil
}
