package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"attache/bridge"
)

// Options say where the backend is.
type Options struct {
	// URL is its address, http or https, with or without a path. Required.
	URL string
	// Secret is what both ends share; it travels as a bearer token. Required.
	Secret []byte
	// Patience is how long one request is repeated while the backend cannot be
	// reached. 0 is 10 seconds.
	Patience time.Duration
	// Silence is how long a stream of events, or a document on its way here, may
	// be silent before it is given up for another. 0 is 15 seconds: of events a
	// relay breaks it after 10 at the latest. A document on its way there may
	// stand still four times as long.
	Silence time.Duration
	// Log is told when the backend is waited for; nil drops it.
	Log *slog.Logger
}

// Client is the proxy's end. It is for any number of goroutines.
type Client struct {
	Options
	base     *url.URL
	http     *http.Client
	features []string
}

// Dial asks the backend for its versions and features, and waits for it until ctx
// ends: whichever of two processes is started first must not matter. A backend
// that refuses the secret or speaks another version is an error at once.
func Dial(ctx context.Context, o Options) (*Client, error) {
	c, err := newClient(o)
	if err != nil {
		return nil, err
	}
	for delay := 50 * time.Millisecond; ; delay = min(2*delay, time.Second) {
		err := c.greet(ctx)
		if err == nil {
			return c, nil
		}
		if !unavailable(err) || errors.Is(err, errSecret) {
			return nil, fmt.Errorf("ask the backend what it can do: %w", err)
		}
		c.Log.Warn("waiting for the backend", "url", c.base.Redacted(), "error", err)
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the backend at %s: %w", c.base.Redacted(), err)
		}
	}
}

func newClient(o Options) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(o.URL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("the backend's URL is http://host:port or https://host:port, not %q", o.URL)
	}
	if len(o.Secret) == 0 {
		return nil, errors.New("the backend needs a secret: both ends share it")
	}
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	if o.Silence == 0 {
		o.Silence = deadAfter
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	// Requests come in bursts, from every page of the proxy.
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 256, 256
	transport.ResponseHeaderTimeout = time.Minute
	transport.DisableCompression = true
	transport.Proxy = nil
	return &Client{Options: o, base: base, http: &http.Client{Transport: transport, CheckRedirect: stay}}, nil
}

// stay refuses redirects: the secret and the bytes are for one host.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (c *Client) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, deadAfter)
	defer cancel()
	var h hello
	if err := c.ask(ctx, bridge.CodeChatUnavailable, http.MethodGet, pathHello, nil, &h); err != nil {
		return err
	}
	if !slices.Contains(h.Versions, version) {
		return fmt.Errorf("it speaks versions %v, and this proxy version %d", h.Versions, version)
	}
	c.features = h.Features
	return nil
}

// Close drops the connections that nobody uses.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// ask sends one request with JSON both ways; body and answer may be nil. away is
// the code of what cannot be reached.
func (c *Client) ask(ctx context.Context, away bridge.Code, method, path string, body, answer any) error {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return bridge.AsError(err)
		}
	}
	req, err := c.request(ctx, method, path, bytes.NewReader(content))
	if err != nil {
		return bridge.AsError(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.answer(req, away, answer)
}

// answer sends req and reads what comes back as JSON, where that is wanted.
func (c *Client) answer(req *http.Request, away bridge.Code, answer any) error {
	res, err := c.send(req, away)
	if err != nil {
		return err
	}
	defer finish(res)
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxBody)).Decode(answer); err != nil {
		return bridge.WrapError(away, fmt.Errorf("understand the backend's answer: %w", err))
	}
	return nil
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	if walks(path) {
		if strings.HasPrefix(path, pathDocuments) {
			return nil, bridge.NewError(bridge.CodeDocument, "")
		}
		return nil, bridge.NewError(bridge.CodeFileUnknown, "")
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+string(c.Secret))
	return req, nil
}

// send returns an answer of class 200; every other is an error, as the backend
// told it.
func (c *Client) send(req *http.Request, away bridge.Code) (*http.Response, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, bridge.WrapError(away, err)
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer finish(res)
	return nil, refusal(res, away)
}

// finish lets the connection be used again.
func finish(res *http.Response) {
	io.CopyN(io.Discard, res.Body, maxBody)
	res.Body.Close()
}

var errSecret = errors.New("the backend does not accept the secret")

// refusal is the error that the backend told. A stranger on the way, which tells
// none, is a backend that cannot be reached; so is one that does not know us, for
// pages have nothing to do with it.
func refusal(res *http.Response, away bridge.Code) error {
	if res.StatusCode == http.StatusUnauthorized {
		return bridge.WrapError(away, errSecret)
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if e := told(body); e != nil {
		return e
	}
	if res.StatusCode == http.StatusNotFound && res.Request.Method == http.MethodHead {
		return bridge.NewError(bridge.CodeDocument, "") // an answer to HEAD has no body
	}
	return bridge.WrapError(away, fmt.Errorf("the backend answered %s", res.Status))
}

// told reads an error as the backend writes it; nil if it is none.
func told(body []byte) error {
	var w wireError
	if json.Unmarshal(body, &w) != nil || w.Error == nil {
		return nil
	}
	e := bridge.NewError(w.Error.Code, w.Error.Message)
	if e.Code != w.Error.Code {
		e.Err = fmt.Errorf("the backend's code %q is not in the catalogue", w.Error.Code)
	}
	return e
}

// unavailable tells whether the same question may be answered in a moment.
func unavailable(err error) bool {
	switch bridge.CodeOf(err) {
	case bridge.CodeChatUnavailable, bridge.CodeStorageUnavailable, bridge.CodeBusy:
		return true
	}
	return false
}

// insist repeats what may be repeated while the backend is away, for as long as
// the caller waits and patience lasts.
func (c *Client) insist(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	for delay := 50 * time.Millisecond; ; delay = min(2*delay, time.Second) {
		err := do(ctx)
		if err == nil || !unavailable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(delay/2 + rand.N(delay)):
		}
	}
}
