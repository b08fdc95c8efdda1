package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Verdict is what one case of the contract came to.
type Verdict struct {
	Case string // what must hold
	Err  error  // why it does not; nil: it does
	// Skipped says that the backend lacks the feature that the case is about.
	Skipped bool
}

// conformTime bounds one case.
const conformTime = 30 * time.Second

// Conform runs the cases of docs/backend.md against the backend, one after the other, and
// tells report what each came to: every case, or those whose sentence has only
// in it. It makes sessions and documents of its
// own, under random names, and removes the documents. The error is about the
// backend as a whole: it cannot be reached, or ctx has ended.
func Conform(ctx context.Context, o Options, only string, report func(Verdict)) error {
	c, err := newClient(o)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.greet(ctx); err != nil {
		return fmt.Errorf("ask the backend what it can do: %w", err)
	}
	for _, one := range slices.Concat(helloCases, chatCases, streamCases, allowanceCases, documentCases) {
		if !strings.Contains(one.holds, only) {
			continue
		}
		v := Verdict{Case: one.holds}
		if one.feature != "" && !slices.Contains(c.features, one.feature) {
			v.Skipped = true
		} else {
			v.Err = one.try(ctx, c)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		report(v)
	}
	return nil
}

// aCase is one sentence of the contract and how it is tried.
type aCase struct {
	holds   string
	feature string // that a backend may lack
	run     func(t *trial)
}

// try runs the case in a session of its own. It ends at the first thing that is
// not as it should be.
func (c aCase) try(ctx context.Context, client *Client) (err error) {
	ctx, cancel := context.WithTimeout(ctx, conformTime)
	defer cancel()
	t := &trial{Client: client, ctx: ctx, session: "conform-" + random(12)}
	defer t.tidy()
	defer func() {
		switch p := recover().(type) {
		case nil:
		case broken:
			err = p.error
		default:
			panic(p)
		}
	}()
	c.run(t)
	return nil
}

// broken ends a case.
type broken struct{ error }

func fail(format string, args ...any) { panic(broken{fmt.Errorf(format, args...)}) }

// trial is a case being tried.
type trial struct {
	*Client
	ctx       context.Context
	session   string
	documents []string // to be removed
}

func (t *trial) tidy() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), conformTime)
	defer cancel()
	for _, id := range t.documents {
		t.remove(ctx, id)
	}
}

// need ends the case when err is one.
func need(what string, err error) {
	if err != nil {
		fail("%s: %w", what, err)
	}
}

// same ends the case where got is not want.
func same[T comparable](what string, want, got T) {
	if want != got {
		fail("%s is %v, and it should be %v", what, got, want)
	}
}

var errNoBody = errors.New("the refusal has no body as the contract has it")
