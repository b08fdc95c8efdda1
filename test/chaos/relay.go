package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// The scenario gms has two of the product's processes in a row: the client, whose customers are
// on our socket, and which relays them by GMS' Chat API (attache serve --gms URL), and the one
// that serves this API (attache serve --gms), also to customers' widgets, with the agents on our
// socket. In a stage the client is the proxy, and the other one its backend.
func (l *lab) relayed(ctx context.Context, o workload, requested string) (*stage, error) {
	return l.stage(ctx, o, func(s *stage) error { return s.composeRelay(l, o, requested) })
}

// Times of the two processes, shorter than in the field.
const (
	relayPoll   = "100ms"
	relaySettle = 3 * time.Second
	uploadWait  = 1 * time.Second // how long the answer to an upload waits for its notice
)

func (s *stage) composeRelay(l *lab, o workload, requested string) error {
	theirs, err := s.storeFlags(l, backendDir)
	if err != nil {
		return err
	}
	scanner, scanning, err := s.relayScanner(l, o)
	if err != nil {
		return err
	}
	served, address, err := l.serve(s.named("served"), append(append(theirs, scanning...),
		"--gms=serve", "--on-chat", requested, "--gms-option", fmt.Sprint("upload-wait=", uploadWait.Seconds()), "--gms-option", "chats-per-minute=100000")...)
	if err != nil {
		return err
	}
	flags := []string{
		"--data", filepath.Join(s.dir, proxyDir), "--scanner", "off",
		"--gms", address, "--gms-poll", relayPoll, "--gms-settle", relaySettle.String(),
	}
	if o.hideKey {
		flags = append(flags, "--gms-upstream-option", "attache-key=hide")
	}
	client, relay, err := l.serve(s.named("client"), flags...)
	if err != nil {
		return err
	}
	s.proxy, s.address, s.backend, s.served = client, relay, served, address
	s.victims = append(append(s.victims, scanner...), served, client)
	return nil
}

// relayScanner returns the scanner of the second process, if it has one, and its flags. A process that
// is not sent the keys plays a GMS of the vendor's, which announces in one call: without a scanner.
func (s *stage) relayScanner(l *lab, o workload) ([]*process, []string, error) {
	if o.hideKey {
		return nil, []string{"--scanner", "off"}, nil
	}
	scanner, clamd, err := l.scanner(s.named("scanner"))
	return []*process{scanner}, []string{"--scanner", "strict", "--clamd", clamd, "--scan-max-size", fmt.Sprint(maxScan / 2)}, err
}

// relayRound sends through both processes under kills, waits until everything is on both sides,
// and compares it.
func (l *lab) relayRound(ctx context.Context, o workload, n int64, out *outcome) error {
	desk, err := newDesk()
	if err != nil {
		return err
	}
	defer desk.close()
	o.hideKey = o.hideKey || o.inTurn && n%2 == 1
	s, err := l.relayed(ctx, o, desk.address)
	if err != nil {
		return err
	}
	defer s.leave()
	r := &relay{lab: l, stage: s, desk: desk, findings: out.Findings, moments: newMoments(), slow: o.slow}
	defer r.close()
	for i := range o.sessions {
		if err := r.open(ctx, fmt.Sprintf("round%d-chat%d", n, i), i%2 == 0); err != nil {
			return err
		}
	}
	happened := func() error { return nil }
	if o.border != "" {
		happened = s.dieAtGate(ctx, o.dying(s), o.gates())
	}
	k := &killer{
		victims: s.victims, pair: s.pair(), random: l.random(fmt.Sprint("kills/", n)), pause: o.pause, moments: r.moments, moment: o.moment,
	}
	err = errors.Join(r.run(ctx, o, n, k, out), happened())
	out.Kills += k.Kills.Load()
	out.strikes.add(k.strikes)
	out.recovery = append(out.recovery, k.took...)
	return err
}

// relay is one round.
type relay struct {
	*lab
	stage    *stage
	desk     *desk
	findings *findings
	moments  *moments
	slow     int // one file in this many takes the scanner a while; 0: none
	chats    []*relayedChat
}

