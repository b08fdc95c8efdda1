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
	node    *process // with everything that proxy and backend store; nil: each has a directory
	address string
	served  string // the address of a relay's second process
	dir     string // of the run
	url     string // of the node
}

// alone starts one proxy, and its node if it has one. At the workload's first border the
// proxy stops until the stage lets it resume.
func (l *lab) alone(ctx context.Context, o workload) (*stage, error) {
	return l.stage(ctx, o, func(s *stage) error {
		flags, err := s.storeFlags(l, proxyDir)
		if err != nil {
			return err
		}
		s.proxy, s.address, err = l.serve(s.named("proxy"), append(flags, "--scanner", "off")...)
		s.victims = append(s.victims, s.proxy)
		return err
	})
}

// withBackend starts a proxy whose scanner, and whose Chat Server and documents, are
// processes of their own.
func (l *lab) withBackend(ctx context.Context, o workload) (*stage, error) {
	return l.stage(ctx, o, func(s *stage) error { return s.compose(l) })
}

// The directories of a stage in which processes keep their data.
const (
	proxyDir   = "proxy"
	backendDir = "backend"
)

func (s *stage) compose(l *lab) error {
	theirs, err := s.storeFlags(l, backendDir)
	if err != nil {
		return err
	}
	ours, err := s.storeFlags(l, proxyDir)
	if err != nil {
		return err
	}
	scanner, clamd, err := l.scanner(s.named("scanner"))
	if err != nil {
		return err
	}
	backend, contract, err := l.backend(s.named("backend"), theirs...)
	if err != nil {
		return err
	}
	proxy, address, err := l.serve(s.named("proxy"), append(ours, "--backend", contract, "--backend-secret", secret,
		"--scanner", "strict", "--clamd", clamd, "--scan-max-size", fmt.Sprint(maxScan/2))...)
	if err != nil {
		return err
	}
	s.backend, s.proxy, s.address = backend, proxy, address
	s.victims = append(s.victims, scanner, backend, proxy)
	return nil
}

// storeFlags returns the flags for the store of a process, which is the directory of that
// name or, in objects, one node for all.
func (s *stage) storeFlags(l *lab, dir string) ([]string, error) {
	if l.store == bugs.Files {
		return []string{"--data", filepath.Join(s.dir, dir)}, nil
	}
	if s.node == nil {
		var err error
		if s.node, s.url, err = l.node(s.named("node"), filepath.Join(s.dir, "node")); err != nil {
			return nil, err
		}
		s.victims = append(s.victims, s.node)
	}
	return []string{"--nats", s.url, "--replicas", "1"}, nil
}

// named returns the name of a process of this stage, unlike those of all others.
func (s *stage) named(role string) string { return role + "-" + filepath.Base(s.dir) }

// pair is the proxy and its backend; nil where they are one process.
func (s *stage) pair() []*process {
	if s.backend == nil {
		return nil
	}
	return []*process{s.proxy, s.backend}
}

// gate is what [bugs.GateVariable] names.
func (s *stage) gate() string { return filepath.Join(s.dir, "gate") }

// stage starts the processes that compose adds.
func (l *lab) stage(ctx context.Context, o workload, compose func(*stage) error) (s *stage, err error) {
	s = &stage{}
	if s.dir, err = os.MkdirTemp(l.dir, "stage-*"); err != nil {
		return nil, err
	}
	if err := s.begin(ctx, l, o, compose); err != nil {
		return nil, errors.Join(err, s.leave())
	}
	return s, nil
}

func (s *stage) begin(ctx context.Context, l *lab, o workload, compose func(*stage) error) error {
	if err := compose(s); err != nil {
		return err
	}
	if o.swept {
		if err := s.age(ctx, l); err != nil {
			return err
		}
	}
	for _, border := range o.gates()[:min(len(o.gates()), 1)] {
		s.stopAt(border, s.victims)
	}
	for _, p := range s.victims {
		if err := p.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// age leaves documents of a day that is to be swept.
func (s *stage) age(ctx context.Context, l *lab) error {
	err := startAll(ctx, s.victims)
	killAll(s.victims)
	day := filepath.Join(s.plainFiles(l.store).documents, "2001-01-01")
	err = errors.Join(err, os.Mkdir(day, 0o700))
	for n := range 10 {
		err = errors.Join(err, os.WriteFile(filepath.Join(day, fmt.Sprint("old", n)), []byte("old"), 0o600))
	}
	return err
}

// stopAt lets the processes stop at the border, from their next start on.
func (s *stage) stopAt(border string, all []*process) {
	for _, p := range all {
		p.env = []string{bugs.CrashVariable + "=" + border, bugs.GateVariable + "=" + s.gate()}
	}
}

// leave ends the processes and removes their data.
func (s *stage) leave() error {
	killAll(s.victims)
	return os.RemoveAll(s.dir)
}

// away is how long a process that died at a border is gone, so that others notice.
const away = 150 * time.Millisecond

var errNeverThere = errors.New("no process reached the border")

// dieAtGate waits until a process has reached its border, then kills those processes
// and starts them again with the next of the borders, after the last one without any.
// Any other process at a border resumes. The caller must call happened, which returns an
// error if the processes did not die at every border.
func (s *stage) dieAtGate(ctx context.Context, dying []*process, borders []string) (happened func() error) {
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	go func() { done <- s.await(ctx, dying, borders) }()
	return func() error {
		cancel()
		return <-done
	}
}

func (s *stage) await(ctx context.Context, dying []*process, borders []string) error {
	for n, border := range borders {
		if !s.reached(ctx) {
			return fmt.Errorf("%w %q", errNeverThere, border)
		}
		killAll(dying)
		for _, p := range dying {
			p.env = nil
		}
		if n+1 < len(borders) {
			s.stopAt(borders[n+1], dying)
		}
		if err := os.Remove(s.gate()); err != nil {
			return err
		}
		// The processes start again even if the run ends meanwhile.
		pause(context.WithoutCancel(ctx), away)
		if err := startAll(context.WithoutCancel(ctx), dying); err != nil {
			return err
		}
	}
	for s.reached(ctx) {
		if err := os.Remove(s.gate()); err != nil {
			return err
		}
	}
	return nil
}

// reached waits until a process has reached its border; false: ctx ended first.
func (s *stage) reached(ctx context.Context) bool {
	for {
		if _, err := os.Stat(s.gate()); err == nil {
			return true
		}
		if !pause(ctx, time.Millisecond) {
			return false
		}
	}
}
