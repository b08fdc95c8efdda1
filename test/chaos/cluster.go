package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
	"attache/wasm/page"
)

// failover is the outcome of the scenario cluster.
type failover struct {
	outcome
	Proxies      []float64 `json:"proxyFailoverMsP50P95Max"`
	ProxiesTimed int       `json:"proxyFailoversTimed"`
	Nodes        []float64 `json:"nodeFailoverMsP50P95Max"`
	NodesTimed   int       `json:"nodeFailoversTimed"`
	proxies      []time.Duration
	nodes        []time.Duration
}

// Bounds of the time from a kill to the first good notice.
const (
	proxyFailover = 3 * time.Second
	nodeFailover  = 10 * time.Second
)

// enoughTimes is the least number of times for a 95th percentile; of fewer it would
// be the slowest.
const enoughTimes = 20

// timed reports whether each kind was timed that often and, if there are enough
// times, within its bound.
func (o *failover) timed(least int) bool {
	timed := min(len(o.proxies), len(o.nodes))
	if timed < max(least, 1) {
		return false
	}
	return timed < enoughTimes || quantile(o.proxies, 0.95) <= proxyFailover && quantile(o.nodes, 0.95) <= nodeFailover
}

// cluster is three proxies on three nodes.
type cluster struct {
	nodes, proxies []*process
	addresses      []string // of the proxies
	js             jetstream.JetStream
}

