package main

import (
	"github.com/hack-pad/safejs"

	"attache/bridge"
)

// exports makes the object that JavaScript calls. Every function takes strings
// and numbers, the half's number first; what it leads to is told to the half.
func exports(p *page) (safejs.Value, error) {
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
		"close":    p.of((*session).shut),
		"token":    p.of((*session).takeToken),
		"say":      p.of((*session).takeSay),
		"ask":      p.of((*session).takeAsk),
		"leave":    p.of((*session).takeLeave),
		"upload":   p.of((*session).takeUpload),
		"filled":   p.of((*session).takeFilled),
		"unread":   p.of((*session).takeUnread),
		"cancel":   p.of((*session).takeCancel),
		"discard":  p.of((*session).takeDiscard),
		"wake":     p.of((*session).takeWake),
		"check":    check,
		"describe": describe,
		"live":     func(*arguments) any { return p.live },
	} {
		fn, err := safejs.FuncOf(export(f))
		if err != nil {
			return object, err
		}
		if err := object.Set(name, fn); err != nil {
			return object, err
		}
	}
	return object, nil
}

// export lets nothing out of f but its result.
func export(f func(*arguments) any) func(safejs.Value, []safejs.Value) any {
	return func(_ safejs.Value, values []safejs.Value) (result any) {
		contain(func() { result = f(&arguments{values: values}) }, func(err *bridge.Error) {
			result = string(bridge.AppendError(nil, err))
		})
		return result
	}
}

// of makes a function whose first argument is a session's half, taken as a turn
// of it. A half that is not there any more is nobody's fault.
func (p *page) of(f func(*session, *arguments)) func(*arguments) any {
	return func(a *arguments) any {
		half := a.integer()
		p.turns.run(func() {
			if s := p.sessions[half]; s != nil {
				f(s, a)
			}
		}, func(err *bridge.Error) {
			if s := p.sessions[half]; s != nil {
				s.failed(err)
			}
		})
		return nil
	}
}

// open (half, host, dial, url, clientVersion, id, position, user): the last three are
// of a session that goes on after a program that ended.
func (p *page) open(a *arguments) any {
	s := &session{
		page: p, half: a.integer(), host: a.function(), dial: a.function(), url: a.text(),
		version: a.integer(), id: a.text(), position: a.integer(), user: a.text(),
		files:  map[string]bool{},
		tokens: map[int64]func(*bridge.Error){},
	}
	s.chat.s, s.data.s = s, s
	if a.err != nil {
		return string(bridge.AppendError(nil, bridge.AsError(a.err)))
	}
	p.turns.run(func() {
		p.sessions[s.half] = s
		s.chat.connect()
	}, s.failed)
	return nil
}

func (s *session) shut(*arguments) { s.end(nil) }

func (s *session) takeToken(a *arguments) {
	number, token, fixed, problem := a.integer(), a.text(), a.flag(), a.text()
	if a.err == nil {
		s.obtained(number, token, fixed, problem)
	}
}

// answer runs what a call asks for; a refusal, or a bug, is that call's.
func (s *session) answer(a *arguments, call int64, f func() error) {
	contain(func() {
		err := a.err
		if err == nil {
			err = f()
		}
		if err != nil {
			s.refuse(call, err)
		}
	}, func(err *bridge.Error) {
		s.cancel(call)
		s.refuse(call, err)
	})
}

func (s *session) takeSay(a *arguments) {
	call, key, text, visibility := a.integer(), a.text(), a.text(), a.text()
	s.answer(a, call, func() error { return s.say(call, key, text, bridge.Visibility(visibility)) })
}

func (s *session) takeAsk(a *arguments) {
	call, file, attempt := a.integer(), a.text(), a.text()
	s.answer(a, call, func() error { return s.ask(call, file, attempt) })
}

func (s *session) takeLeave(a *arguments) {
	call, after := a.integer(), a.text()
	s.answer(a, call, func() error { return s.leave(call, bridge.AfterAction(after)) })
}

func (s *session) takeUpload(a *arguments) {
	call, pump, group := a.integer(), a.object(), a.integer()
	offer := bridge.Offer{
		Key: a.text(), Name: a.text(), Size: a.integer(), MimeType: a.text(), UploadType: a.text(),
		Description: a.text(), Digest: a.text(), Visibility: bridge.Visibility(a.text()), Custom: a.pairs(),
	}
	s.answer(a, call, func() error { return s.upload(call, group, offer, pump) })
}

func (s *session) takeFilled(a *arguments) {
	call, view := a.integer(), a.object()
	if u := s.called(call); u != nil && a.err == nil {
		u.shield(func() { u.filled(view) })
	}
}

func (s *session) takeUnread(a *arguments) {
	call, before := a.integer(), a.flag()
	if u := s.called(call); u != nil && a.err == nil {
		u.shield(func() { u.unread(before) })
	}
}

func (s *session) called(call int64) *upload {
	for _, u := range s.uploads {
		if u.call == call {
			return u
		}
	}
	return nil
}

// shield makes a bug in one upload that upload's failure.
func (u *upload) shield(f func()) { contain(f, u.abandon) }

func (s *session) takeCancel(a *arguments) {
	if call := a.integer(); a.err == nil {
		s.cancel(call)
	}
}

func (s *session) takeDiscard(a *arguments) {
	if key := a.text(); a.err == nil {
		s.forget(key)
	}
}

func (s *session) takeWake(*arguments) { s.chat.wake() }

// check (name, size, limits) returns the refusal, or an empty text.
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

// describe (name, type) returns a file name, judged.
func describe(a *arguments) any {
	name, mimeType := a.text(), a.text()
	if a.err != nil {
		return string(bridge.AppendError(nil, bridge.AsError(a.err)))
	}
	return string(bridge.AppendFileName(nil, bridge.SafeName(name, mimeType)))
}
