package gws

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"attache/bridge"
)

// Client speaks to GWS. It is safe for concurrent use.
type Client struct {
	cfg    Options
	base   *url.URL
	common *login // nil: there is none
	logins map[string]*login
	close  func()
}

// New returns a client. It sends nothing yet.
func New(o Options) (*Client, error) {
	o, base, err := o.complete()
	if err != nil {
		return nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig, t.ResponseHeaderTimeout, t.DisableCompression, t.Proxy = o.TLS, o.Timeout, true, nil
	c := &Client{cfg: o, base: base, logins: map[string]*login{}, close: t.CloseIdleConnections}
	if o.Account.given() {
		c.common = newLogin(o.Account, o.Named.Login, t)
	}
	for user, a := range o.Accounts {
		c.logins[user] = newLogin(a, o.Named.Login, t)
	}
	return c, nil
}

// Close closes the idle connections.
func (c *Client) Close() { c.close() }

// loginOf returns the login for what a party does.
func (c *Client) loginOf(userID string) (*login, error) {
	if l := c.logins[userID]; l != nil {
		return l, nil
	}
	if c.common != nil {
		return c.common, nil
	}
	e := bridge.WrapError(bridge.CodeForbidden, fmt.Errorf("there is no account of GWS for %q", userID))
	e.Hint = "ask the operator for an account of GWS"
	return nil, e
}

// place is an interaction, with a document in it, for a party.
type place struct{ interaction, document, userID string }

// url returns the address that the option of that name has for the place.
func (c *Client) url(option string, at place) string {
	path := strings.NewReplacer(
		"{interaction}", url.PathEscape(at.interaction), "{document}", url.PathEscape(at.document),
		"{media}", url.PathEscape(c.cfg.Named.get("media")),
	).Replace(c.cfg.Named.get(option))
	return c.base.String() + path
}

// errUnclear marks an error after which GWS may have done what it was asked.
var errUnclear = errors.New("the outcome is unclear")

// unlessUnsent marks the error of a request as unclear, unless no connection was made for it.
func unlessUnsent(err error) error {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return err
	}
	return errors.Join(errUnclear, err)
}

// away is an error that another try may not meet.
func away(err error) error { return bridge.WrapError(bridge.CodeStorageUnavailable, err) }

// do sends a request, and again after a new login if its session has ended; body is nil or
// makes the body, which is read from its beginning each time. A response that is not 2xx is
// an error. ctx must outlive the response's body.
func (c *Client) do(ctx context.Context, method, address string, at place, body func(*http.Request) error) (*http.Response, error) {
	l, err := c.loginOf(at.userID)
	if err != nil {
		return nil, err
	}
	for again := false; ; again = true {
		if err := l.begin(ctx, c.url("login-path", at)); err != nil {
			return nil, err
		}
		r, err := http.NewRequestWithContext(ctx, method, address, nil)
		if err != nil {
			return nil, bridge.AsError(err)
		}
		if body != nil {
			if err := body(r); err != nil {
				return nil, err
			}
		}
		l.authenticate(r)
		res, err := l.client.Do(r)
		if err != nil {
			return nil, away(unlessUnsent(err))
		}
		if res.StatusCode == http.StatusUnauthorized && l.kind == LoginSession && !again {
			drain(res)
			l.forget()
			continue
		}
		return res, statusError(res)
	}
}

// statusError is the error of a response that is not 2xx; its body is read then.
func statusError(res *http.Response) error {
	if res.StatusCode/100 == 2 {
		return nil
	}
	drain(res)
	err := fmt.Errorf("GWS answered %s", res.Status)
	switch res.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		return bridge.WrapError(bridge.CodeDocument, err)
	case http.StatusRequestEntityTooLarge:
		return bridge.WrapError(bridge.CodeFileSize, err)
	case http.StatusTooManyRequests:
		return bridge.WrapError(bridge.CodeBusy, err)
	case http.StatusUnauthorized, http.StatusForbidden:
		return away(fmt.Errorf("GWS refuses the account: %s", res.Status)) // an operator can mend that
	}
	if res.StatusCode >= http.StatusInternalServerError {
		err = errors.Join(errUnclear, err) // of a gateway in between, or after the work was done
	}
	return away(err)
}

const maxAnswer = 1 << 20

// drain makes the connection reusable.
func drain(res *http.Response) {
	io.CopyN(io.Discard, res.Body, maxAnswer)
	res.Body.Close()
}

// answer is what GWS answers: statusCode is documented; status.code was seen in the clients of
// the Workspace API, where 0 is done and 1 is begun.
type answer struct {
	StatusCode *int   `json:"statusCode"`
	DocumentID string `json:"documentId"`
	Message    string `json:"statusMessage"`
	Status     *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"status"`
}

// read reads the answer of a request that changes something. What cannot be read may have been
// done; what has another status was refused.
func read(res *http.Response) (a answer, err error) {
	defer drain(res)
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&a); err != nil {
		return a, away(errors.Join(errUnclear, fmt.Errorf("read the answer of GWS, of type %.100q: %w", res.Header.Get("Content-Type"), err)))
	}
	switch {
	case a.StatusCode != nil && *a.StatusCode != 0:
		return a, away(fmt.Errorf("GWS answered statusCode %d: %s", *a.StatusCode, bounded(a.Message)))
	case a.StatusCode == nil && a.Status == nil:
		return a, away(errors.Join(errUnclear, errors.New("the answer of GWS has no status")))
	case a.StatusCode == nil && a.Status.Code != 0 && a.Status.Code != 1:
		return a, away(fmt.Errorf("GWS answered status %d: %s", a.Status.Code, bounded(a.Status.Message)))
	}
	return a, nil
}

func bounded(s string) string { return fmt.Sprintf("%.200q", s) }

// call posts JSON, or nothing, and reads the answer.
func (c *Client) call(ctx context.Context, method, address string, at place, body any) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var send func(*http.Request) error
	if body != nil {
		content, err := json.Marshal(body)
		if err != nil {
			return answer{}, bridge.AsError(err)
		}
		send = func(r *http.Request) error {
			r.Header.Set("Content-Type", "application/json")
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
			return nil
		}
	}
	res, err := c.do(ctx, method, address, at, send)
	if err != nil {
		return answer{}, err
	}
	return read(res)
}

// stalls cancels a request whose bytes have not moved for the timeout.
func (c *Client) stalls(ctx context.Context) (context.Context, *time.Timer, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(c.cfg.Timeout, func() { cancel(errStalled) })
	return ctx, timer, cancel
}

var errStalled = errors.New("no byte moved in time")
