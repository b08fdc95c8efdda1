package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"attache/bridge"
	"attache/chaos/page"
)

// failover is what the scenario cluster came to.
type failover struct {
	outcome
	Proxies []float64 `json:"proxyFailoverMsP50P95Max"`
	Nodes   []float64 `json:"nodeFailoverMsP50P95Max"`
	proxies []time.Duration
	nodes   []time.Duration
}

// Bounds of the time from a kill to the first good notice.
const (
	proxyFailover = 3 * time.Second
	nodeFailover  = 10 * time.Second
)

// runCluster kills proxies and nodes of a cluster of three each, one at a time
// and in twos and threes, while files are sent.
func runCluster(ctx context.Context, l *lab, o options) (any, bool, error) {
	kills := o.size(o.kills, 60, 10)
	nodes, urls, err := l.nodes(ctx)
	defer killAll(nodes)
	if err != nil {
		return nil, false, err
	}
	var proxies []*process
	defer func() { killAll(proxies) }()
	var addresses []string
	for n := range 3 {
		p, address, err := l.serve(fmt.Sprint("proxy", n), "--nats", urls, "--scanner", "off")
		if err != nil {
			return nil, false, err
		}
		if err := p.insist(ctx); err != nil {
			return nil, false, err
		}
		proxies, addresses = append(proxies, p), append(addresses, address)
	}
	out := &failover{outcome: outcome{Findings: newFindings(ctx)}}
	f := l.field(func() string { return addresses[rand.IntN(len(addresses))] }, out.Findings)
	begun := time.Now()
	err = f.failOver(ctx, out, proxies, nodes, kills)
	out.Proxies, out.Nodes = millis(out.proxies), millis(out.nodes)
	out.Took = time.Since(begun).Seconds()
	passed := out.Findings.none() && out.Announced == out.Uploads &&
		quantile(out.proxies, 0.95) <= proxyFailover && quantile(out.nodes, 0.95) <= nodeFailover
	return out, passed, err
}

// killAll kills them in one moment.
func killAll(dying []*process) {
	var all sync.WaitGroup
	for _, p := range dying {
		all.Go(p.kill)
	}
	all.Wait()
}

// failOver sends without a pause and kills meanwhile.
func (f *field) failOver(ctx context.Context, out *failover, proxies, nodes []*process, kills int64) error {
	var rooms []*room
	for n := range 3 {
		r, err := f.open(fmt.Sprintf("cluster-%d", n))
		if err != nil {
			return err
		}
		defer r.close()
		rooms = append(rooms, r)
	}
	sending, enough := context.WithCancel(ctx)
	defer enough()
	var senders sync.WaitGroup
	for w := range 4 {
		r := rooms[w%2]
		random := f.random(fmt.Sprint("cluster/", w))
		senders.Go(func() {
			for sending.Err() == nil {
				i, u := r.draft(random, w/2, logUniform(random, 1, 1<<20), "")
				f.sendBounded(ctx, r, w/2, i, u)
			}
		})
	}
	err := f.killInTurn(ctx, out, rooms[2], proxies, nodes, kills)
	enough()
	senders.Wait()
	if err != nil {
		return err
	}
	out.Drained = f.drained(ctx, rooms, recovered(slices.Concat(proxies, nodes))).Seconds()
	f.verify(ctx, rooms)
	f.count(&out.outcome)
	return unjudged(ctx)
}

// killInTurn kills one process seven times of ten, and times how long it takes
// until a file is announced again; otherwise two or three together.
func (f *field) killInTurn(ctx context.Context, out *failover, probe *room, proxies, nodes []*process, kills int64) error {
	random := f.random("cluster")
	all := append(slices.Clone(proxies), nodes...)
	for out.Kills < kills && ctx.Err() == nil {
		if err := f.probe(ctx, probe, random); err != nil {
			return err
		}
		several := []int{1, 1, 1, 1, 1, 1, 1, 2, 2, 3}[random.IntN(10)]
		var dead []*process
		for _, n := range random.Perm(len(all))[:several] {
			dead = append(dead, all[n])
		}
		begun := time.Now()
		killAll(dead)
		out.Kills += int64(several)
		if several == 1 {
			if err := f.probe(ctx, probe, random); err != nil {
				return err
			}
			took := time.Since(begun)
			if strings.HasPrefix(dead[0].name, "node") {
				out.nodes = append(out.nodes, took)
			} else {
				out.proxies = append(out.proxies, took)
			}
		} else {
			out.Several++
		}
		if err := revive(ctx, dead); err != nil {
			return err
		}
	}
	return nil
}

// revive starts nodes first: a proxy needs their quorum.
func revive(ctx context.Context, dead []*process) error {
	slices.SortFunc(dead, func(a, b *process) int { return strings.Compare(a.name, b.name) })
	for _, p := range dead {
		if err := p.insist(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f *field) sendBounded(ctx context.Context, r *room, party int, i *intent, u *page.Upload) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return r.send(ctx, party, i, u)
}

// probe sends one small file and waits for its notice.
func (f *field) probe(ctx context.Context, r *room, random *rand.Rand) error {
	i, u := r.draft(random, random.IntN(2), 1000, "")
	if err := f.sendBounded(ctx, r, slices.Index(r.users, i.user), i, u); err != nil {
		return err
	}
	for ctx.Err() == nil {
		f.journal.mu.Lock()
		state := i.state
		f.journal.mu.Unlock()
		if state == bridge.Announced {
			return nil
		}
		time.Sleep(2 * time.Millisecond)
	}
	return ctx.Err()
}
