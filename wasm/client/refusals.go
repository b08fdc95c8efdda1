package client

import (
	"time"

	"attache/bridge"
)

// refusals are those of the application's tokens, one after the other. The answer of
// an application server in trouble sometimes looks like a token, so one refusal is not
// taken as final.
type refusals struct {
	count int
	token string        // the last one that was refused
	since time.Duration // the first refusal
}

// How long the same token may be refused before that is final: a short time where a
// chat is opened, because a person waits and nothing is lost.
const (
	firstRefusalTime = 5 * time.Second
	refusalTime      = time.Minute
)

// final takes a refusal and reports whether it is final. That of an expired token
// never is: there will be another one.
func (r *refusals) final(token string, code bridge.Code, first bool, now time.Duration) bool {
	if r.count == 0 {
		r.since = now
	}
	another := r.count > 0 && token != r.token
	r.count++
	r.token = token
	if code == bridge.CodeTokenExpired || code == bridge.CodeTokenEarly {
		return false
	}
	longest := refusalTime
	if first {
		longest = firstRefusalTime
	}
	return another || now-r.since > longest
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