func (r *relay) close() {
	for _, c := range r.chats {
		c.close()
	}
}

func (r *relay) run(ctx context.Context, o workload, n int64, k *killer, out *outcome) error {
	t := &tempo{uploads: o.uploads, kills: o.kills}
	failed := make(chan error, 1)
	sending, abandon := context.WithCancel(ctx)
	defer abandon()
	go func() {
		err := k.run(ctx, o.kills, func(done int64) bool { return t.strike(ctx, done) })
		if err != nil {
			abandon()
		}
		failed <- err
	}()
	var cuts atomic.Int64
	cutting, mended := context.WithCancel(ctx)
	defer mended()
	var cutter sync.WaitGroup
	cutter.Go(func() { r.cut(cutting, o, n, &cuts) })
	var senders sync.WaitGroup
	for i, c := range r.chats {
		for _, side := range []side{fromAgent, fromCustomer} {
			random := r.random(fmt.Sprintf("sends/%d/%d/%s", n, i, side))
			senders.Go(func() {
				for t.send(sending, k) {
					c.sendOne(sending, o, side, random)
				}
			})
		}
	}
	senders.Wait()
	mended()
	cutter.Wait()
	if err := <-failed; err != nil {
		return err
	}
	out.Drained = max(out.Drained, r.drained(ctx, o, recovered(k.victims)).Seconds())
	var all sync.WaitGroup
	for _, c := range r.chats {
		all.Go(func() { c.verify(ctx) })
	}
	all.Wait()
	out.Cuts += cuts.Load()
	for _, c := range r.chats {
		c.count(out)
	}
	return unjudged(ctx)
}

// cut cuts the wires of a random page, and again after a while.
func (r *relay) cut(ctx context.Context, o workload, n int64, cuts *atomic.Int64) {
	random := r.random(fmt.Sprint("wires/", n))
	for o.cut > 0 && pause(ctx, around(random, o.cut)) {
		r.moments.await(ctx, drawn(random, o.moment), random)
		if pages := r.chats[random.IntN(len(r.chats))].pages(); ctx.Err() == nil {
			pages[random.IntN(len(pages))].Cut()
			cuts.Add(1)
		}
	}
}

// drained waits until both sides of every chat have what was acknowledged. The time counts from the
// last recovery or, if that was earlier, from when the last sender knew the outcome.
func (r *relay) drained(ctx context.Context, o workload, recovered func() time.Time) time.Duration {
	sent := time.Now()
	for ctx.Err() == nil {
		missing := ""
		for _, c := range r.chats {
			if missing == "" {
				missing = c.missing()
			}
		}
		took := min(time.Since(sent), max(0, time.Since(recovered())))
		if missing == "" {
			return took
		}
		if took > o.drain {
			r.findings.add(undrained, "%s after the last recovery, %s", o.drain, missing)
			return took
		}
		pause(ctx, 20*time.Millisecond)
	}
	return 0
}

// desk is the application that finds agents: it learns of the chats that customers request.
type desk struct {
	address string
	server  *http.Server

	mu      sync.Mutex
	chats   map[string]string // by the customer's nickname
	changed chan struct{}
}

func newDesk() (*desk, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &desk{address: "http://" + listener.Addr().String() + "/chats", chats: map[string]string{}, changed: make(chan struct{})}
	d.server = &http.Server{Handler: http.HandlerFunc(d.requested)}
	go d.server.Serve(listener)
	return d, nil
}

func (d *desk) close() { d.server.Close() }

func (d *desk) requested(w http.ResponseWriter, r *http.Request) {
	var request struct{ ChatID, Nickname string }
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.chats[request.Nickname] = request.ChatID
	close(d.changed)
	d.changed = make(chan struct{})
}

// chat waits for the chat of a customer.
func (d *desk) chat(ctx context.Context, nickname string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		d.mu.Lock()
		id, changed := d.chats[nickname], d.changed
		d.mu.Unlock()
		if id != "" {
			return id, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", fmt.Errorf("the chat of %s was never posted: %w", nickname, ctx.Err())
		}
	}
}
