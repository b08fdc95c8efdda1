package main

import (
	"time"

	"attache/bridge"
)

// doubt is about the tokens that the application gives, since the proxy refused
// one. What its server answers while it is in trouble looks like a token at times,
// so one refusal is not believed to be for good.
type doubt struct {
	refusals int
	token    string        // that was refused
	since    time.Duration // the first refusal
}

// How long the same token may be refused before that is final: soon where a chat
// is opened, because a person waits and nothing is lost.
const (
	firstDoubt = 5 * time.Second
	longDoubt  = time.Minute
)

// of takes a refusal and reports whether it is final. An expired token never is:
// there will be another one.
func (d *doubt) of(token string, code bridge.Code, first bool, now time.Duration) bool {
	if d.refusals == 0 {
		d.since = now
	}
	another := d.refusals > 0 && token != d.token
	d.refusals++
	d.token = token
	if code == bridge.CodeTokenExpired || code == bridge.CodeTokenEarly {
		return false
	}
	most := longDoubt
	if first {
		most = firstDoubt
	}
	return another || now-d.since > most
}

// aboutToken reports whether the refusal of a hello may be due to its token.
func aboutToken(code bridge.Code) bool {
	switch code {
	case bridge.CodeTokenInvalid, bridge.CodeTokenExpired, bridge.CodeTokenEarly, bridge.CodeForbidden,
		bridge.CodeSessionInvalid, bridge.CodeMessage, bridge.CodeMessageSize:
		return true
	}
	return false
}
