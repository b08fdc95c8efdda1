package chatrequest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"attache/bridge"
)

// SignatureHeader has the time and the signature of what is posted: t=SECONDS,v1=HEX. A receiver
// refuses a time that is more than five minutes away, and compares the signature in constant time.
const SignatureHeader = "Attache-Signature"

// Sign returns the signature of a body: HMAC-SHA256 of the time, in seconds since 1970, a dot and
// the body.
func Sign(secret []byte, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(seconds + "."))
	mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// late is how long after a customer's request its post counts as late, because the customer waits.
const late = 10 * time.Second

// do posts one request.
func (r *Requests) do(ctx context.Context, m jetstream.Msg) (again time.Duration) {
	session := strings.TrimPrefix(m.Subject(), itemPrefix)
	log := r.cfg.Log.With("session", session)
	c, revision, err := r.get(ctx, session)
	switch {
	case errors.Is(err, errUnknown):
		return 0
	case err != nil:
		log.Warn("a request for a chat could not be read, retrying", "error", err)
		return r.backOff(1)
	case !c.Posted.IsZero() || c.Closed:
		return 0
	}
	state, err := r.stateOf(ctx, session)
	switch {
	case err != nil:
		log.Warn("the chat of a request could not be read, retrying", "error", err)
		return r.backOff(c.Tries + 1)
	case state.Begun && !state.Ended:
		err = r.post(ctx, c.Request)
	case !state.Begun && time.Since(c.At) < r.cfg.Begin:
		return r.cfg.Delay
	default:
		c.Closed = true
	}
	switch {
	case err != nil:
		c.Tries++
		again = r.backOff(c.Tries)
		log.Warn("a request for a chat was not accepted, retrying", "url", r.cfg.URL, "try", c.Tries, "delay", again, "error", err)
	case !c.Closed:
		c.Posted = time.Now()
		if wait := c.Posted.Sub(c.At); c.Tries > 0 || wait > late {
			log.Warn("a request for a chat was accepted late", "url", r.cfg.URL, "tries", c.Tries+1, "wait", wait.Round(time.Millisecond))
		}
	case c.Tries > 0:
		log.Warn("a chat has ended before its request was accepted", "url", r.cfg.URL, "tries", c.Tries)
	}
	if err := r.put(ctx, c, revision); err != nil {
		log.Warn("a request for a chat is posted again", "error", err)
		return r.backOff(1)
	}
	return again
}

// post posts one request to the URL.
func (r *Requests) post(ctx context.Context, request Request) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	out, err := http.NewRequestWithContext(ctx, http.MethodPost, r.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	out.Header.Set("Content-Type", "application/json")
	out.Header.Set("Idempotency-Key", request.ChatID) // the same request may be posted twice
	out.Header.Set("User-Agent", "attache/"+bridge.Version)
	if len(r.cfg.Secret) > 0 {
		out.Header.Set(SignatureHeader, Sign(r.cfg.Secret, time.Now(), body))
	}
	answer, err := r.cfg.Client.Do(out)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("the answer was %s", answer.Status)
	}
	return nil
}

// backOff is the pause before try n+1.
func (r *Requests) backOff(n int) time.Duration {
	d := r.cfg.Delay
	for ; n > 1 && d < r.cfg.MaxDelay; n-- {
		d *= 2
	}
	d = min(d, r.cfg.MaxDelay)
	return d/2 + rand.N(d/2+1)
}
