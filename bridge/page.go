package bridge

import "strconv"

// This file encodes what the module passes to the page's JavaScript, in the shapes of
// attache.d.ts. Only package wasm uses it, except for AppendLimits; it is here
// because
// it needs the codec. Each event is one JSON text, so that the border to JavaScript is
// crossed once. Unlike on the wire, empty members are written, too, so that a page need
// not check for keys; only a limit that does not exist is left out.

// AppendTranscriptItem appends an event as the page's transcript shows it to the
// party with that user id. A file-uploaded notice that can be decoded becomes a file.
func AppendTranscriptItem(out []byte, e Event, self string) []byte {
	return encodePage(out, newTranscriptItem(e, self))
}

// AppendSessionInfo appends a welcome's session id, party, rights and limits, and what it
// says of the chat session.
func AppendSessionInfo(out []byte, w *Welcome) []byte {
	return encodePage(out, (*sessionInfo)(w))
}

// AppendChatInfo appends only what a welcome says of the chat session.
func AppendChatInfo(out []byte, w *Welcome) []byte { return encodePage(out, (*chatInfo)(w)) }

// AppendLimits appends l with every counter. [ParseLimits] reads it.
func AppendLimits(out []byte, l Limits) []byte { return encodePage(out, &l) }

// AppendFileName appends n with every key.
func AppendFileName(out []byte, n Name) []byte { return encodePage(out, &n) }

// AppendFound appends a page of the library of standard responses.
func AppendFound(out []byte, m *Found) []byte { return encodePage(out, (*pageFound)(m)) }

// Step is the state of one of the page's uploads.
type Step struct {
	Key                 string
	State               UploadState
	Sent, Stored, Total int64 // bytes: handed to the network, durable, in the file
	Name                Name
	At                  int64  // milliseconds since 1970, by the page's clock
	Error               *Error // in state failed
	Event               *Event // the notice, in state announced
	Resumed             bool   // it resumes at Stored after a break
	Over                bool   // the proxy's record is final: this key cannot be resumed
}

// AppendStep appends a change of an upload's state, and the file if it is announced.
func AppendStep(out []byte, s Step, self string) []byte {
	return encodePage(out, &stepOf{Step: s, self: self})
}

// AppendProgress appends only the key, the state and the byte counts of s.
func AppendProgress(out []byte, s Step) []byte { return encodePage(out, (*progress)(&s)) }

// transcriptItem is an event as the page shows it.
type transcriptItem struct {
	Event
	kind string
	own  bool
	file File
}

func newTranscriptItem(e Event, self string) *transcriptItem {
	out := transcriptItem{Event: e, own: e.From.UserID == self}
	switch e.Type {
	case NewParty:
		out.kind = "join"
	case PartyLeft:
		out.kind = "leave"
	case Message:
		out.kind = "message"
	default:
		out.kind = noticeKind(e)
	}
	file, err := DecodeFile(e)
	if err != nil {
		return &out
	}
	out.kind, out.file = "file", file
	out.file.Custom = nil
	for _, item := range file.Custom {
		out.file.Custom = append(out.file.Custom, Text(item.Key, item.Text))
	}
	return &out
}

// noticeKind is how a page shows a notice. One that is not as it should be, by a sender that
// does not keep to the rules, is only a notice.
func noticeKind(e Event) string {
	switch e.NoticeType {
	case TypingStarted, TypingStopped:
		return "typing"
	case UpdateNick:
		return "nickname"
	case PushURL:
		if CheckURL(e.Text) == nil {
			return "url"
		}
	case ReadReceipt:
		if _, err := parseSize(e.Data.Get(KeyPosition)); err == nil {
			return "receipt"
		}
	case IdleControlAlert, IdleControlClose:
		return "idle"
	case SystemCommand:
		if e.Text == FileDeleted && e.Data.Get(KeyFileID) != "" {
			return "deletion"
		}
	}
	return "notice"
}

func (e *transcriptItem) fields(f fields) {
	f.text("type", &e.kind, 0)
	f.number("event", &e.ID)
	f.number("at", &e.At)
	f.object("from", (*pageParty)(&e.From), nil)
	f.flag("own", &e.own)
	f.text("visibility", (*string)(&e.Visibility), 0)
	ifSet(f, "receiver", e.Receiver)
	switch e.kind {
	case "file":
		e.file.fields(f)
	case "message":
		f.optional("text", &e.Text, 0)
		ifSet(f, "messageType", e.MessageType)
		ifSet(f, "treatAs", string(e.TreatAs))
	case "typing":
		on := e.NoticeType == TypingStarted
		f.flag("on", &on)
		f.optional("preview", &e.Text, 0)
	case "nickname":
		f.optional("nickname", &e.From.Nickname, 0)
	case "url":
		f.text("url", &e.Text, 0)
	case "receipt":
		position, _ := parseSize(e.Data.Get(KeyPosition))
		f.number("position", &position)
	case "deletion":
		file := e.Data.Get(KeyFileID)
		f.text("file", &file, 0)
	case "idle":
		closed := e.NoticeType == IdleControlClose
		f.flag("closed", &closed)
		f.optional("text", &e.Text, 0)
		f.data("data", &e.Data)
	case "notice":
		f.optional("notice", &e.NoticeType, 0)
		f.optional("text", &e.Text, 0)
		f.data("data", &e.Data)
	default:
		nested(f, "reason", &e.Reason)
		ifSet(f, "asker", e.Asker)
	}
}

