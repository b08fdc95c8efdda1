package proxy

import (
	"golang.org/x/time/rate"

	"attache/bridge"
)

// partyRates bound how fast a party may cause what is kept for long: words in the
// transcript, and lines of refused offers in the audit log. How much it may cause in
// all is the Chat Server's to say.
type partyRates struct {
	words *limiters // bytes that a customer may say, by seat
	lines *limiters // of the audit log, by seat
}

const (
	messageCost = 512 // bytes that a message costs beyond its text
	agentTimes  = 8   // how many times as much everybody but customers may have

	lineRate, lineBurst = 1, 200 // lines of refused offers a second, and at once
)

func newPartyRates(textRate, textBurst int) partyRates {
	return partyRates{words: newLimiters(rate.Limit(textRate), textBurst, 0), lines: newLimiters(lineRate, lineBurst, 0)}
}

// speak charges a message whose text has size bytes: code busy where the party says
// more than it may in so short a time.
func (r *partyRates) speak(who Identity, size int) error {
	cost := size + messageCost
	if !who.customer() {
		cost = (cost + agentTimes - 1) / agentTimes
	}
	if r.words.allow(who.seat(), cost) {
		return nil
	}
	return bridge.NewError(bridge.CodeBusy, "this party sends more than the chat takes in so short a time")
}

// note reports whether a refused offer gets its line in the audit log, and whether that
// line stands for the ones that follow without.
func (r *partyRates) note(who Identity) (line, last bool) {
	line, last = r.lines.try(who.seat(), 1)
	return line || last, last
}
