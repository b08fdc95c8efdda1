package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// CaseResult is the result of one case of the contract.
type CaseResult struct {
	Case    string // the sentence that must hold
	Err     error  // why it does not; nil: it does
	Skipped bool   // the backend lacks the case's feature
}

// caseTimeout bounds one case.
const caseTimeout = time.Minute

// Conform runs the cases of docs/backend.md against a backend, one after the other, and
// reports each result: of every case, or of those whose sentence contains only. It uses
// sessions and documents of its own, under random names, and removes the documents. An error
// is about the backend as a whole: it cannot be reached, or ctx has ended.
func Conform(ctx context.Context, o ClientOptions, only string, report func(CaseResult)) error {
	c, err := newClient(o)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.greet(ctx); err != nil {
		return fmt.Errorf("ask the backend for its features: %w", err)
	}
	for _, one := range slices.Concat(helloCases, chatCases, partyCases, streamCases, noticeCases, idleCases, transcriptCases, allowanceCases, limitCases, documentCases, responseCases) {
		if !strings.Contains(one.name, only) {
			continue
		}
		result := CaseResult{Case: one.name}
		if one.feature != "" && !slices.Contains(c.features, one.feature) {
			result.Skipped = true
		} else {
			result.Err = one.run(ctx, c)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		report(result)
	}
	return nil
}

// contractCase is one sentence of the contract, and its test.
type contractCase struct {
	name    string // the sentence
	feature string // the feature that the case needs; mostly empty
	body    func(t *caseRun)
}

// run runs the case in a session of its own, up to the first mistake.
func (c contractCase) run(ctx context.Context, client *Client) (err error) {
	ctx, cancel := context.WithTimeout(ctx, caseTimeout)
	defer cancel()
	t := &caseRun{Client: client, ctx: ctx, session: "conform-" + random(12)}
	defer t.cleanUp()
	defer func() {
		switch p := recover().(type) {
		case nil:
		case caseFailure:
			err = p.error
		default:
			panic(p)
		}
	}()
	c.body(t)
	return nil
}

// caseFailure is the panic that ends a case.
type caseFailure struct{ error }

func fail(format string, args ...any) { panic(caseFailure{fmt.Errorf(format, args...)}) }

// caseRun is one run of a case.
type caseRun struct {
	*Client
	ctx       context.Context
	session   string
	documents []string // to be removed at the end
}

func (t *caseRun) cleanUp() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), caseTimeout)
	defer cancel()
	for _, id := range t.documents {
		t.remove(ctx, id)
	}
}

func (t *caseRun) has(feature string) bool { return slices.Contains(t.features, feature) }

// must ends the case if err is not nil.
func must(step string, err error) {
	if err != nil {
		fail("%s: %w", step, err)
	}
}

// mustEqual ends the case unless got is want.
func mustEqual[T comparable](name string, want, got T) {
	if want != got {
		fail("%s is %v, but should be %v", name, got, want)
	}
}

var errNoBody = errors.New("the error response has no body in the contract's form")
