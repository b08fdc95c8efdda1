package main

import (
	"github.com/hack-pad/safejs"

	"attache/bridge"
	"attache/wasm/client"
)

// exports makes the object that JavaScript calls. Every function takes strings and
// numbers, a session's handle first; the session reports the result.
func (p *page) exports() (safejs.Value, error) {
	constructor, err := safejs.Global().Get("Object")
	if err != nil {
		return safejs.Value{}, err
	}
	object, err := constructor.New()
	if err != nil {
		return safejs.Value{}, err
	}
	for name, f := range map[string]func(*arguments) any{
		"open":     p.open,
		"close":    p.of(func(s *client.Session, _ *arguments) { s.Close() }),
		"token":    p.of(token),
		"say":      p.of(say),
		"notify":   p.of(notify),
		"typing":   p.of(typing),
		"find":     p.of(find),
		"ask":      p.of(ask),
		"leave":    p.of(leave),
		"upload":   p.of(p.upload),
		"filled":   p.of(filled),
		"unread":   p.of(unread),
		"cancel":   p.of(cancel),
		"discard":  p.of(discard),
		"wake":     p.of(func(s *client.Session, _ *arguments) { s.Wake() }),
		"check":    check,
		"describe": describe,
		"live":     func(*arguments) any { return p.live },
	} {
		fn, err := safejs.FuncOf(p.export(f))
		if err != nil {
			return object, err
		}
		if err := object.Set(name, fn); err != nil {
			return object, err
		}
	}
	return object, nil
}

// export makes f callable: a panic in it is returned as an error's text.
func (p *page) export(f func(*arguments) any) func(safejs.Value, []safejs.Value) any {
	return func(_ safejs.Value, values []safejs.Value) (result any) {
		p.client.Contain(func() { result = f(&arguments{values: values}) }, func(err *bridge.Error) {
			result = string(bridge.AppendError(nil, err))
		})
		p.reports.flush()
		return result
	}
}

// of makes a function of a session, whose handle is the first argument.
func (p *page) of(f func(*client.Session, *arguments)) func(*arguments) any {
	return func(a *arguments) any {
		p.client.Do(a.integer(), func(s *client.Session) { f(s, a) })
		return nil
	}
}

// open (handle, report, dial, url, clientVersion, secureKey, id, position, user): the last three
// are of a session that continues after a program that has ended.
func (p *page) open(a *arguments) any {
	handle, report, dialer := a.integer(), a.function(), a.function()
	options := client.Options{
		URL: a.text(), ClientVersion: a.integer(), SecureKey: a.text(), ID: a.text(), Position: a.integer(), User: a.text(),
		Dial:   func(url string, l client.Listener) (*client.Socket, error) { return p.dial(dialer, url, l) },
		Report: func(w client.Word, call int64, text []byte) { p.reports.add(report, w, call, text) },
	}
	if a.err != nil {
		return string(bridge.AppendError(nil, bridge.AsError(a.err)))
	}
	p.client.Open(handle, options)
	return nil
}

// valid refuses the call of that number if an argument was wrong.
func (a *arguments) valid(s *client.Session, call int64) bool {
	if a.err != nil {
		s.Refuse(call, a.err)
	}
	return a.err == nil
}

func token(s *client.Session, a *arguments) {
	number, token, fixed, problem := a.integer(), a.text(), a.flag(), a.text()
	if a.err == nil {
		s.Token(number, token, fixed, problem)
	}
}

func say(s *client.Session, a *arguments) {
	call, m := a.integer(), bridge.Say{
		Key: a.text(), Text: a.text(), Visibility: bridge.Visibility(a.text()),
		Receiver: a.text(), MessageType: a.text(), TreatAs: bridge.TreatAs(a.text()),
	}
	if a.valid(s, call) {
		s.Say(call, m)
	}
}

func notify(s *client.Session, a *arguments) {
	call, m := a.integer(), bridge.Notify{
		Key: a.text(), Notice: a.text(), Text: a.text(), Data: a.data(),
		Visibility: bridge.Visibility(a.text()), Receiver: a.text(),
	}
	if a.valid(s, call) {
		s.Notify(call, m)
	}
}

func typing(s *client.Session, a *arguments) {
	on, preview, visibility, receiver := a.flag(), a.text(), a.text(), a.text()
	if a.err == nil {
		s.Typing(on, preview, bridge.Visibility(visibility), receiver)
	}
}

func find(s *client.Session, a *arguments) {
	call, words, after := a.integer(), a.text(), a.text()
	if a.valid(s, call) {
		s.Find(call, words, after)
	}
}

func ask(s *client.Session, a *arguments) {
	call, file, attempt := a.integer(), a.text(), a.text()
	if a.valid(s, call) {
		s.Ask(call, file, attempt)
	}
}

func leave(s *client.Session, a *arguments) {
	call, after := a.integer(), a.text()
	if a.valid(s, call) {
		s.Leave(call, bridge.AfterAction(after))
	}
}

func (p *page) upload(s *client.Session, a *arguments) {
	call, pump, group := a.integer(), a.object(), a.integer()
	offer := bridge.Offer{
		Key: a.text(), Name: a.text(), Size: a.integer(), MimeType: a.text(), UploadType: a.text(),
		Description: a.text(), Digest: a.text(), Visibility: bridge.Visibility(a.text()), Custom: a.pairs(),
	}
	if a.valid(s, call) {
		s.Upload(call, group, offer, p.pump(pump))
	}
}

func filled(s *client.Session, a *arguments) {
	call, view := a.integer(), a.object()
	if a.err == nil {
		s.Filled(call, view)
	}
}

func unread(s *client.Session, a *arguments) {
	call, before := a.integer(), a.flag()
	if a.err == nil {
		s.Unread(call, before)
	}
}

func cancel(s *client.Session, a *arguments) {
	if call := a.integer(); a.err == nil {
		s.Cancel(call)
	}
}

func discard(s *client.Session, a *arguments) {
	if key := a.text(); a.err == nil {
		s.Discard(key)
	}
}

// check (name, size, limits) returns the error as JSON, or an empty text.
func check(a *arguments) any {
	name, size, text := a.text(), a.integer(), a.text()
	err := a.err
	var limits bridge.Limits
	if err == nil {
		limits, err = bridge.ParseLimits([]byte(text))
	}
	if err == nil {
		err = limits.Check(name, size)
	}
	if err == nil {
		return ""
	}
	return string(bridge.AppendError(nil, bridge.AsError(err)))
}

// describe (name, type) returns a file name as the page shows it, safe to display.
func describe(a *arguments) any {
	name, mimeType := a.text(), a.text()
	if a.err != nil {
		return string(bridge.AppendError(nil, bridge.AsError(a.err)))
	}
	return string(bridge.AppendFileName(nil, bridge.SafeName(name, mimeType)))
}
