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

// scannerFlags say who looks into files before anybody gets them.
type scannerFlags struct {
	Scanner     string `enum:"strict,off" default:"strict" help:"strict: every file is scanned; off: none is" group:"scanner"`
	Clamd       string `help:"address of ClamAV's daemon: the path of its socket, or host:port" group:"scanner" placeholder:"ADDRESS"`
	ScanMaxSize int64  `default:"26214400" help:"bytes of the largest file that is scanned, at most clamd's StreamMaxLength; larger files are refused" group:"scanner"`

	SignaturesMaxAge time.Duration `default:"0s" help:"how old ClamAV's signatures may be, for instance 72h: with older ones, or of unknown age, no file passes and the proxy does not start; 0s: only warn in the log" group:"scanner" placeholder:"DURATION"`
}

func (f scannerFlags) check(m *mistakes) {
	if f.SignaturesMaxAge < 0 {
		m.add("--signatures-max-age=%s is negative: write, for instance, 72h, or 0s to warn only", f.SignaturesMaxAge)
	}
	if f.Scanner == "off" {
		return
	}
	if f.ScanMaxSize < 1 || f.ScanMaxSize > bridge.MaxInteger {
		m.add("--scan-max-size=%d: give the bytes of the largest file that the scanner takes", f.ScanMaxSize)
	}
	if f.Clamd == "" {
		m.add("who looks for viruses? give --clamd, or --scanner=off to let every file pass")
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

// beyondScanner refuses a size that pages would be promised and the scanner would refuse.
func (f scannerFlags) beyondScanner(m *mistakes, flag string, size int64) {
	if f.Scanner != "off" && f.ScanMaxSize > 0 && size > f.ScanMaxSize {
		m.add("%s=%d is more than --scan-max-size=%d, beyond which every file is refused: lower it, or raise --scan-max-size and clamd's StreamMaxLength",
			flag, size, f.ScanMaxSize)
	}
}

// scanner is one that has shown that it finds what it must.
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
	if err := client.Prove(ctx); err != nil {
		return nil, fmt.Errorf("the scanner is not to be relied on: %w", err)
	}
	client.Report(ctx)
	if err := client.Fresh(ctx); err != nil {
		return nil, fmt.Errorf("the scanner is not to be relied on, by --signatures-max-age=%s: %w", f.SignaturesMaxAge, err)
	}
	return client, nil
}

// largest is what a page is told before it sends; otherwise the scanner would
// refuse it after.
func (f scannerFlags) largest() int64 {
	if f.Scanner == "off" {
		return bridge.NoLimit
	}
	return f.ScanMaxSize
}
