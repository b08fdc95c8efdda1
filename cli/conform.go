package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"attache/proxy/backend"
)

// backendSecret is what both ends of the backend contract share.
type backendSecret struct {
	BackendSecret     string `xor:"backend" help:"secret that both ends of the backend contract share, at least 32 bytes" group:"backend" placeholder:"TEXT"`
	BackendSecretFile string `xor:"backend" type:"existingfile" help:"file with that secret" group:"backend"`
}

// backendFlags say where Chat Server and the documents are, if not here.
type backendFlags struct {
	Backend string `help:"address of a Chat Server and document store in another process, which implements docs/backend.md; the customers' limits are then its own" group:"backend" placeholder:"URL"`
	backendSecret
}

// minSecret is what an HMAC of the tokens asks for, and no less here.
const minSecret = 32

func (f backendSecret) check(m *mistakes) {
	if f.BackendSecretFile == "" && f.BackendSecret != strings.TrimSpace(f.BackendSecret) {
		m.secret("--backend-secret", []byte(f.BackendSecret), nil)
		return
	}
	if _, err := f.read(); err != nil {
		m.add("%w", err)
	}
}

func (f backendFlags) check(m *mistakes) {
	if f.Backend == "" {
		return
	}
	m.base("--backend", f.Backend)
	f.backendSecret.check(m)
}

func (f backendSecret) read() ([]byte, error) {
	secret := []byte(f.BackendSecret)
	if f.BackendSecretFile != "" {
		text, err := os.ReadFile(f.BackendSecretFile)
		if err != nil {
			return nil, fmt.Errorf("read the backend's secret: %w", err)
		}
		secret = trimmed(text)
	}
	if len(secret) < minSecret {
		return nil, fmt.Errorf("the backend's secret has %d bytes and needs %d: give --backend-secret-file", len(secret), minSecret)
	}
	return secret, nil
}

// dial waits for the backend until it is there or ctx ends; nil where there is to
// be none.
func (f backendFlags) dial(ctx context.Context, log *slog.Logger) (*backend.Client, error) {
	if f.Backend == "" {
		return nil, nil
	}
	secret, err := f.read()
	if err != nil {
		return nil, err
	}
	return backend.Dial(ctx, backend.Options{URL: f.Backend, Secret: secret, Log: log})
}

// conform tries whether a backend keeps the contract.
type conform struct {
	Backend string `required:"" help:"address of the backend" placeholder:"URL"`
	Only    string `help:"only cases with these words" placeholder:"WORDS"`
	backendSecret
}

// Run prints a line for each case. That a case does not hold is an error.
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
	held, broken := 0, 0
	err = backend.Conform(ctx, backend.Options{URL: c.Backend, Secret: secret}, c.Only, func(v backend.Verdict) {
		switch {
		case v.Skipped:
			fmt.Fprintln(s.out, "skip ", v.Case)
		case v.Err != nil:
			broken++
			fmt.Fprintf(s.out, "FAIL  %s\n      %v\n", v.Case, v.Err)
		default:
			held++
			fmt.Fprintln(s.out, "ok   ", v.Case)
		}
	})
	switch {
	case err != nil:
		return err
	case broken > 0:
		return fmt.Errorf("%d of %d cases do not hold", broken, held+broken)
	case held == 0:
		return errors.New("no case was tried")
	}
	return nil
}
