package proxy

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"attache/bridge"
)

// budgets bound how fast a party may cause what is kept for long: words in the
// transcript, and lines of refused offers in the audit log. How much it may cause in
// all is the Chat Server's to say. A party that waits has its budget again, so those
// of no use are forgotten.
type budgets struct {
	rate, burst float64 // bytes of text of a customer a second, and at once before that

	mu    sync.Mutex
	of    map[string]*budget // by seat
	swept time.Time
}

// budget is one party's, over all its sockets here.
type budget struct {
	words *rate.Limiter
	lines *rate.Limiter
	muted bool // the last refusal had no line
	used  time.Time
}

const (
	messageCost = 512 // bytes that a message costs beyond its text
	agentTimes  = 8   // what everybody but customers may have more

	lineRate, lineBurst = 1, 200 // lines of refused offers a second, and at once

	budgetTime = 5 * time.Minute // an unused one is full again long before
)

func (b *budgets) get(who Identity, now time.Time) *budget {
	if now.Sub(b.swept) > budgetTime {
		b.swept = now
		maps.DeleteFunc(b.of, func(_ string, one *budget) bool { return now.Sub(one.used) > budgetTime })
	}
	one := b.of[who.seat()]
	if one == nil {
		times := 1.0
		if !who.customer() {
			times = agentTimes
		}
		one = &budget{
			words: rate.NewLimiter(rate.Limit(b.rate*times), int(b.burst*times)),
			lines: rate.NewLimiter(lineRate, lineBurst),
		}
		b.of[who.seat()] = one
	}
	one.used = now
	return one
}

// speak charges a message of so many bytes: code busy where the party says more than
// it may in so short a time.
func (b *budgets) speak(who Identity, size int) error {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.get(who, now).words.AllowN(now, size+messageCost) {
		return nil
	}
	return bridge.NewError(bridge.CodeBusy, "this party sends more than the chat takes in so short a time")
}

// note tells whether a refused offer gets its line in the audit log, and whether that
// line stands for the ones that follow without.
func (b *budgets) note(who Identity) (line, last bool) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.get(who, now)
	if one.lines.AllowN(now, 1) {
		one.muted = false
		return true, false
	}
	first := !one.muted
	one.muted = true
	return first, first
}
