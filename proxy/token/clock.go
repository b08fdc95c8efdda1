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

// The application's clock makes a token's times and the proxy's judges them. Where the
// two differ, a fresh token looks too old or too new, and only a word about clocks leads
// to the cause. It is told after the token's signature was found good, never before.

const (
	// soon is how long before its time a token may be held up to be worth waiting for.
	soon = 10 * time.Minute
	// longest is how long a token is believed, whatever its exp says: signers write the
	// year 9999 for "never".
	longest = 100 * 365 * 24 * time.Hour
)

// moment is a NumericDate (RFC 7519 section 2): seconds since 1970, which may have a
// fraction. What is beyond 2^53-1, up to 1e308 and more, is taken for 2^53-1, because a
// float that does not fit an int64 converts to any number.
type moment struct{ time.Time }

func newMoment(t time.Time) *moment { return &moment{t} }

// numeric is what the library asks for; nil where the token lacks the claim.
func (m *moment) numeric() *jwt.NumericDate {
	if m == nil {
		return nil
	}
	return &jwt.NumericDate{Time: m.Time}
}

func (m moment) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, m.Unix(), 10), nil }

func (m *moment) UnmarshalJSON(text []byte) error {
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

// clock is what a page is told where a token of these claims is refused for its times
// alone, and at that moment.
func (c *Claims) clock(err error, now time.Time) *bridge.Error {
	var told *bridge.Error
	switch {
	case only(err, jwt.ErrTokenExpired):
		told = bridge.NewError(bridge.CodeTokenExpired, expired(c.ExpiresAt.Time, now))
	case only(err, jwt.ErrTokenNotValidYet):
		wait := c.NotBefore.Sub(now)
		code := bridge.CodeTokenEarly
		if wait > soon {
			code = bridge.CodeTokenInvalid
		}
		told = bridge.NewError(code, early(c.NotBefore.Time, now))
	default:
		return nil
	}
	told.Err = err
	return told
}

// only reports whether that is all that is wrong with a token: then its holder may be
// told, and a new token or some patience helps.
func only(err, what error) bool {
	for _, other := range []error{
		jwt.ErrTokenInvalidAudience, jwt.ErrTokenRequiredClaimMissing, jwt.ErrTokenExpired, jwt.ErrTokenNotValidYet,
	} {
		if other != what && errors.Is(err, other) {
			return false
		}
	}
	return errors.Is(err, what)
}

const compare = "compare the clocks of this proxy and of the server that issues tokens"

func expired(exp, now time.Time) string {
	if exp.Unix() < 1e8 {
		return fmt.Sprintf("the token's exp is %d, long ago: it counts seconds since 1970, not from now", exp.Unix())
	}
	return fmt.Sprintf("the token expired %s ago; if it was new, %s", span(now.Sub(exp)), compare)
}

func early(nbf, now time.Time) string {
	if nbf.Unix() > 1e11 {
		return fmt.Sprintf("the token's nbf is %d, in thousands of years: it counts seconds since 1970, not milliseconds", nbf.Unix())
	}
	return fmt.Sprintf("the token is not valid for another %s: %s", span(nbf.Sub(now)), compare)
}

// span writes a time for a sentence, to the second, or to the day where it is long.
func span(d time.Duration) string {
	if days := d / (24 * time.Hour); days >= 3 {
		return fmt.Sprintf("%d days", days)
	}
	if d >= 5*time.Minute {
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%d s", int64(math.Ceil(d.Seconds())))
}
