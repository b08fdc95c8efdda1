package ucs

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/spool"
)

// ClientOptions are the options of [NewClient].
type ClientOptions struct {
	// URL is UCS's address, http or https, with its base-url if it has one; a user and a password
	// in it are sent by Basic authentication. Required.
	URL string
	// Secret is sent as a bearer token. How UCS authenticates is unknown; our own end wants one.
	Secret []byte
	// TLS has the roots that the server's certificate must come from, and the client's
	// certificate; nil: the system's roots, and none.
	TLS *tls.Config
	// Ledger is what we know of documents that UCS does not, and Spool where whole documents are
	// read to. Both outlive the client. Required.
	Ledger *Ledger
	Spool  *spool.Spool
	// Timeout is how long UCS may take to answer, and to take or send the next piece of a
	// document. It must be longer than UCS itself waits for its database. Default: a minute.
	Timeout time.Duration
	// RetryFor bounds the retries of a request that may be repeated. Default: 10 s.
	RetryFor time.Duration
	// UnclearPause is how long a document is not added again after an AddDocument that may have
	// added it, four times as long after each further one: each may leave a document in UCS that
	// nobody uses. Default: 1 s.
	UnclearPause time.Duration
	// Keep is how long a document stays in the spool after its last use: as long as a download may
	// be resumed. Default: 10 min.
	Keep time.Duration
	// MaxSize is the largest document, in bytes. Default: [proxy.MaxTheSize].
	MaxSize int64
	// Dialect says what is sent. With AddAtOnce, AddDocument has the content: if its answer is lost,
	// a document that nobody knows stays in UCS, and a log line says so. With Interaction, the
	// session's id is the InteractionId of what is added, and Documents has links.
	Dialect Dialect
	// Log gets unclear outcomes and changes; nil discards them.
	Log *slog.Logger
}

// Client is a document store in a UCS. Its ids are UCS's.
type Client struct {
	cfg   ClientOptions
	base  *url.URL
	http  *http.Client
	ctx   context.Context // of fetches
	stop  context.CancelFunc
	tasks sync.WaitGroup

	mu      sync.Mutex
	fetches map[string]*fetch // by key of the spool
	changed map[string]bool   // documents whose content is not what we added
	closed  bool
}

// NewClient returns a client. It asks nothing of UCS, because no method for that is documented.
func NewClient(o ClientOptions) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(o.URL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("UCS's URL is http://host:port or https://host:port, with its base-url if it has one")
	}
	if o.Ledger == nil || o.Spool == nil {
		return nil, errors.New("UCS's client needs a Ledger and a Spool")
	}
	o.Timeout = cmp.Or(o.Timeout, time.Minute)
	o.RetryFor = cmp.Or(o.RetryFor, 10*time.Second)
	o.UnclearPause = cmp.Or(o.UnclearPause, time.Second)
	o.Keep = cmp.Or(o.Keep, 10*time.Minute)
	o.MaxSize = cmp.Or(o.MaxSize, proxy.MaxTheSize)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy, transport.DisableCompression = nil, true
	transport.ResponseHeaderTimeout, transport.TLSClientConfig = o.Timeout, o.TLS
	transport.MaxIdleConnsPerHost = 16
	c := &Client{
		cfg: o, base: base, fetches: map[string]*fetch{}, changed: map[string]bool{},
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.tasks.Go(c.expire)
	return c, nil
}

// Close ends fetches. Contents that are open and in the spool stay readable.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.stop()
	c.tasks.Wait()
	c.http.CloseIdleConnections()
}

// expire drops from the spool what nobody has used for a while.
func (c *Client) expire() {
	tick := time.NewTicker(min(c.cfg.Keep, time.Minute))
	defer tick.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case now := <-tick.C:
			c.cfg.Spool.Sweep(now.Add(-c.cfg.Keep))
		}
	}
}

// call is one request of ours.
type call struct {
	verb, method string
	members      []member // in the query of GET and DELETE
	content      io.Reader
	size         int64
	receive      func(m message, content io.Reader) error // of the reply's content; nil: there is none
}

// errUnclear marks an error after which UCS may have done what was asked.
var errUnclear = errors.New("UCS may have done what it was asked")

// send makes one request, and returns the reply. Codes: document-unknown, busy, name-length, and
// storage-unavailable, which is errUnclear as well if the request may have had an effect.
func (c *Client) send(ctx context.Context, one call) (message, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(c.cfg.Timeout, func() { cancel(errSilent) })
	defer stalled.Stop()
	moves := func() { stalled.Reset(c.cfg.Timeout) }
	req, failed, err := c.request(ctx, one, moves)
	if err != nil {
		return nil, bridge.AsError(err)
	}
	res, err := c.http.Do(req)
	if local := failed(); local != nil {
		if err == nil {
			res.Body.Close()
		}
		return nil, local
	}
	if err != nil {
		return nil, c.unreached(ctx, err)
	}
	defer res.Body.Close()
	return c.read(ctx, one, res, moves)
}

