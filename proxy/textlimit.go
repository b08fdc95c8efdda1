package proxy

import (
	"golang.org/x/time/rate"

	"attache/bridge"
	"attache/proxy/guests"
)

// textLimit bounds how fast a party may fill the transcript, which is stored for long. The
// Chat Server decides how much a party may say in all.
type textLimit struct {
	bytes *guests.Rates // by seat
}

const (
	messageCost = 512 // bytes that a message costs beyond its text
	agentFactor = 8   // how many times as much a party may send that is not a customer
)

func newTextLimit(bytesRate, burst int) textLimit {
	return textLimit{guests.NewRates(rate.Limit(bytesRate), burst, 0)}
}

// charge charges a message whose text has size bytes. It returns code busy if the
// party exceeds its rate.
func (l textLimit) charge(who Identity, size int) error {
	cost := size + messageCost
	if !who.customer() {
		cost = (cost + agentFactor - 1) / agentFactor
	}
	if l.bytes.Allow(who.seat(), cost) {
		return nil
	}
	return bridge.NewError(bridge.CodeBusy, "this party sends text faster than the chat accepts it")
}
