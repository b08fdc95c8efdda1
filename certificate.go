package main

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"
)

// certificate is a TLS certificate in two files that may be renewed under a running
// command.
type certificate struct {
	cert, key string
	pair      atomic.Pointer[tls.Certificate]
}

// openCertificate reads both files; it returns nil if there is to be no TLS.
func openCertificate(cert, key string) (*certificate, error) {
	if cert == "" {
		return nil, nil
	}
	c := &certificate{cert: cert, key: key}
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
	return nil
}

// config returns what a server needs: new connections get the newest pair.
func (c *certificate) config() *tls.Config {
	return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil }}
}

// reloads returns what SIGHUP reloads of it.
func (c *certificate) reloads() []reload {
	if c == nil {
		return nil
	}
	return []reload{{"certificate", c.load}}
}
