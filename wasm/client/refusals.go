package client

import (
	"time"

	"attache/bridge"
)

// refusals counts consecutive refusals of the application's tokens. The answer of an
// application server in trouble sometimes looks like a token, so one refusal is not
// final.
type refusals struct {
	count int
	token string        // the last token that was refused
	since time.Duration // the first refusal
}

// How long the same token may be refused before that is final: a short time while a
// chat is being opened, because a person waits and nothing is lost.
const (
	firstRefusalTime = 5 * time.Second
	refusalTime      = time.Minute
)

// final records a refusal and reports whether it is final. The refusal of an expired
// token never is: there will be another token.
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
