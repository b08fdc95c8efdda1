package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"attache/proxy/relay"
)

// relaySecret is what both ends of the relay contract share.
type relaySecret struct {
	RelaySecret     string `xor:"relay" help:"secret that both ends of the relay contract share, at least 32 bytes" group:"relay" placeholder:"TEXT"`
	RelaySecretFile string `xor:"relay" type:"existingfile" help:"file with that secret" group:"relay"`
}

// relayFlags say where Chat Server and the documents are, if not here.
type relayFlags struct {
	Relay string `help:"address of a Chat Server and document store in another process, which implements RELAY.md; the customers' limits are then its own" group:"relay" placeholder:"URL"`
	relaySecret
}

// minSecret is what an HMAC of the tokens asks for, and no less here.
const minSecret = 32

func (f relaySecret) check(m *mistakes) {
	if f.RelaySecretFile == "" && f.RelaySecret != strings.TrimSpace(f.RelaySecret) {
		m.secret("--relay-secret", []byte(f.RelaySecret), nil)
		return
	}
	if _, err := f.read(); err != nil {
		m.add("%w", err)
	}
}

func (f relayFlags) check(m *mistakes) {
	if f.Relay == "" {
		return
	}
	m.base("--relay", f.Relay)
	f.relaySecret.check(m)
}

func (f relaySecret) read() ([]byte, error) {
	secret := []byte(f.RelaySecret)
	if f.RelaySecretFile != "" {
		text, err := os.ReadFile(f.RelaySecretFile)
		if err != nil {
			return nil, fmt.Errorf("read the relay's secret: %w", err)
		}
		secret = trimmed(text)
	}
	if len(secret) < minSecret {
		return nil, fmt.Errorf("the relay's secret has %d bytes and needs %d: give --relay-secret-file", len(secret), minSecret)
	}
	return secret, nil
}

// dial waits for the relay until it is there or ctx ends; nil where there is to
// be none.
func (f relayFlags) dial(ctx context.Context, log *slog.Logger) (*relay.Client, error) {
	if f.Relay == "" {
		return nil, nil
	}
	secret, err := f.read()
	if err != nil {
		return nil, err
	}
	return relay.Dial(ctx, relay.Options{URL: f.Relay, Secret: secret, Log: log})
}

// conform tries whether a relay keeps the contract.
type conform struct {
	Relay string `required:"" help:"address of the relay" placeholder:"URL"`
	Only  string `help:"only cases with these words" placeholder:"WORDS"`
	relaySecret
}

// Run prints a line for each case. That a case does not hold is an error.
func (c conform) Run(s streams) error {
	var m mistakes
	m.base("--relay", c.Relay)
	c.relaySecret.check(&m)
	if err := m.err(); err != nil {
		return err
	}
	secret, err := c.relaySecret.read()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	held, broken := 0, 0
	err = relay.Conform(ctx, relay.Options{URL: c.Relay, Secret: secret}, c.Only, func(v relay.Verdict) {
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
