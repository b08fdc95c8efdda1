package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// pollers is how many customers poll, each once in pollEvery.
const (
	pollers   = 1000
	pollEvery = 5 * time.Second
	pollTime  = 20 * time.Second // of a round
)

// polls times the requests of a thousand customers who poll.
func (l *lab) polls(ctx context.Context) ([]row, []runner, error) {
	p, err := l.startProduct(ctx, gmsFlags...)
	if err != nil {
		return nil, nil, err
	}
	defer p.stop()
	few, err := requestChats(ctx, p.address, 1)
	if err != nil {
		return nil, nil, err
	}
	many, err := requestChats(ctx, p.address, pollers)
	if err != nil {
		return nil, nil, err
	}
	var one, all []float64
	for round := range l.rounds {
		// The others poll as slowly as they may meanwhile, so that they stay in their chats.
		quiet, err := pollAll(ctx, few, 50*time.Millisecond)
		if err != nil {
			return nil, nil, err
		}
		busy, err := pollAll(ctx, many, pollEvery)
		if err != nil {
			return nil, nil, err
		}
		one, all = append(one, percentile(quiet, 99)), append(all, percentile(busy, 99))
		l.log.Info("polls", "round", round+1, "one", one[round], "all", all[round], "polls", len(busy))
	}
	still := figureOf(" ms", one)
	return []row{{
		Measured: fmt.Sprintf("refresh by GMS' Chat API, p99, of %d customers who poll every %s", pollers, pollEvery), Against: "one customer who polls every 50 ms",
		Peer: &still, Judged: figureOf(" ms", all),
		Note: fmt.Sprintf("%d polls a second; client and server share the cores", int(pollers/pollEvery.Seconds())),
	}}, nil, nil
}

func requestChats(ctx context.Context, address string, n int) ([]*gmsChat, error) {
	chats := make([]*gmsChat, n)
	var all errgroup.Group
	all.SetLimit(8)
	for i := range chats {
		all.Go(func() (err error) {
			chats[i], err = requestChat(ctx, address)
			return err
		})
	}
	return chats, all.Wait()
}

// pollAll lets all of them poll for pollTime, and returns the milliseconds of each poll.
func pollAll(ctx context.Context, chats []*gmsChat, every time.Duration) (times []float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	var mu sync.Mutex
	var failed []error
	var all sync.WaitGroup
	for _, c := range chats {
		all.Go(func() {
			for wait := rand.N(every); sleep(ctx, wait); wait = every {
				start := time.Now()
				_, err := c.refresh(context.WithoutCancel(ctx))
				took := time.Since(start)
				mu.Lock()
				times = append(times, float64(took)/float64(time.Millisecond))
				if err != nil {
					failed = append(failed, err)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(failed) > 0 {
		return nil, fmt.Errorf("%d of %d polls failed: %w", len(failed), len(times), failed[0])
	}
	return times, nil
}

// sleep waits; false: ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// The minute of polling in which the proxies are killed by turns.
const (
	turnTime  = time.Minute
	turnEvery = 5 * time.Second // between two kills
	talkers   = 50              // customers who say something and poll
)

var errNotCounted = errors.New("the messages could not be counted")

// turns kills proxies by turns for a minute, while customers poll one after the other, and counts the
// messages that were lost or came twice. Objects have two proxies; files have one, because a
// directory has one process.
func (l *lab) turns(ctx context.Context) ([]row, []runner, error) {
	first, err := l.startProduct(ctx, gmsFlags...)
	if err != nil {
		return nil, nil, err
	}
	defer first.stop()
	proxies := []*product{first}
	if l.store == objects {
		second, err := first.another()
		if err != nil {
			return nil, nil, err
		}
		defer func() { second.proxy.stop() }()
		proxies = append(proxies, second)
	}
	chats, err := requestChats(ctx, first.address, talkers)
	if err != nil {
		return nil, nil, err
	}
	sending, over := context.WithTimeout(ctx, turnTime)
	defer over()
	var addresses []string
	for _, p := range proxies {
		addresses = append(addresses, p.address)
	}
	all := make([]talk, len(chats))
	var talking sync.WaitGroup
	for i, c := range chats {
		all[i] = talk{chat: c, addresses: addresses, seen: map[string]int{}}
		talking.Go(func() { all[i].run(sending, ctx, i) })
	}
	kills := 0
	for sleep(sending, turnEvery) {
		if err := proxies[kills%len(proxies)].restartProxy(); err != nil {
			over()
			talking.Wait()
			return nil, nil, err
		}
		kills++
	}
	talking.Wait()
	var lost, twice, said, unclear int
	for _, t := range all {
		if t.failed != nil {
			return nil, nil, fmt.Errorf("%w: %w", errNotCounted, t.failed)
		}
		said, unclear = said+len(t.said), unclear+t.unclear
		for _, text := range t.said {
			if t.seen[text] == 0 {
				lost++
			}
		}
		for _, times := range t.seen {
			if times > 1 {
				twice++
			}
		}
	}
	note := fmt.Sprintf("%d customers said %d texts that were acknowledged, and %d whose answer was lost, and polled; %d kills, by turns of %d, each started again at once", talkers, said, unclear, kills, len(proxies))
	count := func(what string, n int) row {
		return row{
			Measured: fmt.Sprintf("messages %s in %s of polling, with a proxy killed every %s", what, turnTime, turnEvery), Against: "–",
			Judged: figureOf("", []float64{float64(n)}), Target: atMost(0), Note: note,
		}
	}
	return []row{count("lost", lost), count("twice", twice)}, nil, nil
}

// talk is one customer's conversation.
type talk struct {
	chat      *gmsChat
	addresses []string
	said      []string
	unclear   int
	seen      map[string]int
	failed    error
}

// run says a text every half second and polls between, at either proxy, until sending ends; then
// it polls until nothing is new.
func (t *talk) run(sending, ctx context.Context, number int) {
	for n := 0; sleep(sending, 250*time.Millisecond); n++ {
		t.chat.address = t.addresses[n%len(t.addresses)]
		if n%2 == 1 {
			t.read(ctx)
			continue
		}
		text := fmt.Sprintf("text %d of customer %d", n, number)
		if _, err := t.chat.call(ctx, "send", url.Values{"message": {text}}); err == nil {
			t.said = append(t.said, text)
		} else {
			t.unclear++ // it is not said again: the transcript shows whether it came
		}
	}
	for quiet, tries := 0, 0; quiet < 4; tries++ {
		if tries > 200 {
			t.failed = errors.New("a customer could not read the rest")
			return
		}
		t.chat.address = t.addresses[tries%len(t.addresses)]
		if n, err := t.read(ctx); err == nil && n == 0 {
			quiet++
		}
		sleep(ctx, 250*time.Millisecond)
	}
}

func (t *talk) read(ctx context.Context) (int, error) {
	r, err := t.chat.refresh(ctx)
	for _, m := range r.Messages {
		if m.Type == "Message" {
			t.seen[m.Text]++
		}
	}
	return len(r.Messages), err
}
