package storetest

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// patience is how long a case waits for what must come.
const patience = 3 * time.Minute

// Run runs all cases on the target.
func Run(t *testing.T, target Target) {
	t.Parallel()
	beside := besideOf(t, target)
	for _, c := range allCases() {
		if c.cluster && !beside {
			t.Log("cluster only, not run:", c.name)
			continue
		}
		if c.local && target.Remote {
			t.Log("one machine only, not run:", c.name)
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, c.run(t, target, patience))
		})
	}
	if !beside {
		t.Run("a second process is refused while the first one runs", func(t *testing.T) {
			t.Parallel()
			require.NoError(t, storeCase{body: refuseSecond}.run(t, target, patience))
		})
	}
}

// besideOf reports whether two processes may have the store at the same time.
func besideOf(t *testing.T, target Target) bool {
	p, err := target.Open(t.Context(), t.TempDir(), Options{})
	require.NoError(t, err)
	defer p.End()
	return p.Beside != nil
}

func refuseSecond(t *T) {
	first := t.open(Options{})
	_, err := t.target.Open(t.ctx, t.dir, Options{})
	require.Error(t, err)
	content := random(1000)
	id := put(t, first, content, 400)
	require.Equal(t, content, read(t, first, id), "the first one is unharmed")
	first.End()
	second := t.open(Options{})
	require.Equal(t, content, read(t, second, id))
}

func allCases() []storeCase {
	return slices.Concat(idCases, beginCases, resumeCases, appendCases, closeCases, addCases,
		stagedCases, readCases, removalCases, linkCases, updateCases, retentionCases, spaceCases, crowdCases, modelCases, killCases)
}

// storeCase is one promise, and its test.
type storeCase struct {
	name    string // the promise
	cluster bool   // needs two processes at the same time
	local   bool   // needs the store in its own process
	body    func(t *T)
}

// run runs the case in a directory of its own, up to the first mistake, and returns that.
func (c storeCase) run(t testing.TB, target Target, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	one := &T{TB: t, ctx: ctx, target: target, dir: filepath.Join(t.TempDir(), "store")}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer one.cleanUp()
		defer func() {
			if p := recover(); p != nil {
				stack := make([]byte, 16<<10)
				one.Errorf("panic: %v\n%s", p, stack[:runtime.Stack(stack, false)])
			}
		}()
		c.body(one)
	}()
	<-ended
	return one.err()
}

// T is one run of a case. Its mistakes are the case's, not the test's, because a planted
// fault must be found without failing the test.
type T struct {
	testing.TB
	ctx    context.Context
	target Target
	dir    string // of the store; nothing else is in its parent
	// hunting is set for a planted fault.
	hunting bool
	// check, if set, gets the mistakes instead of the case.
	check *rapid.T

	mu       sync.Mutex
	mistakes []string
	ends     []func()
}

// under returns a run whose mistakes fail a check of the case.
func (t *T) under(check *rapid.T) *T {
	return &T{TB: t.TB, ctx: t.ctx, target: t.target, dir: t.dir, check: check}
}

func (t *T) Errorf(format string, args ...any) {
	if t.check != nil {
		t.check.Errorf(format, args...)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mistakes = append(t.mistakes, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// FailNow ends the goroutine that calls it.
func (t *T) FailNow() {
	if t.check != nil {
		t.check.FailNow()
	}
	t.Fail()
	runtime.Goexit()
}

func (t *T) Fail() {
	if !t.Failed() {
		t.Errorf("failed")
	}
}

func (t *T) Failed() bool { return t.err() != nil }

func (t *T) Error(args ...any) { t.Errorf("%s", fmt.Sprint(args...)) }

func (t *T) Fatal(args ...any) { t.Fatalf("%s", fmt.Sprint(args...)) }

func (t *T) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	t.FailNow()
}

func (t *T) err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.mistakes) == 0 {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(t.mistakes, "\n"))
}

// cleanUp ends the processes, the last one first.
func (t *T) cleanUp() {
	for _, end := range slices.Backward(t.ends) {
		end()
	}
}

// open starts a process on the case's directory. It ends with the case.
func (t *T) open(o Options) Process {
	t.Helper()
	p, err := t.target.Open(t.ctx, t.dir, o)
	require.NoError(t, err)
	t.ends = append(t.ends, p.End)
	return p
}

// reopen ends the process and starts another one.
func (t *T) reopen(p Process, o Options) Process {
	t.Helper()
	p.End()
	return t.open(o)
}

// beside opens the store for another process that runs at the same time as p.
func (t *T) beside(p Process, o Options) Store {
	t.Helper()
	s, err := p.Beside(o)
	require.NoError(t, err)
	return s
}
