package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"attache/bridge"

	"github.com/golang-jwt/jwt/v5"
)

// The application's clock sets a token's times, and the proxy's clock checks them. If the two
// differ, a fresh token looks expired or not yet valid, and only a hint at the clocks leads to
// the cause. An error has that hint only if the token's signature is good.

const (
	// maxEarly is the time before its nbf from which on a token is early rather than invalid.
	maxEarly = 10 * time.Minute
	// maxLifetime bounds a token's exp: signers write the year 9999 for "never".
	maxLifetime = 100 * 365 * 24 * time.Hour
)

// numericDate is a NumericDate (RFC 7519 section 2): seconds since 1970, which may have a
// fraction. A number above 2^53-1, however large, becomes 2^53-1, because a float that does not
// fit into an int64 converts to an arbitrary number.
type numericDate struct{ time.Time }

func newNumericDate(t time.Time) *numericDate { return &numericDate{t} }

// asJWT returns it as the library's type; nil if the token lacks the claim.
func (m *numericDate) asJWT() *jwt.NumericDate {
	if m == nil {
		return nil
	}
	return &jwt.NumericDate{Time: m.Time}
}

func (m numericDate) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, m.Unix(), 10), nil }

func (m *numericDate) UnmarshalJSON(text []byte) error {
	var n json.Number
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return err
	}
	f = min(max(f, -bridge.MaxInteger), bridge.MaxInteger)
	whole, part := math.Modf(f)
	m.Time = time.Unix(int64(whole), int64(part*1e9))
	return nil
}

// clockError returns the error for the page if err refuses a token with these claims for its
// times alone; otherwise nil.
func (c *Claims) clockError(err error, now time.Time) *bridge.Error {
	var e *bridge.Error
	switch {
	case only(err, jwt.ErrTokenExpired):
		e = bridge.NewError(bridge.CodeTokenExpired, expired(c.ExpiresAt.Time, now))
	case only(err, jwt.ErrTokenNotValidYet):
		wait := c.NotBefore.Sub(now)
		code := bridge.CodeTokenEarly
		if wait > maxEarly {
			code = bridge.CodeTokenInvalid
		}
		e = bridge.NewError(code, early(c.NotBefore.Time, now))
	default:
		return nil
	}
	e.Err = err
	return e
}

// only reports whether err refuses a token for that reason alone. Then its holder may learn the
// reason, and a new token or a short wait helps.
func only(err, reason error) bool {
	for _, other := range []error{
		jwt.ErrTokenInvalidAudience, jwt.ErrTokenRequiredClaimMissing, jwt.ErrTokenExpired, jwt.ErrTokenNotValidYet,
	} {
		if other != reason && errors.Is(err, other) {
			return false
		}
	}
	return errors.Is(err, reason)
}

const compareClocks = "compare the clocks of this proxy and of the server that issues tokens"

func expired(exp, now time.Time) string {
	if exp.Unix() < 1e8 {
		return fmt.Sprintf("the token's exp is %d, which is long ago: it counts seconds since 1970, not from now", exp.Unix())
	}
	return fmt.Sprintf("the token expired %s ago; if it was new, %s", span(now.Sub(exp)), compareClocks)
}

func early(nbf, now time.Time) string {
	if nbf.Unix() > 1e11 {
		return fmt.Sprintf("the token's nbf is %d, which is in thousands of years: it counts seconds since 1970, not milliseconds", nbf.Unix())
	}
	return fmt.Sprintf("the token is not valid for another %s: %s", span(nbf.Sub(now)), compareClocks)
}

// span formats a duration for a sentence: to the second, the minute or, if it is long, the day.
func span(d time.Duration) string {
	if days := d / (24 * time.Hour); days >= 3 {
		return fmt.Sprintf("%d days", days)
	}
	if d >= 5*time.Minute {
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%d s", int64(math.Ceil(d.Seconds())))
}
