package bridge

import "time"

// pace is what a [Sender] learns of its link from the times of frames and acks:
// how many bytes per second it carries and how long a trip takes. The rate is
// the best of the last seconds, each sample taken over a whole trip, so neither
// pauses nor bunches of acks mislead it. The trip is only ever taken by probes,
// frames that went out on an idle link: every other one waited in a queue.
type pace struct {
	flights []flight      // sent, not acked, oldest first
	acked   time.Duration // when the last ack came

	best, before float64 // bytes per second: of the present period and of the last
	turned       time.Duration

	round   int64   // a round ends when what was sent from here on is acked
	climb   float64 // the best rate when the last one ended
	settled bool    // a round has passed that found no higher rate

	probe  flight        // the best one; its end is 0 before there is one
	took   time.Duration // from sending it to its ack
	probed time.Duration // when that was

	held time.Duration // how long the store holds a frame of late
}

// flight is a frame under way.
type flight struct {
	end, length int64
	stored      int64         // what was stored when it went out
	at          time.Duration // when it went out
	from        time.Duration // when the ack before that came, or at
	idle        bool          // whether it found the link idle
}

const (
	memory = time.Second      // a rate is remembered so long or four trips, and at most twice that
	fresh  = 10 * time.Second // a trip is believed so long
)

func (p *pace) send(f flight) {
	if f.from = p.acked; f.idle {
		f.from = f.at
	}
	p.flights = append(p.flights, f)
}

// ack takes note that everything before stored has arrived, and returns what it
// measured: so many bytes took so long. Where nothing was, both are 0.
func (p *pace) ack(stored int64, held, now time.Duration) (bytes int64, took time.Duration) {
	p.acked = now
	p.held = max(held, p.held-p.held/8)
	var last flight
	for len(p.flights) > 0 && p.flights[0].end <= stored {
		last = p.flights[0]
		p.flights = p.flights[1:]
		if last.idle {
			p.measureTrip(last, held, now)
		}
	}
	if last.end == 0 || now <= last.from {
		return 0, 0
	}
	bytes, took = stored-last.stored, now-last.from
	p.measureRate(float64(bytes)/took.Seconds(), now)
	if last.stored >= p.round {
		p.settled = p.settled || p.rate() < 1.25*p.climb
		p.round, p.climb = stored, p.rate()
	}
	return bytes, took
}

func (p *pace) measureRate(sample float64, now time.Duration) {
	if now-p.turned > max(memory, 4*p.took) {
		p.best, p.before, p.turned = 0, p.best, now
	}
	p.best = max(p.best, sample)
}

func (p *pace) measureTrip(f flight, held, now time.Duration) {
	if took := max(0, now-f.at-held); p.probe.end == 0 || p.stale(now) || p.net(f, took) < p.trip() {
		p.probe, p.took, p.probed = f, took, now
	}
}

// rate is in bytes per second; 0 while nothing is known.
func (p *pace) rate() float64 { return max(p.best, p.before) }

// trip is the time from sending to the ack, less the frame's own.
func (p *pace) trip() time.Duration { return p.net(p.probe, p.took) }

// net never takes away more than frameTime. While the rate is still far too
// low, a trip would otherwise seem to be nothing but the frame, and a window
// made from both could not grow.
func (p *pace) net(f flight, took time.Duration) time.Duration {
	rate := p.rate()
	if rate == 0 {
		return took
	}
	own := time.Duration(float64(f.length) / rate * float64(time.Second))
	return max(0, took-min(own, frameTime))
}

// stale reports whether the way may have become another one since the trip was
// measured.
func (p *pace) stale(now time.Duration) bool { return p.probe.end != 0 && now-p.probed > fresh }

// window is how many bytes fill the link and keep it busy for windowTime, and
// what the store holds meanwhile: were that taken for a queue on the link, a slow
// disk would make the window smaller and with it the rate, over and over. On a
// long trip the window trebles with each until the rate is settled.
func (p *pace) window() int64 {
	trip, ahead := p.trip(), windowTime
	if !p.settled {
		ahead = max(ahead, 2*trip)
	}
	return int64(p.rate() * (trip + ahead + p.held).Seconds())
}
