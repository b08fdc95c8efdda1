package cli

import (
	"context"
	"fmt"

	"attache/bridge"
	"attache/proxy/backend"
	"attache/proxy/chat"
	"attache/proxy/engine"
	"attache/proxy/guests"
	"attache/proxy/objects"
)

// backendCommand is our own Chat Server and documents behind the backend contract, where
// a licensee's bridge to the vendor's would stand.
type backendCommand struct {
	Listen  string `default:"127.0.0.1:8373" help:"address of the backend contract"`
	Admin   string `default:"127.0.0.1:8374" help:"address of /healthz, /readyz and /version; empty for none"`
	TLSCert string `type:"existingfile" help:"certificate, PEM"`
	TLSKey  string `type:"existingfile" help:"its key, PEM"`

	backendSecret
	storeFlags
	customerFlags
	textFlags
	logging
}

// mistakes are those of all its flags.
func (c backendCommand) mistakes() (m mistakes) {
	m.address("--listen", c.Listen)
	m.admin(c.Listen, c.Admin)
	m.certificate(c.TLSCert, c.TLSKey)
	c.backendSecret.check(&m)
	c.storeFlags.check(&m)
	c.customerFlags.check(&m)
	c.textFlags.check(&m)
	return m
}

// Run serves until a signal.
func (c backendCommand) Run(s streams) error {
	if err := c.mistakes().err(); err != nil {
		return err
	}
	interrupted, hangups := interrupts(), hangups()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log := c.logger(s.log)
	s.warn(log)
	pair, err := openCertificate(c.TLSCert, c.TLSKey, log)
	if err != nil {
		return err
	}
	secret, err := c.backendSecret.read()
	if err != nil {
		return err
	}
	l, err := listen("--listen", c.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	o := c.options()
	o.Log = log
	e, err := engine.Start(ctx, o)
	if err != nil {
		return notStarted(o, err)
	}
	defer e.Close()
	limits, agents := c.limits(), bridge.Unlimited()
	conversations, err := chat.New(ctx, e.JetStream(), chat.Options{
		CustomerLimits: &limits, AgentLimits: &agents,
		CustomerText: c.CustomerMaxText, AgentText: c.AgentMaxText, Room: e.Words, Retention: keep(c.KeepDays), Replicas: e.Replicas(), Log: log,
	})
	if err != nil {
		return fmt.Errorf("open the chat sessions: %w", err)
	}
	defer conversations.Close()
	documents, err := objects.New(ctx, e, objects.Options{Log: log})
	if err != nil {
		return fmt.Errorf("open the documents: %w", err)
	}
	go documents.Tend(ctx, c.KeepDays)
	handler, err := backend.NewHandler(backend.Backend{
		Chat: conversations, Documents: &backend.Staged{Staging: documents, Documents: documents},
		Secret: secret, Version: "attache " + release(), Log: log,
	})
	if err != nil {
		return err
	}
	service := &service{
		handler: handler, bodies: guests.TimedBodies, listener: l, tls: pair, ready: e.Ready, log: log,
		drain: func(context.Context) error { handler.Close(); return nil },
	}
	if c.Admin != "" {
		if service.admin, err = listen("--admin", c.Admin); err != nil {
			return err
		}
		defer service.admin.Close()
	}
	go reloadAt(ctx, hangups, pair.reloads(), log)
	fmt.Fprintln(s.out, "serving the backend contract on", scheme(c.TLSCert)+l.Addr().String(), "admin on", address(service.admin))
	return service.run(interrupted)
}
