package cli

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// certificate is a TLS certificate in two files, which may be renewed while the command
// runs.
type certificate struct {
	cert, key string
	log       *slog.Logger
	pair      atomic.Pointer[tls.Certificate]
	warned    atomic.Int64 // Unix time of the last warning about pair
}

// The log warns this long before a certificate expires, and this often.
const (
	warnBefore = 7 * 24 * time.Hour
	warnEvery  = 24 * time.Hour
)

// openCertificate reads both files; without them it returns nil, for plain HTTP.
func openCertificate(cert, key string, log *slog.Logger) (*certificate, error) {
	if cert == "" {
		return nil, nil
	}
	c := &certificate{cert: cert, key: key, log: log}
	return c, c.load()
}

// load reads both files. If they do not belong together, because they are being
// written, the previous pair stays in use.
func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("read --tls-cert and --tls-key: %w", err)
	}
	c.pair.Store(&pair)
	c.warned.Store(0)
	c.checkDates(time.Now())
	return nil
}

// checkDates logs, once a day, that browsers refuse the certificate or soon will. They
// do not report it to the server, and a page only sees that nothing answers.
func (c *certificate) checkDates(now time.Time) {
	leaf := c.pair.Load().Leaf
	if now.After(leaf.NotBefore) && now.Add(warnBefore).Before(leaf.NotAfter) {
		return
	}
	last := c.warned.Load()
	if now.Sub(time.Unix(last, 0)) < warnEvery || !c.warned.CompareAndSwap(last, now.Unix()) {
		return
	}
	const hint = "renew it, and send SIGHUP"
	switch {
	case now.After(leaf.NotAfter):
		c.log.Error("the certificate has expired: browsers cannot connect", "file", c.cert, "expired", leaf.NotAfter, "hint", hint)
	case now.Before(leaf.NotBefore):
		c.log.Error("the certificate is not valid yet: browsers cannot connect", "file", c.cert, "valid-from", leaf.NotBefore, "hint", "check this machine's clock")
	default:
		c.log.Warn("the certificate expires soon", "file", c.cert, "expires", leaf.NotAfter, "hint", hint)
	}
}

// config returns what a server needs: new connections get the newest pair.
func (c *certificate) config() *tls.Config {
	return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		c.checkDates(time.Now())
		return c.pair.Load(), nil
	}}
}

// reloads lists the certificate for SIGHUP; c may be nil.
func (c *certificate) reloads() []reload {
	if c == nil {
		return nil
	}
	return []reload{{"certificate", c.load}}
}
