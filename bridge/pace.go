package bridge

import "time"

// pace estimates the link of a [Sender] from the times of frames and acks. It is
// a small BBR (Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016):
// the window follows from the bandwidth, a windowed maximum of delivery rates,
// and from the minRTT, which expires.
//
// Each rate sample spans a whole round trip, so neither pauses nor bunched acks
// distort it. Only an rttProbe, a frame sent on an idle link, yields an rttSample:
// every other frame waited in a queue.
type pace struct {
	inFlight []sentFrame   // oldest first
	lastAck  time.Duration // when it arrived

	maxRate, prevMaxRate float64 // highest sample of this period and of the last, in bytes per second
	periodStart          time.Duration

	roundStart  int64   // the round ends with the ack of a frame sent after these bytes were stored
	roundRate   float64 // bandwidth at the end of the last round
	startupDone bool    // a round raised the bandwidth by less than a quarter

	rttProbe  sentFrame     // the frame that gave rttSample; end is 0 if there is none yet
	rttSample time.Duration // from sending it to its ack, less the store's time
	sampledAt time.Duration

	storeTime time.Duration // how long the store takes for a frame: a decaying maximum
}

// sentFrame is a frame in flight.
type sentFrame struct {
	end, length int64
	stored      int64         // bytes stored when it was sent
	at          time.Duration // when it was sent
	rateFrom    time.Duration // when its rate sample begins: at the ack before it, or at sending on an idle link
	idle        bool          // the link was idle
}

const (
	bandwidthWindow = time.Second      // or four RTTs if those are longer: one of the two periods of maxRate
	minRTTWindow    = 10 * time.Second // BBR's, too
	startupGrowth   = 1.25             // BBR's, too
)

func (p *pace) send(f sentFrame) {
	if f.rateFrom = p.lastAck; f.idle {
		f.rateFrom = f.at
	}
	p.inFlight = append(p.inFlight, f)
}

// ack handles the ack of everything before stored. It returns its measurement, the
// bytes that arrived and how long they took; both are 0 if there is none.
func (p *pace) ack(stored int64, storeTime, now time.Duration) (bytes int64, took time.Duration) {
	p.lastAck = now
	p.storeTime = max(storeTime, p.storeTime-p.storeTime/8)
	var last sentFrame
	for len(p.inFlight) > 0 && p.inFlight[0].end <= stored {
		last = p.inFlight[0]
		p.inFlight = p.inFlight[1:]
		if last.idle {
			p.sampleRTT(last, storeTime, now)
		}
	}
	if last.end == 0 || now <= last.rateFrom {
		return 0, 0
	}
	bytes, took = stored-last.stored, now-last.rateFrom
	p.sampleRate(float64(bytes)/took.Seconds(), now)
	if last.stored >= p.roundStart {
		p.startupDone = p.startupDone || p.bandwidth() < startupGrowth*p.roundRate
		p.roundStart, p.roundRate = stored, p.bandwidth()
	}
	return bytes, took
}

func (p *pace) sampleRate(rate float64, now time.Duration) {
	if now-p.periodStart > max(bandwidthWindow, 4*p.rttSample) {
		p.maxRate, p.prevMaxRate, p.periodStart = 0, p.maxRate, now
	}
	p.maxRate = max(p.maxRate, rate)
}

func (p *pace) sampleRTT(f sentFrame, storeTime, now time.Duration) {
	sample := max(0, now-f.at-storeTime)
	if p.rttProbe.end == 0 || p.expired(now) || p.withoutFrame(f, sample) < p.minRTT() {
		p.rttProbe, p.rttSample, p.sampledAt = f, sample, now
	}
}

// bandwidth is in bytes per second; 0 before the first sample.
func (p *pace) bandwidth() float64 { return max(p.maxRate, p.prevMaxRate) }

// minRTT does not contain the probe's own time on the link.
func (p *pace) minRTT() time.Duration { return p.withoutFrame(p.rttProbe, p.rttSample) }

// withoutFrame subtracts a frame's own time on the link from its sample, but at
// most frameTime: as long as the bandwidth is estimated far too low, the whole
// sample would seem to be the frame's own time, and a window computed from both
// could not grow.
func (p *pace) withoutFrame(f sentFrame, sample time.Duration) time.Duration {
	rate := p.bandwidth()
	if rate == 0 {
		return sample
	}
	own := time.Duration(float64(f.length) / rate * float64(time.Second))
	return max(0, sample-min(own, frameTime))
}

// expired reports whether the path may have changed since minRTT was sampled.
func (p *pace) expired(now time.Duration) bool {
	return p.rttProbe.end != 0 && now-p.sampledAt > minRTTWindow
}

// window is how many bytes fill the link and keep it busy for windowTime, plus
// what the store holds meanwhile: if its time counted as a queue on the link, a
// slow disk would shrink the window and with it the rate, again and again. In
// startup the window trebles with each long round trip.
func (p *pace) window() int64 {
	rtt, ahead := p.minRTT(), windowTime
	if !p.startupDone {
		ahead = max(ahead, 2*rtt)
	}
	return int64(p.bandwidth() * (rtt + ahead + p.storeTime).Seconds())
}
