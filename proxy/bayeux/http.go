package bayeux

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"attache/proxy/guests"
)

// servePost answers long-polling. The messages are the body, or as older clients send them, the
// parameter message of a form, maybe several times.
func (s *Server) servePost(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.options.MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		http.Error(w, "a request has at most "+strconv.FormatInt(s.options.MaxBody, 10)+" bytes", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, "the body did not arrive", http.StatusBadRequest)
		return
	}
	texts := []string{string(body)}
	if form := bytes.TrimSpace(body); len(form) > 0 && form[0] != '[' && form[0] != '{' {
		if values, err := url.ParseQuery(string(form)); err == nil && values.Has("message") {
			texts = values["message"]
		}
	}
	s.servePoll(w, r, texts, "")
}

var callbackName = regexp.MustCompile(`^[A-Za-z0-9_.]{1,64}$`)

// serveCallback answers callback-polling: a script that calls the page's function.
func (s *Server) serveCallback(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	name := query.Get("jsonp")
	switch {
	case !s.options.Callback:
		http.Error(w, "callback-polling is off", http.StatusForbidden)
	case !callbackName.MatchString(name):
		http.Error(w, "the parameter jsonp is not the name of a function", http.StatusBadRequest)
	case int64(len(r.URL.RawQuery)) > s.options.MaxBody:
		http.Error(w, "the request is too long", http.StatusRequestURITooLong)
	default:
		s.servePoll(w, r, query["message"], name)
	}
}

// servePoll answers the messages of one request.
func (s *Server) servePoll(w http.ResponseWriter, r *http.Request, texts []string, callback string) {
	var messages []Message
	for _, text := range texts {
		some, err := Read([]byte(text), s.options.MaxMessages-len(messages))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		messages = append(messages, some...)
	}
	if len(messages) == 0 {
		http.Error(w, errNoMessage.Error(), http.StatusBadRequest)
		return
	}
	p := poll{server: s, w: w, r: r}
	defer p.exit()
	for _, m := range messages {
		m.Header = r.Header
		p.message(m, len(messages) == 1)
	}
	p.write(callback)
}

// poll is one request of a client that polls, or rarely of several clients.
type poll struct {
	server  *Server
	w       http.ResponseWriter
	r       *http.Request
	clients []*Client
	out     [][]byte
	connect [][]byte // answers of connects, which come last: a client sends its next one at them
}

// exit counts the request out of its clients, once it is answered.
func (p *poll) exit() {
	for _, c := range p.clients {
		c.exit()
	}
}

func (p *poll) message(m Message, alone bool) {
	if m.Channel == metaHandshake {
		c, r := p.server.shake(m, p.server.mark(p.w, p.r), p.server.options.Address(p.r))
		if c != nil {
			p.clients = append(p.clients, c)
		}
		p.out = append(p.out, r.text())
		return
	}
	c := p.server.client(m.ClientID)
	if c == nil || !p.enter(c) {
		p.out = append(p.out, m.unknown().text())
		return
	}
	if err := c.rate.Wait(p.r.Context()); err != nil {
		return // nobody waits for the answer
	}
	if m.Channel == metaConnect {
		p.hold(c, m, alone)
		return
	}
	ctx, cancel := context.WithCancel(p.r.Context())
	defer context.AfterFunc(c.ctx, cancel)()
	defer cancel()
	r := p.server.handle(ctx, c, m)
	p.out = append(append(p.out, c.take()...), r.text())
}

// enter counts the request in for the client.
func (p *poll) enter(c *Client) bool {
	if slices.Contains(p.clients, c) {
		return true
	}
	if !c.enter() {
		return false
	}
	p.clients = append(p.clients, c)
	if c.known() {
		guests.MarkKnown(p.r.Context())
	}
	return true
}

// hold answers a connect, which waits if it is alone: other replies of the request would wait
// with it.
func (p *poll) hold(c *Client, m Message, alone bool) {
	h := c.connect(m, nil)
	crowded := false
	if timeout := p.server.holdTime(h); alone && timeout > 0 {
		if p.server.holds(c.Browser) {
			p.writeBy(timeout)
			h.wait(p.r.Context(), p.server.draining, timeout)
			p.server.released(c.Browser)
		} else {
			crowded = true
		}
	}
	texts, r := c.finish(h, p.r.Context().Err() != nil)
	if crowded && r.Advice == nil {
		r.Advice = p.server.advice()
		r.Advice.Interval, r.Advice.Many = max(r.Advice.Interval, 2000), true
	}
	p.out = append(p.out, texts...)
	p.connect = append(p.connect, r.text())
}

// writeBy gives the answer its time to be written, after a pause. A deadline that passes while a
// poll is held would end a stream of HTTP/2.
func (p *poll) writeBy(pause time.Duration) {
	http.NewResponseController(p.w).SetWriteDeadline(time.Now().Add(pause + writeTimeout))
}

func (p *poll) write(callback string) {
	if p.r.Context().Err() != nil {
		return
	}
	p.writeBy(0)
	var b bytes.Buffer
	b.WriteByte('[')
	b.Write(bytes.Join(append(p.out, p.connect...), []byte{','}))
	b.WriteByte(']')
	h := p.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", "application/json;charset=UTF-8")
	body := b.Bytes()
	if callback != "" {
		h.Set("Content-Type", "text/javascript;charset=UTF-8")
		// As a string, which the client parses: so no answer is more than data. The comment keeps
		// the first bytes from being chosen by the page.
		text, _ := json.Marshal(string(body))
		body = slices.Concat([]byte("/**/"+callback+"("), text, []byte(");"))
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	p.w.Write(body)
}
