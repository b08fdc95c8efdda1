package cli

import (
	"context"
	"fmt"

	"attache/bridge"
	"attache/proxy/assembly"
	"attache/proxy/backend"
	"attache/proxy/guests"
	"attache/proxy/limits"
)

// backendCommand serves the backend contract from our own Chat Server and documents, as
// a licensee's adapter serves it from the vendor's.
type backendCommand struct {
	Listen  string `default:"127.0.0.1:8373" help:"address for the proxies' requests"`
	Admin   string `default:"127.0.0.1:8374" help:"address for /healthz, /readyz, /version and /attache/admin/limits; empty for none"`
	TLSCert string `type:"path" help:"TLS certificate with its chain, PEM" placeholder:"FILE"`
	TLSKey  string `type:"path" help:"private key of the certificate, PEM" placeholder:"FILE"`

	MaxDocumentSize int64 `default:"0" help:"bytes of the largest document, which proxies check before a file's first byte; 2147483647 is the most that UCS can store, 0 is any size"`

	backendSecret
	storeFlags
	customerFlags
	limitsFileFlags
	textFlags
	chatFlags
	responseFlags
	logFlags
}

func (c backendCommand) mistakes() (m mistakes) {
	m.address("--listen", c.Listen)
	m.admin(c.Listen, c.Admin)
	m.certificate(c.TLSCert, c.TLSKey)
	c.backendSecret.check(&m)
	c.storeFlags.check(&m)
	m.limits(c.customerFlags.settings(noAgentLimits), c.bounds())
	c.limitsFileFlags.check(&m, c.storeFlags, c.customerFlags.settings(noAgentLimits), c.bounds())
	c.textFlags.check(&m)
	c.chatFlags.check(&m)
	c.responseFlags.check(&m)
	if c.MaxDocumentSize < 0 || c.MaxDocumentSize > bridge.MaxInteger {
		m.add("--max-document-size=%d: give a number of bytes up to 2^53-1, or 0 for any size", c.MaxDocumentSize)
	}
	return m
}

func (c backendCommand) bounds() limits.Bounds { return limits.Bounds{Store: c.bound()} }

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
	defer offerBackup(engine, log)()
	flags := c.customerFlags.settings(noAgentLimits)
	base, err := c.base(flags, c.bounds())
	if err != nil {
		return err
	}
	starting, started := untilSignal(interrupted)
	defer started()
	all, err := assembly.OpenBackend(starting, engine, assembly.Options{ // it may move documents of an earlier release
		KeepDays: c.KeepDays, Responses: c.Responses, Chat: chatOptions(c.textFlags, c.chatFlags), Limits: &base, Log: log,
	}, backend.HandlerOptions{Secret: secret, MaxDocumentSize: c.MaxDocumentSize, Version: "attache " + release()})
	if err != nil {
		return err
	}
	defer all.Close()
	if err := starting.Err(); err != nil {
		return err
	}
	started()
	service := &service{
		handler: all.Handler, bodies: guests.TimedBodies, listener: l, tls: cert, ready: engine.Ready, log: log,
		limits: limits.NewHandler(limits.HandlerOptions{Store: all.Limits, Bounds: c.bounds(), Log: log}),
		drain:  func(context.Context) error { all.Handler.Close(); return nil },
	}
	if c.Admin != "" {
		if service.admin, err = listen("--admin", c.Admin); err != nil {
			return err
		}
		defer service.admin.Close()
	}
	c.watch(ctx, all.Limits, flags, c.bounds(), log)
	go reloadOn(ctx, hangups, cert.reloads(), log)
	fmt.Fprintln(s.out, "serving the backend contract on", baseURL(l, cert), "admin on", baseURL(service.admin, nil))
	return service.run(interrupted)
}
