package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"attache/test/chaos/bugs"
)

// stage is the processes of one run, and the address for pages.
type stage struct {
	victims []*process // processes that may be killed, in the order of their start
	proxy   *process
	backend *process // nil: the proxy has its own
	address string
	dirs    []string
	gate    string // see bugs.GateVariable
}

// alone starts one proxy with its embedded engine. Unless border is empty, the
// proxy stops there until the stage lets it resume.
func (l *lab) alone(ctx context.Context, border string) (*stage, error) {
	s := &stage{}
	data, err := s.dir(l)
	if err != nil {
		return nil, err
	}
	s.proxy, s.address, err = l.serve(filepath.Base(data), "--data", data, "--scanner", "off")
	if err != nil {
		return nil, errors.Join(err, s.leave())
	}
	s.victims = []*process{s.proxy}
	return s.begin(ctx, border)
}

// withBackend starts a proxy whose scanner, and whose Chat Server and documents, are
// processes of their own.
func (l *lab) withBackend(ctx context.Context, border string) (*stage, error) {
	s := &stage{}
	if err := s.compose(l); err != nil {
		return nil, errors.Join(err, s.leave())
	}
	return s.begin(ctx, border)
}

func (s *stage) compose(l *lab) error {
	theirs, err := s.dir(l)
	if err != nil {
		return err
	}
	ours, err := s.dir(l)
	if err != nil {
		return err
	}
	scanner, clamd, err := l.scanner("scanner-" + filepath.Base(ours))
	if err != nil {
		return err
	}
	backend, contract, err := l.backend("backend-"+filepath.Base(theirs), "--data", theirs)
	if err != nil {
		return err
	}
	proxy, address, err := l.serve(filepath.Base(ours), "--data", ours, "--backend", contract, "--backend-secret", secret,
		"--scanner", "strict", "--clamd", clamd, "--scan-max-size", fmt.Sprint(maxScan/2))
	if err != nil {
		return err
	}
	s.backend, s.proxy = backend, proxy
	s.victims = []*process{scanner, backend, proxy}
	s.address = address
	return nil
}

// pair is the proxy and its backend; nil where they are one process.
func (s *stage) pair() []*process {
	if s.backend == nil {
		return nil
	}
	return []*process{s.proxy, s.backend}
}

func (s *stage) dir(l *lab) (string, error) {
	data, err := os.MkdirTemp(l.dir, "data-*")
	if err == nil {
		s.dirs = append(s.dirs, data)
	}
	return data, err
}

func (s *stage) begin(ctx context.Context, border string) (*stage, error) {
	s.gate = filepath.Join(s.dirs[0], "gate")
	for _, p := range s.victims {
		if border != "" {
			p.env = []string{bugs.CrashVariable + "=" + border, bugs.GateVariable + "=" + s.gate}
		}
		if err := p.start(ctx); err != nil {
			return nil, errors.Join(err, s.leave())
		}
	}
	return s, nil
}

// leave ends the processes and removes their data.
func (s *stage) leave() (err error) {
	killAll(s.victims)
	for _, dir := range s.dirs {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// away is how long a process that died at a border is gone, so that others notice.
const away = 150 * time.Millisecond

var errNeverThere = errors.New("no process reached the border")

// dieAtGate waits until a process has reached its border, then kills those
// processes once and starts them again without a border. The caller must call
// happened, which returns an error if no process died at the border.
func (s *stage) dieAtGate(ctx context.Context, dying []*process) (happened func() error) {
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	go func() { done <- s.await(ctx, dying) }()
	return func() error {
		cancel()
		return <-done
	}
}

func (s *stage) await(ctx context.Context, dying []*process) error {
	for {
		if _, err := os.Stat(s.gate); err == nil {
			break
		}
		if !pause(ctx, time.Millisecond) {
			return errNeverThere
		}
	}
	killAll(dying)
	for _, p := range dying {
		p.env = nil
	}
	if err := os.Remove(s.gate); err != nil {
		return err
	}
	// The processes start again even if the run ends meanwhile.
	ctx = context.WithoutCancel(ctx)
	pause(ctx, away)
	failed := make(chan error, len(dying))
	for _, p := range dying {
		go func() { failed <- p.start(ctx) }()
	}
	var err error
	for range dying {
		err = errors.Join(err, <-failed)
	}
	return err
}
