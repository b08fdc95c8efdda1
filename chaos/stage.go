package main

import (
	"context"
	"os"
	"path/filepath"
)

// stage is the processes of one run, and where pages find them.
type stage struct {
	victims []*process // that may be killed, in the order in which they are started
	address func() string
	leave   func() // ends them and removes what they kept
}

// alone is one proxy with its embedded engine, serving, with that in its
// environment until it is started again by [process.reviveOnce].
func (l *lab) alone(ctx context.Context, env ...string) (*stage, error) {
	data, err := os.MkdirTemp(l.dir, "data-*")
	if err != nil {
		return nil, err
	}
	s := &stage{}
	s.leave = func() {
		killAll(s.victims)
		os.RemoveAll(data)
	}
	served, address, err := l.serve(filepath.Base(data), "--data", data)
	if err == nil {
		served.env = env
		s.victims, s.address = []*process{served}, func() string { return address }
		err = served.start(ctx)
	}
	if err != nil {
		s.leave()
		return nil, err
	}
	return s, nil
}
