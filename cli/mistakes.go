package cli

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"attache/proxy"
	"attache/proxy/token"
)

// mistakes collects everything that is wrong with a command's settings, so that all of
// it is reported at once instead of one mistake at each start.
type mistakes []error

func (m *mistakes) add(format string, args ...any) { *m = append(*m, fmt.Errorf(format, args...)) }

// addError adds an error about a flag; nil adds none.
func (m *mistakes) addError(flag string, err error) {
	if err != nil {
		m.add("%s %w", flag, err)
	}
}

// err returns all of them as one error, a line each; nil if there are none.
func (m mistakes) err() error {
	if len(m) < 2 {
		return errors.Join(m...)
	}
	lines := make([]string, len(m))
	for i, err := range m {
		lines[i] = "\n  " + err.Error()
	}
	return fmt.Errorf("%d settings cannot work:%s", len(m), strings.Join(lines, ""))
}

// address checks an address to listen on.
func (m *mistakes) address(flag, s string) {
	bare := s
	if _, after, ok := strings.Cut(s, "://"); ok {
		bare = after
	}
	bare, _, _ = strings.Cut(bare, "/")
	host, port, err := net.SplitHostPort(bare)
	if err != nil {
		switch {
		case strings.Trim(s, "0123456789") == "" && s != "":
			m.add("%s %q is only a port: write :%s", flag, s, s)
		case net.ParseIP(strings.Trim(s, "[]")) != nil:
			m.add("%s %q has no port: write %s", flag, s, net.JoinHostPort(strings.Trim(s, "[]"), "8371"))
		default:
			m.add("%s %q is not an address: write host:port, or :port for every interface", flag, s)
		}
		return
	}
	if _, err := net.LookupPort("tcp", port); err != nil || port == "" {
		m.add("%s %q has no valid port: 1 to 65535, or 0 for a free one", flag, s)
		return
	}
	if host == "*" {
		host = ""
	}
	if right := net.JoinHostPort(host, port); right != s {
		if host == "" {
			right = ":" + port
		}
		if right != s {
			m.add("%s %q is not an address to listen on: write %s", flag, s, right)
		}
	}
}

// admin checks the admin address.
func (m *mistakes) admin(listen, admin string) {
	if admin == "" {
		return
	}
	m.address("--admin", admin)
	if _, port, _ := net.SplitHostPort(admin); admin == listen && port != "0" {
		m.add("--admin %q is the address of --listen too: choose another port", admin)
	}
}

func (m *mistakes) certificate(cert, key string) {
	switch {
	case (cert == "") != (key == ""):
		m.add("--tls-cert and --tls-key go together")
	case cert != "":
		if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
			m.add("--tls-cert and --tls-key: %w: give the certificate with its chain, and the private key that belongs to it, both PEM", err)
		}
	}
}

func (m *mistakes) origins(list []string) {
	for _, o := range list {
		m.addError("--origin", proxy.CheckOrigin(o))
	}
}

// base checks the URL of another process.
func (m *mistakes) base(flag, s string) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		m.add("%s %q is not a URL: write http://host:port or https://host:port", flag, redact(u, s))
		return
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			m.add("%s %q has no valid port: 1 to 65535", flag, u.Redacted())
		}
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		u.RawQuery, u.ForceQuery, u.Fragment = "", false, ""
		m.add("%s has a query or a fragment: write %s", flag, u.Redacted())
	}
}

// redact returns s without its password.
func redact(u *url.URL, s string) string {
	if u == nil || u.User == nil {
		return s
	}
	return u.Redacted()
}

// secret checks a shared secret; err is the error of reading it.
func (m *mistakes) secret(flag string, secret []byte, err error) {
	switch {
	case err != nil:
		m.add("%s: %w", flag, err)
	case len(bytes.TrimSpace(secret)) < len(secret):
		m.add("%s: the secret begins or ends with a blank or a line break, which would be part of it: remove it, or give the secret in a file, which may end with one", flag)
	case len(secret) < token.MinSecret:
		m.add("%s: the secret has %d bytes and needs %d: make one with openssl rand -base64 48", flag, len(secret), token.MinSecret)
	}
}

// file checks the path of a file that must be readable; empty names none.
func (m *mistakes) file(flag, path string) {
	if path == "" {
		return
	}
	if _, err := os.ReadFile(path); err != nil {
		m.add("%s: %w", flag, err)
	}
}

// directory checks the path of a directory, which need not exist yet.
func (m *mistakes) directory(flag, path string) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		m.add("%s %s is a file: name a directory", flag, path)
	}
}
