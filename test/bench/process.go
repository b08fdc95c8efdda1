package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// process is a server of a row: a program that prints a line when it serves. It is the
// leader of a process group, or a member of another's.
type process struct {
	*os.Process
	exited chan struct{}
}

// startProcess runs the program in that process group, 0 for one of its own, appends
// its standard error to the file log, and returns what the first line that serves
// returns not empty for.
func startProcess(log string, group int, serves func(line string) string, path string, args ...string) (*process, string, error) {
	errOut, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, "", err
	}
	defer errOut.Close()
	command := exec.Command(path, args...)
	command.Stderr = errOut
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: group}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := command.Start(); err != nil {
		return nil, "", fmt.Errorf("start %s: %w", path, err)
	}
	p := &process{Process: command.Process, exited: make(chan struct{})}
	lines := bufio.NewScanner(stdout)
	answer := ""
	for answer == "" && lines.Scan() {
		answer = serves(lines.Text())
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdout)
		_ = command.Wait()
		close(p.exited)
	}()
	if answer == "" {
		p.kill()
		return nil, "", errors.Join(fmt.Errorf("%s ended before it served: %s", path, read(log)), lines.Err())
	}
	return p, answer, nil
}

// stop asks the process to exit, and kills it if it does not.
func (p *process) stop() {
	if p == nil {
		return
	}
	_ = p.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
		p.kill()
	}
}

// kill ends the process as a crash does, and returns when it is gone.
func (p *process) kill() {
	if p == nil {
		return
	}
	_ = p.Kill()
	<-p.exited
}
