package cli

import (
	"context"
	"errors"
	"fmt"

	"attache/proxy/backend"
)

// conform checks that a backend implements the contract.
type conform struct {
	Backend string `required:"" help:"address of the backend" placeholder:"URL"`
	Only    string `help:"run only the cases whose sentences contain these words" placeholder:"WORDS"`
	backendSecret
}

// Run prints a line for each case. It is an error if a case fails.
func (c conform) Run(s streams) error {
	var m mistakes
	m.base("--backend", c.Backend)
	c.backendSecret.check(&m)
	if err := m.err(); err != nil {
		return err
	}
	secret, err := c.backendSecret.read()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	passed, failed := 0, 0
	err = backend.Conform(ctx, backend.ClientOptions{URL: c.Backend, Secret: secret}, c.Only, func(v backend.CaseResult) {
		switch {
		case v.Skipped:
			fmt.Fprintln(s.out, "skip ", v.Case)
		case v.Err != nil:
			failed++
			fmt.Fprintf(s.out, "FAIL  %s\n      %v\n", v.Case, v.Err)
		default:
			passed++
			fmt.Fprintln(s.out, "ok   ", v.Case)
		}
	})
	switch {
	case err != nil:
		return err
	case failed > 0:
		return fmt.Errorf("%d of %d cases failed", failed, passed+failed)
	case passed == 0:
		return errors.New("no case ran: all were skipped, or left out by --only")
	}
	return nil
}
