package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// tusPeer is @tus/server with its file store under Node, and its page. Node serves
// that page itself, because forwarding the bytes through Go, to have one origin for
// all, would slow the peer down.
type tusPeer struct {
	process *os.Process
	address string
	stdin   io.Closer
	page    *page
	uppy    *page
	store   string
}

// startTus installs the pinned packages where they are missing and starts the
// server with its store under dir.
func (l *lab) startTus(ctx context.Context, dir string) (*tusPeer, error) {
	if _, err := os.Stat(filepath.Join(l.source, "node_modules", "uppy", "package.json")); err != nil {
		install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts")
		install.Dir = l.source
		if answer, err := install.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("install the tus packages: %w: %s", err, answer)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	command := exec.Command("node", filepath.Join(l.source, "tus.mjs"), dir)
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start node: %w", err)
	}
	t := &tusPeer{process: command.Process, stdin: stdin, store: dir}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.stop()
		return nil, errors.New("the tus server ended before it listened")
	}
	t.address = strings.TrimSpace(address)
	t.page, err = l.chromium.open(ctx, t.address, false)
	if err == nil {
		t.uppy, err = l.chromium.open(ctx, t.address+"/uppy", false)
	}
	if err != nil {
		t.stop()
		return nil, err
	}
	return t, nil
}

func (t *tusPeer) stop() {
	_ = t.stdin.Close()
	_, _ = t.process.Wait()
}

// tusUpload is a contender that sends the page's chosen files by tus, with the
// client's defaults or with the data in the creating request.
func (l *lab) tusUpload(name, call string) contender { return l.nodeUpload(name, l.tus.page, call) }

// uppyUpload is a contender that adds the page's chosen files to Uppy at once, with a plugin
// and its defaults.
func (l *lab) uppyUpload(name, call string) contender { return l.nodeUpload(name, l.tus.uppy, call) }

func (l *lab) nodeUpload(name string, page *page, call string) contender {
	return contender{
		name: name, page: page, address: l.tus.address, server: l.tus.process.Pid, clean: emptied(l.tus.store),
		run: func(ctx context.Context) (time.Duration, error) {
			var ms float64
			if err := page.evaluate(ctx, "bench."+call+"()", &ms); err != nil {
				return 0, err
			}
			return milliseconds(ms), nil
		},
	}
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