func (l *lab) cluster(ctx context.Context) (c *cluster, err error) {
	c = &cluster{}
	var urls string
	if c.nodes, urls, err = l.nodes(ctx); err != nil {
		return c, err
	}
	if c.js, err = observe(urls); err != nil {
		return c, err
	}
	for n := range 3 {
		p, address, err := l.serve(fmt.Sprint("proxy", n), "--nats", urls, "--scanner", "off")
		if err != nil {
			return c, err
		}
		c.proxies, c.addresses = append(c.proxies, p), append(c.addresses, address)
		if err := p.insist(ctx); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (c *cluster) close() {
	if c.js != nil {
		c.js.Conn().Close()
	}
	killAll(c.all())
}

func (c *cluster) all() []*process { return slices.Concat(c.proxies, c.nodes) }

// runCluster kills proxies and nodes of a cluster of three each, one at a time
// and in twos and threes, while files are sent.
func runCluster(ctx context.Context, l *lab, o options) (any, bool, error) {
	kills, least := o.size(o.kills, 60, 10), int(o.size(0, enoughTimes, 1))
	out := &failover{outcome: outcome{Findings: newFindings(ctx)}}
	c, err := l.cluster(ctx)
	defer func() { c.close() }()
	if err != nil {
		return out, false, err
	}
	f := l.field(out.Findings, c.addresses...)
	begun := time.Now()
	err = f.failOver(ctx, out, c, kills, least)
	out.Proxies, out.ProxiesTimed = millis(out.proxies), len(out.proxies)
	out.Nodes, out.NodesTimed = millis(out.nodes), len(out.nodes)
	out.Took = time.Since(begun).Seconds()
	return out, out.Findings.none() && out.Announced == out.Uploads && out.timed(least), err
}

// failOver sends one file after another and kills meanwhile.
func (f *field) failOver(ctx context.Context, out *failover, c *cluster, kills int64, least int) error {
	var sessions []*chatSession
	for n := range 3 {
		r, err := f.open(fmt.Sprintf("cluster-%d", n))
		if err != nil {
			return err
		}
		defer r.close()
		sessions = append(sessions, r)
	}
	sending, enough := context.WithCancel(ctx)
	defer enough()
	var senders sync.WaitGroup
	for w := range 4 {
		r := sessions[w%2]
		random := f.random(fmt.Sprint("cluster/", w))
		senders.Go(func() {
			for sending.Err() == nil {
				i, u := r.draft(random, w/2, logUniform(random, 1, 1<<20), "")
				f.sendBounded(ctx, r, w/2, i, u)
				f.announced(sending, i)
			}
		})
	}
	err := f.killInTurn(ctx, out, sessions[2], c, kills, least)
	enough()
	senders.Wait()
	if err != nil {
		return err
	}
	out.Drained = f.drained(ctx, sessions, recovered(c.all())).Seconds()
	f.verify(ctx, sessions)
	f.count(&out.outcome)
	return unjudged(ctx)
}

// killInTurn kills that many times or more, until each kind was timed often enough.
func (f *field) killInTurn(ctx context.Context, out *failover, probe *chatSession, c *cluster, kills int64, least int) error {
	schedule, files := f.random("cluster/kills"), f.random("cluster/probes")
	for out.Kills < kills || min(len(out.proxies), len(out.nodes)) < least {
		for _, s := range block(schedule) {
			if err := f.strike(ctx, out, probe, c, s, files); err != nil {
				return err
			}
		}
	}
	return nil
}

// strike is one step of the schedule.
type strike struct {
	kind  string // of the process that dies alone; empty: several die
	party int    // which sends then; its page is on the proxy that dies
	dying []int  // which of all processes, or which node
}

// block returns two strikes of each kind alone, and one of several, in random
// order, so that each kind is timed about equally often whenever a run ends.
func block(random *rand.Rand) []strike {
	all := []strike{
		{kind: "proxy"}, {kind: "proxy"},
		{kind: "node", dying: []int{random.IntN(3)}}, {kind: "node", dying: []int{random.IntN(3)}},
		{dying: random.Perm(6)[:2+random.IntN(2)]},
	}
	for i := range all {
		all[i].party = random.IntN(2)
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// victims are the processes that the strike hits.
func (c *cluster) victims(s strike, on *page.Page) (dying []*process) {
	switch s.kind {
	case "proxy":
		n := slices.Index(c.addresses, on.Proxy())
		if n < 0 {
			return nil // the page has just lost its proxy
		}
		return c.proxies[n : n+1]
	case "node":
		return c.nodes[s.dying[0] : s.dying[0]+1]
	}
	for _, n := range s.dying {
		dying = append(dying, c.all()[n])
	}
	return dying
}

// strike kills right after a file was announced. If one process of a complete cluster
// dies, it times how long it takes until a file is announced again.
func (f *field) strike(ctx context.Context, out *failover, probe *chatSession, c *cluster, s strike, files *rand.Rand) error {
	if s.kind != "" {
		if err := whole(ctx, c.js); err != nil {
			return err
		}
	}
	var dying []*process
	for len(dying) == 0 {
		if err := f.probe(ctx, probe, s.party, files); err != nil {
			return err
		}
		dying = c.victims(s, probe.page(s.party))
	}
	begun := time.Now()
	killAll(dying)
	out.Kills += int64(len(dying))
	if s.kind == "" {
		out.Several++
	} else if err := f.probe(ctx, probe, s.party, files); err != nil {
		return err
	}
	took := time.Since(begun)
	switch s.kind {
	case "proxy":
		out.proxies = append(out.proxies, took)
	case "node":
		out.nodes = append(out.nodes, took)
	}
	f.log.Info("failover", "alone", s.kind, "died", len(dying), "took", took)
	return revive(ctx, dying)
}

// revive starts nodes first, because a proxy needs their quorum.
func revive(ctx context.Context, dead []*process) error {
	dead = slices.SortedFunc(slices.Values(dead), func(a, b *process) int { return strings.Compare(a.name, b.name) })
	for _, p := range dead {
		if err := p.insist(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f *field) sendBounded(ctx context.Context, r *chatSession, party int, i *intent, u *page.Upload) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return r.send(ctx, party, i, u)
}

// probe sends one small file and waits for its notice.
func (f *field) probe(ctx context.Context, r *chatSession, party int, random *rand.Rand) error {
	i, u := r.draft(random, party, 1000, "")
	if err := f.sendBounded(ctx, r, party, i, u); err != nil {
		return err
	}
	return f.announced(ctx, i)
}

// announced waits for the upload's notice. Sending another file before that would
// fill a queue while nothing can be delivered, and would time how fast it empties.
func (f *field) announced(ctx context.Context, i *intent) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		switch state := f.journal.state(i); {
		case state == bridge.Announced:
			return nil
		case state.Final():
			return fmt.Errorf("%s is %s", i.key, state)
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s was not announced: %w", i.key, ctx.Err())
		}
	}
}
