// Package widget is a customer's page that speaks GMS' Chat API, written from docs/gms.md alone:
// it shares no code with package gms. It polls, and follows what each answer says of alias and
// secure key.
//
// GMS has no key by which a request could be repeated. So the widget repeats none whose answer
// it did not get, before the transcript has shown that nothing came of it.
package widget

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"sync"
	"time"
)

// Options say where a widget's chat is, and who is told what happens.
type Options struct {
	Address  string // http://host:port
	Service  string
	Nickname string

	// Grace is how long a request whose answer was lost may still have an effect that
	// the transcript does not show yet.
	Grace time.Duration

	// Hangs says after how many bytes of an upload's body the widget hangs up; 0: it does
	// not. May be nil.
	Hangs func(body int64) int64

	Sent func()          // bytes of a file have gone out
	Saw  func(m Message) // a message has come, for the first time
	// Wrong is called with what no server may do, in words.
	Wrong func(format string, args ...any)
}

// Message is an entry of the transcript as it came.
type Message struct {
	Index  int64
	Type   string // ParticipantJoined, Message, FileUploaded …
	From   string // Client, Agent …
	Text   string
	Name   string // of a file
	FileID string
	Size   string
	Times  int // how often it came; the widget asks only for what it does not have
}

// What returns what tells a message from all others: its text, or the name of its file.
func (m Message) What() string {
	if m.Type == typeFile {
		return m.Name
	}
	return m.Text
}

// The types of messages that widgets send themselves.
const (
	typeText = "Message"
	typeFile = "FileUploaded"
)

// Spoken reports whether the message is a text or a file of a party.
func (m Message) Spoken() bool { return m.Type == typeText || m.Type == typeFile }

// Widget is one customer. Its methods may be called on any goroutine.
type Widget struct {
	o      Options
	http   *http.Client
	ctx    context.Context
	cancel context.CancelFunc
	run    sync.WaitGroup

	mu       sync.Mutex
	who      identity
	next     int64 // position
	reads    int64 // how often the transcript was read to its end
	messages []Message
	byIndex  map[int64]int
	ended    bool
	changed  chan struct{}
}

// Open requests a chat and follows it.
func Open(ctx context.Context, o Options) (*Widget, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	w := &Widget{
		o: o, http: &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}, next: 1, byIndex: map[int64]int{},
		changed: make(chan struct{}),
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	if err := w.request(ctx); err != nil {
		w.Close()
		return nil, fmt.Errorf("request a chat: %w", err)
	}
	w.run.Go(func() { w.poll(w.ctx) })
	return w, nil
}

// Close ends the widget as a closed tab does: without sending anything.
func (w *Widget) Close() {
	w.cancel()
	w.run.Wait()
	w.http.CloseIdleConnections()
}

// Chat returns the id of the chat.
func (w *Widget) Chat() string { return w.identity().chat }

// Messages returns what came, in the order in which it first came.
func (w *Widget) Messages() []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.messages)
}

// take takes over an answer, or what was pushed. asked is the position that it was asked for;
// 0 if it is not one that brings messages.
func (w *Widget) take(r reply, asked int64) {
	w.mu.Lock()
	var fresh []Message
	for _, m := range r.Messages {
		if m.Index == nil {
			continue // typing, which the transcript does not keep
		}
		is := m.message()
		if at, again := w.byIndex[is.Index]; again {
			w.messages[at].Times++
			if old := w.messages[at]; old.What() != is.What() || old.Type != is.Type {
				w.o.Wrong("message %d was %q and then %q", is.Index, old.What(), is.What())
			}
			continue
		}
		if asked > 0 && is.Index < asked {
			w.o.Wrong("message %d came when those from %d on were asked for", is.Index, asked)
		}
		w.byIndex[is.Index] = len(w.messages)
		w.messages = append(w.messages, is)
		fresh = append(fresh, is)
	}
	if asked > 0 {
		if r.NextPosition < w.next {
			w.o.Wrong("nextPosition went back from %d to %d", w.next, r.NextPosition)
		}
		w.next = max(w.next, r.NextPosition)
		if len(r.Messages) < partOfMany {
			w.reads++
		}
	}
	if r.ChatEnded && !w.ended {
		w.ended = true
		w.o.Wrong("the chat has ended")
	}
	close(w.changed)
	w.changed = make(chan struct{})
	w.mu.Unlock()
	for _, m := range fresh {
		w.o.Saw(m)
	}
}

// partOfMany is how many messages an answer may have if more follow: long answers come in parts.
const partOfMany = 50

// until waits for a state of the widget under mu.
func (w *Widget) until(ctx context.Context, is func() bool) bool {
	for {
		w.mu.Lock()
		ok, changed := is(), w.changed
		w.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		case <-w.ctx.Done():
			return false
		}
	}
}

// find returns the widget's own message of that text, or of the file of that name; nil if there
// is none yet. The caller holds mu.
func (w *Widget) find(what string) *Message {
	for n, m := range w.messages {
		if m.Spoken() && m.From == "Client" && m.What() == what {
			return &w.messages[n]
		}
	}
	return nil
}
