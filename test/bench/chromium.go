package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// chromium is one running headless browser with a profile of its own.
type chromium struct {
	devtools *devtools
	process  *os.Process
	version  string
	exited   chan struct{}
}

// startChromium runs the given binary, with further flags. Everything the
// browser writes goes under dir. Call stop at the end.
func startChromium(ctx context.Context, binary, dir string, flags ...string) (*chromium, error) {
	command := exec.Command(binary, append(flags,
		"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		// A page that waits must not be slowed down because it is in the background.
		"--disable-background-timer-throttling", "--disable-renderer-backgrounding",
		"--disable-backgrounding-occluded-windows",
		"--js-flags=--expose-gc",
		"--remote-debugging-port=0", "--user-data-dir="+dir, "about:blank")...)
	// Its own process group, so that stop reaches the renderers too.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start chromium: %w", err)
	}
	c := &chromium{process: command.Process, exited: make(chan struct{})}
	address, err := devtoolsAddress(stderr)
	go func() {
		_, _ = io.Copy(io.Discard, stderr)
		_ = command.Wait()
		close(c.exited)
	}()
	if err == nil {
		err = c.attach(ctx, address)
	}
	if err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *chromium) attach(ctx context.Context, address string) error {
	var err error
	if c.devtools, err = dialDevtools(ctx, address); err != nil {
		return err
	}
	var version struct {
		Product string `json:"product"`
	}
	if err := c.devtools.call(ctx, "", "Browser.getVersion", nil, &version); err != nil {
		return err
	}
	c.version = version.Product
	return nil
}

// stop asks the browser to exit, and kills its process group if it does not.
func (c *chromium) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if c.devtools != nil {
		_ = c.devtools.call(ctx, "", "Browser.close", nil, nil)
	}
	select {
	case <-c.exited:
	case <-ctx.Done():
		_ = syscall.Kill(-c.process.Pid, syscall.SIGKILL)
		<-c.exited
	}
}

func devtoolsAddress(stderr io.Reader) (string, error) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if _, address, found := strings.Cut(lines.Text(), "DevTools listening on "); found {
			return address, nil
		}
	}
	return "", errors.Join(errors.New("chromium ended before it listened"), lines.Err())
}
