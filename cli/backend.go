package cli

import (
	"context"
	"fmt"

	"attache/bridge"
	"attache/proxy/assembly"
	"attache/proxy/backend"
	"attache/proxy/guests"
)

// backendCommand serves the backend contract from our own Chat Server and documents, as
// a licensee's adapter serves it from the vendor's.
type backendCommand struct {
	Listen  string `default:"127.0.0.1:8373" help:"address for the proxies' requests"`
	Admin   string `default:"127.0.0.1:8374" help:"address for /healthz, /readyz and /version; empty for none"`
	TLSCert string `type:"path" help:"TLS certificate with its chain, PEM" placeholder:"FILE"`
	TLSKey  string `type:"path" help:"private key of the certificate, PEM" placeholder:"FILE"`

	backendSecret
	storeFlags
	customerFlags
	textFlags
	logFlags
}

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
	cert, err := openCertificate(c.TLSCert, c.TLSKey, log)
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
	o := c.storeFlags.options()
	o.Log = log
	engine, err := openEngine(ctx, o)
	if err != nil {
		return err
	}
	defer engine.Close()
	all, err := assembly.OpenBackend(ctx, engine, assembly.Options{
		KeepDays: c.KeepDays, Chat: chatOptions(c.limits(), bridge.Unlimited(), c.textFlags), Log: log,
	}, backend.HandlerOptions{Secret: secret, Version: "attache " + release()})
	if err != nil {
		return err
	}
	defer all.Close()
	service := &service{
		handler: all.Handler, bodies: guests.TimedBodies, listener: l, tls: cert, ready: engine.Ready, log: log,
		drain: func(context.Context) error { all.Handler.Close(); return nil },
	}
	if c.Admin != "" {
		if service.admin, err = listen("--admin", c.Admin); err != nil {
			return err
		}
		defer service.admin.Close()
	}
	go reloadOn(ctx, hangups, cert.reloads(), log)
	fmt.Fprintln(s.out, "serving the backend contract on", baseURL(l, cert), "admin on", baseURL(service.admin, nil))
	return service.run(interrupted)
}
