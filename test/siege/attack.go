package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// attackCommand is the first argument that makes this program an attacker.
const attackCommand = "attack"

// attack describes an attack to its process, as JSON on standard input.
type attack struct {
	Kind      string
	Number    int  // of concurrent connections
	Parties   int  // for which it has tokens
	Together  bool // the parties are in one session
	Addresses int  // number of client addresses; 0 is one
	Target    string
	Tokens    []string
	Seconds   float64
	Seed      uint64
}

// assault runs the attacks for d, each in a process of its own at the lowest
// priority, and adds the attackers' counts to did.
func assault(ctx context.Context, attacks []attack, d time.Duration, did map[string]int64) error {
	if len(attacks) == 0 {
		pause(ctx, d)
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, d+30*time.Second)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, a := range attacks {
		all.Go(func() {
			counts, wrong := a.launch(ctx, self)
			mu.Lock()
			defer mu.Unlock()
			if wrong != nil {
				err = wrong
			}
			for name, n := range counts {
				did[a.Kind+" "+name] += n
			}
		})
	}
	all.Wait()
	return err
}

func (a attack) launch(ctx context.Context, self string) (map[string]int64, error) {
	in, out := io.Pipe()
	c := exec.CommandContext(ctx, self, attackCommand)
	c.Stdin, c.Stderr = in, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	go func() { out.CloseWithError(json.NewEncoder(out).Encode(a)) }()
	text, err := c.Output()
	in.Close()
	if err != nil {
		return nil, fmt.Errorf("attack %s: %w", a.Kind, err)
	}
	var counts map[string]int64
	return counts, json.Unmarshal(text, &counts)
}

// runAttack is the attacker's process.
func runAttack(in io.Reader, out io.Writer) error {
	var a attack
	if err := json.NewDecoder(in).Decode(&a); err != nil {
		return err
	}
	syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19)
	do, known := kinds[a.Kind]
	if !known {
		return fmt.Errorf("no attack %q", a.Kind)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(a.Seconds*float64(time.Second)))
	defer cancel()
	counts := &tally{}
	var all sync.WaitGroup
	for n := range a.Number {
		one := &attacker{attack: a, n: n, ctx: ctx, tally: counts, random: rand.New(rand.NewPCG(a.Seed, uint64(n)))}
		all.Go(func() {
			// Attackers do not all come at the same instant, as no crowd does.
			for first := rand.N(500 * time.Millisecond); pause(ctx, first); first = again {
				one.once(ctx, do)
			}
		})
	}
	all.Wait()
	return json.NewEncoder(out).Encode(map[string]int64{
		"connections": counts.connections.Load(), "refused": counts.refused.Load(), "sentMB": counts.sent.Load() >> 20,
	})
}

// again is the pause before an attacker connects again.
const again = 20 * time.Millisecond

type tally struct{ connections, refused, sent atomic.Int64 }

// attacker is one of an attack's connections.
type attacker struct {
	attack
	*tally
	ctx    context.Context // of the whole attack
	n      int
	random *rand.Rand
	shared bool // it has sent the file for all
}

func (a *attacker) token() string { return a.Tokens[a.n%len(a.Tokens)] }

// from is an address that no good user has.
func (a *attacker) from() string {
	n := a.n % max(1, a.Addresses)
	return fmt.Sprintf("127.66.%d.%d", n/250, 1+n%250)
}

// once runs one connection, which ends with the attack at the latest.
func (a *attacker) once(ctx context.Context, do func(*attacker, *line) error) {
	l, err := a.dial(ctx)
	if err != nil {
		a.refused.Add(1)
		return
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	defer l.Close()
	a.connections.Add(1)
	if err := do(a, l); err == errRefused {
		a.refused.Add(1)
	}
}
