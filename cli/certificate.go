package cli

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// certificate is a TLS certificate in two files that may be renewed under a running
// command.
type certificate struct {
	cert, key string
	log       *slog.Logger
	pair      atomic.Pointer[tls.Certificate]
	told      atomic.Int64 // Unix time of the last warning about pair
}

// The log warns from so long before a certificate expires on, and so often.
const (
	certificateEnds = 7 * 24 * time.Hour
	certificateTell = 24 * time.Hour
)

// openCertificate reads both files; it returns nil if there is to be no TLS.
func openCertificate(cert, key string, log *slog.Logger) (*certificate, error) {
	if cert == "" {
		return nil, nil
	}
	c := &certificate{cert: cert, key: key, log: log}
	return c, c.load()
}

// load reads both files. While they are being written they may not belong together; then
// the pair before stays in use.
func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("read --tls-cert and --tls-key: %w", err)
	}
	c.pair.Store(&pair)
	c.told.Store(0)
	c.look(time.Now())
	return nil
}

// look logs, once a day, that browsers refuse the certificate or soon will. They do not tell
// the server, and a page only sees that nothing answers.
func (c *certificate) look(now time.Time) {
	leaf := c.pair.Load().Leaf
	if now.After(leaf.NotBefore) && now.Add(certificateEnds).Before(leaf.NotAfter) {
		return
	}
	last := c.told.Load()
	if now.Sub(time.Unix(last, 0)) < certificateTell || !c.told.CompareAndSwap(last, now.Unix()) {
		return
	}
	const hint = "renew it, and send SIGHUP"
	switch {
	case now.After(leaf.NotAfter):
		c.log.Error("the certificate has expired: no browser connects", "file", c.cert, "ended", leaf.NotAfter, "hint", hint)
	case now.Before(leaf.NotBefore):
		c.log.Error("the certificate is not valid yet: no browser connects", "file", c.cert, "begins", leaf.NotBefore, "hint", "compare the clocks")
	default:
		c.log.Warn("the certificate ends soon", "file", c.cert, "ends", leaf.NotAfter, "hint", hint)
	}
}

// config returns what a server needs: new connections get the newest pair.
func (c *certificate) config() *tls.Config {
	return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		c.look(time.Now())
		return c.pair.Load(), nil
	}}
}

// reloads returns what SIGHUP reloads of it.
func (c *certificate) reloads() []reload {
	if c == nil {
		return nil
	}
	return []reload{{"certificate", c.load}}
}
