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
	"attache/proxy/inspect"
)

// scannerFlags configure the virus scanner.
type scannerFlags struct {
	Scanner     string `enum:"strict,off" default:"strict" help:"strict: every file is scanned before it is released; off: none is" group:"scanner"`
	Clamd       string `help:"address of clamd, ClamAV's daemon: the path of its socket, or host:port" group:"scanner" placeholder:"ADDRESS"`
	ScanMaxSize int64  `default:"26214400" help:"bytes of the largest file to accept, at most clamd's StreamMaxLength" group:"scanner"`

	ScanSpool      string        `type:"path" help:"directory in which files that did not come through this proxy are stored until they were scanned and downloaded; default: --data, or a temporary directory" group:"scanner" placeholder:"DIR"`
	ScanSpoolBytes int64         `default:"1073741824" help:"bytes that these files may take" group:"scanner"`
	ScanSpoolTime  time.Duration `default:"5m" help:"time that such a file may take to be read and scanned, and a second more for each 256 KiB" group:"scanner" placeholder:"DURATION"`
	ScanSpoolFiles int           `default:"4" help:"such files that are read and scanned at a time" group:"scanner"`

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
	m.directory("--scan-spool", f.ScanSpool)
	if f.ScanSpoolBytes < f.ScanMaxSize {
		m.add("--scan-spool-bytes=%d is less than --scan-max-size=%d, so the largest file would not fit", f.ScanSpoolBytes, f.ScanMaxSize)
	}
	if f.ScanSpoolTime <= 0 || f.ScanSpoolFiles < 1 {
		m.add("--scan-spool-time=%s and --scan-spool-files=%d: more than zero, or no such file can be downloaded", f.ScanSpoolTime, f.ScanSpoolFiles)
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

// inspection returns the options for files that did not come through this proxy.
func (f scannerFlags) inspection() inspect.Options {
	return inspect.Options{
		Dir: f.ScanSpool, MaxBytes: f.ScanSpoolBytes, MaxSize: f.ScanMaxSize, MaxInspections: f.ScanSpoolFiles, Time: f.ScanSpoolTime,
	}
}

// maxSize is the size limit that pages are sent, so that no file is uploaded only to be
// refused by the scanner.
func (f scannerFlags) maxSize() int64 {
	if f.Scanner == "off" {
		return bridge.NoLimit
	}
	return f.ScanMaxSize
}
