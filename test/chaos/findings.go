package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// kind is one way in which a promise can be broken.
type kind string

// None of these occurs in a product whose promises hold.
const (
	lost         kind = "lost"         // announced or accepted, but cannot be downloaded
	unreported   kind = "unreported"   // accepted, but no notice in the transcript
	corrupted    kind = "corrupted"    // other bytes, another size or another name than what was sent
	wrongSession kind = "wrongSession" // its notice is in another session, or was sent to a page of one
	phantom      kind = "phantom"      // a notice or a state of a file that was never sent
	twice        kind = "twice"        // two notices of one key in a transcript
	seenTwice    kind = "seenTwice"    // a page was sent an event again
	unseen       kind = "unseen"       // the transcript has an event that a page of the session was never sent
	premature    kind = "premature"    // announced before its document could be downloaded
	unscanned    kind = "unscanned"    // announced or downloadable without a clean verdict
	regressed    kind = "regressed"    // acked bytes were asked for again
	forgotten    kind = "forgotten"    // bytes were asked for after accepted
	contradicted kind = "contradicted" // reported as failed but announced, or shown as announced but not so in the transcript
	refused      kind = "refused"      // failed although nothing was wrong with it
	beyondWindow kind = "beyondWindow" // more was sent again after a cut than the window then was
	undrained    kind = "undrained"    // no final state 30 s after the last recovery
	incomplete   kind = "incomplete"   // never accepted
	exposed      kind = "exposed"      // a plain file could be read that no notice names, or before it was whole
	left         kind = "left"         // plain files of an upload that has ended
)

// kinds lists every kind.
var kinds = []kind{
	lost, unreported, corrupted, wrongSession, phantom, twice, seenTwice, unseen, premature, unscanned, regressed, forgotten,
	contradicted, refused, beyondWindow, undrained, incomplete, exposed, left,
}

// findings are the promises that were broken.
type findings struct {
	mu     sync.Mutex
	Counts map[kind]int `json:"counts"`
	First  []string     `json:"first,omitempty"`

	over   <-chan struct{} // closed when the run is cut short, which may itself cause findings: none is added then
	wanted []kind          // kinds that call enough; empty: every kind
	enough func()          // cuts the run short; may be nil
}

// maxExamples bounds how many findings are reported in words.
const maxExamples = 20

func newFindings(ctx context.Context) *findings {
	return &findings{Counts: map[kind]int{}, over: ctx.Done()}
}

func (f *findings) add(k kind, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.over:
		return
	default:
	}
	f.Counts[k]++
	if len(f.First) < maxExamples {
		f.First = append(f.First, string(k)+": "+fmt.Sprintf(format, args...))
	}
	if f.enough != nil && (len(f.wanted) == 0 || slices.Contains(f.wanted, k)) {
		f.enough()
	}
}

// has reports whether one of the kinds was found; if kinds is empty, whether any was.
func (f *findings) has(kinds []kind) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(kinds) == 0 {
		return len(f.Counts) > 0
	}
	return slices.ContainsFunc(kinds, func(k kind) bool { return f.Counts[k] > 0 })
}

func (f *findings) none() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.Counts) == 0
}