// ifSet is for a member that few events have.
func ifSet(f fields, key, value string) {
	if value != "" {
		f.text(key, &value, 0)
	}
}

// pageFound is a Found for the page.
type pageFound Found

func (m *pageFound) fields(f fields) {
	var each []described
	for i := range m.Responses {
		each = append(each, (*pageResponse)(&m.Responses[i]))
	}
	f.objects("responses", each, MaxFound, nil)
	f.flag("more", &m.More)
}

// pageResponse is a Response for the page, whose files have a documentId as well.
type pageResponse Response

func (r *pageResponse) fields(f fields) {
	f.text("documentId", &r.DocumentID, 0)
	f.text("name", &r.Name, 0)
	f.text("folder", &r.Folder, 0)
	f.text("description", &r.Description, 0)
	f.number("size", &r.Size)
}

// pageParty is a Party for the page, with a style only if it has one.
type pageParty Party

func (p *pageParty) fields(f fields) {
	f.text("userId", &p.UserID, 0)
	f.optional("nickname", &p.Nickname, 0)
	f.text("userType", (*string)(&p.UserType), 0)
	if p.Style != "" {
		f.text("style", (*string)(&p.Style), 0)
	}
}

// sessionInfo is a Welcome for the page.
type sessionInfo Welcome

func (i *sessionInfo) fields(f fields) {
	f.text("id", &i.Session, 0)
	f.object("party", (*pageParty)(&i.Party), nil)
	f.texts("rights", &i.Rights, 0, 0)
	f.object("limits", &i.Limits, nil)
	f.object("info", (*chatInfo)(i), nil)
}

// chatInfo is what a Welcome says of the chat session, for the page.
type chatInfo Welcome

func (i *chatInfo) fields(f fields) {
	f.count("started", &i.Started)
	f.count("saved", &i.Saved)
	f.count("idleExpires", &i.IdleExpires)
	f.flag("monitored", &i.Monitored)
	f.flag("attached", &i.Attached)
}

// progress is the part of a Step that changes with every frame.
type progress Step

func (p *progress) fields(f fields) {
	f.text("key", &p.Key, 0)
	f.text("state", (*string)(&p.State), 0)
	f.count("sent", &p.Sent)
	f.count("stored", &p.Stored)
	f.count("total", &p.Total)
}

// stepOf is a Step for the party with the user id self.
type stepOf struct {
	Step
	self string
}

func (s *stepOf) fields(f fields) {
	(*progress)(&s.Step).fields(f)
	s.Name.fields(f)
	f.number("at", &s.At)
	if s.Resumed {
		f.flag("resumed", &s.Resumed)
	}
	if s.Over {
		f.flag("ended", &s.Over)
	}
	nested(f, "error", &s.Error)
	if s.Event != nil {
		f.object("file", newTranscriptItem(*s.Event, s.self), nil)
	}
}

// pageWriter is the visitor that encodes for the page.
type pageWriter struct{ writer }

func encodePage(out []byte, v described) []byte {
	w := pageWriter{writer{out: append(out, '{')}}
	v.fields(&w)
	return append(w.out, '}')
}

func (w *pageWriter) optional(k string, v *string, max int) { w.text(k, v, max) }

func (w *pageWriter) choiceOr(k string, v *string, _ []string) { w.text(k, v, 0) }

func (w *pageWriter) count(k string, v *int64) { w.number(k, v) }

func (w *pageWriter) flag(k string, v *bool) {
	w.key(k)
	if *v {
		w.out = append(w.out, "true"...)
		return
	}
	w.out = append(w.out, "false"...)
}

func (w *pageWriter) texts(k string, v *[]string, items, max int) {
	if len(*v) > 0 {
		w.writer.texts(k, v, items, max)
		return
	}
	w.key(k)
	w.out = append(w.out, "[]"...)
}

func (w *pageWriter) signed(k string, v *int64) {
	w.key(k)
	w.out = strconv.AppendInt(w.out, *v, 10)
}

func (w *pageWriter) objects(k string, each []described, _ int, _ func() described) {
	w.key(k)
	w.out = append(w.out, '[')
	for i, v := range each {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = encodePage(w.out, v)
	}
	w.out = append(w.out, ']')
}

func (w *pageWriter) data(k string, v *Data) {
	w.key(k)
	w.out = v.append(w.out)
}

func (w *pageWriter) object(k string, v described, present *bool) {
	if present != nil && !*present {
		return
	}
	w.key(k)
	w.out = encodePage(w.out, v)
}
