package backend

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"attache/bridge"
)

// ClientOptions are the options of [Dial].
type ClientOptions struct {
	// URL is the backend's address, http or https, with or without a path. Required.
	URL string
	// Secret is the secret that both ends share; it travels as a bearer token. Required.
	Secret []byte
	// RetryFor bounds the retries of one request while the backend cannot be reached.
	// 0 is 10 seconds.
	RetryFor time.Duration
	// IdleTimeout is how long a stream of events, or a document being downloaded, may be
	// silent before its request is replaced. 0 is 15 seconds; a backend breaks the silence
	// of a stream after 10 at the latest. The upload of a document may stall four times
	// as long.
	IdleTimeout time.Duration
	// Log gets a warning for each wait for the backend; nil discards it.
	Log *slog.Logger
}

// Client is the proxy's end of the contract. It is safe for concurrent use.
type Client struct {
	cfg      ClientOptions
	base     *url.URL
	http     *http.Client
	features []string
	active   *activities
	limits   *limitWatchers

	maxDocumentSize int64 // bytes; 0: any
}

// Dial asks the backend for its versions and features. Until ctx ends it waits for a
// backend that is unavailable, so that the two processes can be started in any order. A
// backend that rejects the secret or speaks another version is an error at once.
func Dial(ctx context.Context, o ClientOptions) (*Client, error) {
	c, err := newClient(o)
	if err != nil {
		return nil, err
	}
	between := backoff{first: 50 * time.Millisecond, max: time.Second}
	for {
		err := c.greet(ctx)
		if err == nil {
			return c, nil
		}
		if !unavailable(err) || errors.Is(err, errSecret) {
			return nil, fmt.Errorf("ask the backend for its features: %w", err)
		}
		c.cfg.Log.Warn("waiting for the backend", "url", c.base.Redacted(), "error", err)
		if between.pause(ctx) != nil {
			return nil, fmt.Errorf("wait for the backend at %s: %w", c.base.Redacted(), err)
		}
	}
}

func newClient(o ClientOptions) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(o.URL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("the backend's URL is http://host:port or https://host:port, not %q", o.URL)
	}
	if len(o.Secret) == 0 {
		return nil, errors.New("the backend needs a secret that both ends share")
	}
	o.RetryFor = cmp.Or(o.RetryFor, 10*time.Second)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, idleTimeout)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	transport := http.DefaultTransport.(*http.Transport).Clone()
	// Requests come in bursts, from every page of the proxy.
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 256, 256
	transport.ResponseHeaderTimeout = time.Minute
	transport.DisableCompression = true
	transport.Proxy = nil
	return &Client{cfg: o, base: base, limits: &limitWatchers{}, active: &activities{last: map[string]time.Time{}}, http: &http.Client{Transport: transport, CheckRedirect: noRedirect}}, nil
}

// noRedirect follows no redirect, because the secret and the documents are for one host only.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (c *Client) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, idleTimeout)
	defer cancel()
	var h hello
	if err := c.call(ctx, bridge.CodeChatUnavailable, http.MethodGet, pathHello, nil, &h); err != nil {
		return err
	}
	if !slices.Contains(h.Versions, version) {
		return fmt.Errorf("the backend speaks versions %v, and this proxy version %d", h.Versions, version)
	}
	c.features, c.maxDocumentSize = h.Features, h.MaxDocumentSize
	return nil
}

// Close closes the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call sends one request with JSON both ways; body and answer may be nil. If the backend
// cannot be reached, the error has code away.
func (c *Client) call(ctx context.Context, away bridge.Code, method, path string, body, answer any) error {
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
	return c.sendFor(req, away, answer)
}

// sendFor sends req and decodes the response's JSON into answer, unless that is nil.
func (c *Client) sendFor(req *http.Request, away bridge.Code, answer any) error {
	res, err := c.send(req, away)
	if err != nil {
		return err
	}
	defer drain(res)
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxBody)).Decode(answer); err != nil {
		return bridge.WrapError(away, fmt.Errorf("decode the backend's response: %w", err))
	}
	return nil
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	if hasDotSegment(path) {
		if strings.HasPrefix(path, pathDocuments) {
			return nil, bridge.NewError(bridge.CodeDocument, "")
		}
		return nil, bridge.NewError(bridge.CodeFileUnknown, "")
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+string(c.cfg.Secret))
	return req, nil
}

// send returns a response of class 2xx. Any other becomes the error in its body.
func (c *Client) send(req *http.Request, away bridge.Code) (*http.Response, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, bridge.WrapError(away, err)
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer drain(res)
	return nil, responseError(res, away)
}

// drain makes the connection reusable.
func drain(res *http.Response) {
	io.CopyN(io.Discard, res.Body, maxBody)
	res.Body.Close()
}

var errSecret = errors.New("the backend rejects the secret")

// responseError is the error in the response's body. A response without one comes from
// something in between, so the backend is unavailable; so is a backend that rejects the
// secret, because pages can do nothing about that.
func responseError(res *http.Response, away bridge.Code) error {
	if res.StatusCode == http.StatusUnauthorized {
		return bridge.WrapError(away, errSecret)
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if e := decodeError(body); e != nil {
		return e
	}
	if res.StatusCode == http.StatusNotFound && res.Request.Method == http.MethodHead {
		return bridge.NewError(bridge.CodeDocument, "") // a response to HEAD has no body
	}
	return bridge.WrapError(away, fmt.Errorf("the backend answered %s", res.Status))
}

// decodeError reads a wireError; nil if body is not one.
func decodeError(body []byte) error {
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
