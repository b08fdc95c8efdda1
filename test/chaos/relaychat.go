package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"attache/bridge"
	"attache/test/chaos/bugs"
	"attache/test/chaos/widget"
	"attache/wasm/page"
)

// side is who says something in a chat.
type side string

const (
	fromAgent    side = "agent"
	fromCustomer side = "customer"
)

// saying is a text or a file as its sender meant it. Its text, or its name, is unlike all others:
// it is what both sides know it by, because the two processes need not share a key.
type saying struct {
	what   string
	from   side
	file   bool
	size   int64
	digest [sha256.Size]byte

	sure    bool // it was acknowledged
	unclear bool // its sender was shown that nobody knows
	fileID  string
}

// relayedChat is one chat: an agent's page at the process that serves GMS' Chat API, and either a
// customer's widget there, or a customer's page at the process that relays.
type relayedChat struct {
	*relay
	name   string
	id     string
	agent  *page.Page
	widget *widget.Widget
	page   *page.Page

	mu      sync.Mutex
	sayings map[string]*saying
}

// open begins a chat, before any harm is done.
func (r *relay) open(ctx context.Context, name string, byWidget bool) (err error) {
	c := &relayedChat{relay: r, name: name, sayings: map[string]*saying{}}
	r.chats = append(r.chats, c)
	if byWidget {
		random := r.random("hangs/" + name)
		c.widget, err = widget.Open(ctx, widget.Options{
			Address: r.stage.served, Service: "support", Nickname: name, Grace: widgetGrace,
			Hangs: func(body int64) int64 { return hangs(random, body) },
			Sent:  func() { r.moments.came(bugs.Sent, pageRef{}) },
			Saw: func(m widget.Message) {
				if m.Spoken() {
					r.moments.came(bugs.Announced, pageRef{})
				}
			},
			Wrong: func(format string, args ...any) {
				r.findings.add(contradicted, "the widget of %s: %s", name, fmt.Sprintf(format, args...))
			},
		})
		if err != nil {
			return err
		}
	} else if c.page, err = c.enter(r.stage.address, name, name, bridge.Client); err != nil {
		return err
	}
	if c.id, err = r.desk.chat(ctx, name); err != nil {
		return err
	}
	c.agent, err = c.enter(r.stage.served, c.id, "agent", bridge.Agent)
	return err
}

// widgetGrace is longer than the delivery of a file takes after the last process is back.
const widgetGrace = 6 * time.Second

// hangs lets one upload in six be cut by its sender.
func hangs(random *rand.Rand, body int64) int64 {
	if random.IntN(6) > 0 {
		return 0
	}
	return 1 + random.Int64N(body)
}

func (c *relayedChat) enter(address, session, user string, kind bridge.UserType) (*page.Page, error) {
	token, err := c.token(session, user, kind)
	if err != nil {
		return nil, err
	}
	came := func(m bugs.Moment) { c.moments.came(m, pageRef{}) }
	return page.Open(page.Options{
		Address: func() string { return address }, Token: token, Origin: origin, Module: true,
		Heard: func(_ string, m *bridge.Upload) {
			if m.State == bridge.Accepted {
				came(bugs.Accepted)
			}
		},
		Saw: func(e bridge.Event) {
			if spoken(e) {
				came(bugs.Announced)
			}
		},
	}), nil
}

func (c *relayedChat) pages() []*page.Page {
	if c.page == nil {
		return []*page.Page{c.agent}
	}
	return []*page.Page{c.agent, c.page}
}

func (c *relayedChat) close() {
	if c.widget != nil {
		c.widget.Close()
	}
	for _, p := range c.pages() {
		if p != nil {
			p.Close()
		}
	}
}

// sendOne sends a text or a file of one side, and records what its sender was told.
func (c *relayedChat) sendOne(ctx context.Context, o workload, from side, random *rand.Rand) {
	ctx, cancel := context.WithTimeout(ctx, o.sendTime)
	defer cancel()
	key := fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64())
	s := &saying{what: "text " + key, from: from, file: random.IntN(5) < 3}
	var content []byte
	if s.file {
		s.what, s.size = "f-"+key+".bin", logUniform(random, max(o.minSize, int64(len(slowMark))), o.maxSize)
		content = make([]byte, s.size)
		rand.NewChaCha8([32]byte([]byte(key))).Read(content)
		if c.slow > 0 && random.IntN(c.slow) == 0 {
			copy(content, slowMark)
		}
		s.digest = sha256.Sum256(content)
	}
	c.mu.Lock()
	c.sayings[s.what] = s
	c.mu.Unlock()
	fileID, err := c.say(ctx, s, key, content)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		s.sure, s.fileID = true, fileID
	case errors.Is(err, widget.ErrUnclear) || ctx.Err() != nil:
		s.unclear = true
		c.log.Info("unclear", "what", s.what, "from", s.from, "chat", c.name, "error", err)
	default:
		c.findings.add(refused, "%s of the %s in %s: %v", s.what, s.from, c.name, err)
	}
}

func (c *relayedChat) say(ctx context.Context, s *saying, key string, content []byte) (fileID string, err error) {
	switch {
	case s.from == fromCustomer && c.widget != nil && s.file:
		return c.widget.Send(ctx, s.what, content)
	case s.from == fromCustomer && c.widget != nil:
		return "", c.widget.Say(ctx, s.what)
	}
	p := c.agent
	if s.from == fromCustomer {
		p = c.page
	}
	if !s.file {
		return "", sayUntilDone(ctx, p, key, s.what)
	}
	u := &page.Upload{
		Key: key, Name: s.what, Content: content,
		Sent:   func(int64) { c.moments.came(bugs.Sent, pageRef{}) },
		Acked:  func() { c.moments.came(bugs.Acked, pageRef{}) },
		Broken: func(b page.Breach) { c.findings.add(breaches[b], "%s: %s", s.what, b) },
	}
	if err := p.Send(ctx, u); err != nil {
		return "", err
	}
	if u.State == bridge.Failed {
		return "", bridge.NewError(u.Code, "")
	}
	return "", nil
}

// sayUntilDone says a text, under its key again as long as it might help.
func sayUntilDone(ctx context.Context, p *page.Page, key, text string) error {
	for {
		err := p.Say(ctx, key, text)
		if e := (*bridge.Error)(nil); err == nil || !errors.As(err, &e) || !e.Retry || !pause(ctx, 50*time.Millisecond) {
			return err
		}
	}
}

// count adds the chat to out.
func (c *relayedChat) count(out *outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sayings {
		out.Uploads++
		out.Bytes += s.size
		if !s.file {
			out.Texts++
		}
		switch {
		case s.sure:
			out.Announced++
		case s.unclear:
			out.Unclear++
		}
	}
}
