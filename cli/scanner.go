package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/clamd"
)

// scannerFlags configure the virus scanner.
type scannerFlags struct {
	Scanner     string `enum:"strict,off" default:"strict" help:"strict: every file is scanned before it is released; off: none is" group:"scanner"`
	Clamd       string `help:"address of clamd, ClamAV's daemon: the path of its socket, or host:port" group:"scanner" placeholder:"ADDRESS"`
	ScanMaxSize int64  `default:"26214400" help:"bytes of the largest file to accept, at most clamd's StreamMaxLength" group:"scanner"`

	SignaturesMaxAge time.Duration `default:"0s" help:"maximum age of ClamAV's signatures, such as 72h: if they are older, or their age is unknown, the proxy does not start and no file is released; 0s only logs a warning" group:"scanner" placeholder:"DURATION"`
}

func (f scannerFlags) check(m *mistakes) {
	if f.SignaturesMaxAge < 0 {
		m.add("--signatures-max-age=%s is negative: write, for instance, 72h, or 0s to warn only", f.SignaturesMaxAge)
	}
	if f.Scanner == "off" {
		return
	}
	if f.ScanMaxSize < 1 || f.ScanMaxSize > bridge.MaxInteger {
		m.add("--scan-max-size=%d: give the bytes of the largest file that clamd scans", f.ScanMaxSize)
	}
	if f.Clamd == "" {
		m.add("no virus scanner: give --clamd, or --scanner=off to release files unscanned")
		return
	}
	if _, err := clamd.New(f.Clamd, clamd.Options{}); err != nil {
		m.add("--clamd: %w", err)
	} else if host, port, err := net.SplitHostPort(strings.TrimPrefix(f.Clamd, "tcp://")); err == nil && !strings.Contains(f.Clamd, "/") {
		if n, err := net.LookupPort("tcp", port); err != nil || n == 0 || host == "" {
			m.add("--clamd %q has no valid host or port: write, for instance, 127.0.0.1:3310", f.Clamd)
		}
	}
}

// checkSize refuses a limit that promises pages more than the scanner accepts.
func (f scannerFlags) checkSize(m *mistakes, flag string, size int64) {
	if f.Scanner != "off" && f.ScanMaxSize > 0 && size > f.ScanMaxSize {
		m.add("%s=%d is more than --scan-max-size=%d, above which every file is refused: lower it, or raise --scan-max-size and clamd's StreamMaxLength",
			flag, size, f.ScanMaxSize)
	}
}

// scanner waits for clamd and returns it once it has passed the self-test.
func (f scannerFlags) scanner(ctx context.Context, log *slog.Logger) (proxy.Scanner, error) {
	if f.Scanner == "off" {
		return proxy.NoScanner{}, nil
	}
	client, err := clamd.New(f.Clamd, clamd.Options{MaxSize: f.ScanMaxSize, MaxAge: f.SignaturesMaxAge, Log: log})
	if err != nil {
		return nil, err
	}
	if err := client.Await(ctx); err != nil {
		return nil, err
	}
	if err := client.SelfTest(ctx); err != nil {
		return nil, fmt.Errorf("the scanner failed its self-test: %w", err)
	}
	client.LogSignatures(ctx)
	if err := client.CheckAge(ctx); err != nil {
		return nil, fmt.Errorf("the scanner's signatures fail --signatures-max-age=%s: %w", f.SignaturesMaxAge, err)
	}
	return client, nil
}

// maxSize is the size limit that pages are sent, so that no file is uploaded only to be
// refused by the scanner.
func (f scannerFlags) maxSize() int64 {
	if f.Scanner == "off" {
		return bridge.NoLimit
	}
	return f.ScanMaxSize
}