var errSilent = errors.New("UCS did not answer in time")

// unreached is the error of a request without a reply.
func (c *Client) unreached(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = errors.Join(cause, err)
	}
	if !dialFailed(err) {
		err = errors.Join(errUnclear, err)
	}
	return bridge.WrapError(bridge.CodeStorageUnavailable, err)
}

// request builds the request. failed returns the error of our own content, after the request.
func (c *Client) request(ctx context.Context, one call, moves func()) (req *http.Request, failed func() error, err error) {
	address := c.base.String() + pathPrefix + serviceDocument + "/" + one.method
	failed = func() error { return nil }
	if one.verb == http.MethodGet || one.verb == http.MethodDelete {
		query := url.Values{}
		for _, m := range one.members {
			query.Set(m.name, fmt.Sprint(m.value))
		}
		req, err = http.NewRequestWithContext(ctx, one.verb, address+"?"+query.Encode(), nil)
	} else {
		var out *outgoing
		if out, err = newOutgoing(groupParameters, one.members, one.content, one.size, c.cfg.Dialect); err != nil {
			return nil, failed, err
		}
		var body io.Reader
		if one.content == nil {
			body = bytes.NewReader(out.before)
		} else {
			sent := newSentBody(out, moves)
			body, failed = sent, sent.failed
		}
		if req, err = http.NewRequestWithContext(ctx, one.verb, address, body); err != nil {
			return nil, failed, err
		}
		req.ContentLength = out.length()
		req.Header.Set("Content-Type", "application/json")
	}
	if err == nil && len(c.cfg.Secret) > 0 {
		req.Header.Set("Authorization", "Bearer "+string(c.cfg.Secret))
	}
	return req, failed, err
}

// sentBody is an outgoing message as the body of a request.
type sentBody struct {
	*io.PipeReader
	moves func()
	ended chan struct{}
	err   error
}

func newSentBody(out *outgoing, moves func()) *sentBody {
	in, w := io.Pipe()
	s := &sentBody{PipeReader: in, moves: moves, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		_, s.err = out.WriteTo(w)
		w.CloseWithError(s.err)
	}()
	return s
}

func (s *sentBody) Read(p []byte) (int, error) {
	s.moves()
	return s.PipeReader.Read(p)
}

// failed is the error of the content itself; nil if the other end stopped reading.
func (s *sentBody) failed() error {
	s.PipeReader.Close()
	<-s.ended
	if errors.Is(s.err, io.ErrClosedPipe) {
		return nil
	}
	return s.err
}

// read reads a reply. Members and faults are taken from every place where they may be.
func (c *Client) read(ctx context.Context, one call, res *http.Response, moves func()) (message, error) {
	got := false
	r := messageReader{groups: []string{"", groupParameters, groupUserData, groupFault}}
	r.content = func(m message, content io.Reader) error {
		if one.receive == nil || got || m.get(memberFaultCode).kind != absent {
			_, err := io.Copy(io.Discard, content)
			return err
		}
		got = true
		return one.receive(m, content)
	}
	m, err := r.read(&movingReader{res.Body, moves})
	ok := res.StatusCode/100 == 2
	switch code := m.get(memberFaultCode); {
	case err == nil && code.kind != absent:
		return nil, faultError(code, m)
	case ok && bridge.CodeOf(err) != "":
		return nil, err // of our own end
	case ok && err == nil:
		return m, nil
	case !ok:
		err = fmt.Errorf("UCS answered %s without a fault: check the URL, its base-url and what UCS requires of its clients", res.Status)
		if res.StatusCode/100 == 5 {
			err = errors.Join(errUnclear, err)
		}
	default:
		err = errors.Join(errUnclear, context.Cause(ctx), fmt.Errorf("UCS's reply cannot be read: %w", err))
	}
	return nil, bridge.WrapError(bridge.CodeStorageUnavailable, err)
}

type movingReader struct {
	io.Reader
	moves func()
}

func (r *movingReader) Read(p []byte) (int, error) {
	r.moves()
	return r.Reader.Read(p)
}

// retry repeats a request that may be repeated while UCS is unavailable.
func (c *Client) retry(ctx context.Context, do func(context.Context) error) error {
	until := time.Now().Add(c.cfg.RetryFor)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := do(ctx)
		if code := bridge.CodeOf(err); code != bridge.CodeStorageUnavailable && code != bridge.CodeBusy || !bridge.AsError(err).Retry || time.Now().After(until) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}
