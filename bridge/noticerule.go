package bridge

import (
	"strconv"
	"strings"
)

// NoticeRule says which parties may ask for a notice of one type, what it may hold, and
// whether it is kept. The page and the proxy both apply it, by [CheckNotify]; a type
// without a rule is refused.
type NoticeRule struct {
	Type    string // NoticeType
	Command string // of a system command: its text

	Right Right      // that its sender needs
	From  []UserType // that may ask for it; nil: every type

	MaxText  int  // bytes; 0: no text but Command
	NeedText bool // whether it has one

	NeedData bool     // whether it has data
	Keys     []string // that its data must have
	Optional []string // that its data may have as well
	Custom   bool     // whether its data may have keys of the application's

	Visibility bool // whether its sender may choose which parties see it; otherwise ALL
	Receiver   bool // whether it may be for one party only
	Transient  bool // shown once to those who are there, without an id, and not kept
	Answered   bool // a question: the answer goes to its sender alone, without an id, and is not kept
}

// The system commands beside file-uploaded. The text file-deleted and the key of the
// deleted file are as GMS' clients suggest; party-remove is ours, because Chat Server has
// a request of its own for it (RequestReleaseParty with an AskerId).
const (
	FileDeleted = "file-deleted"
	FileConfig  = "file-client-cfg-get" // asks for the limits; see [Limits.ConfigData]
	RemoveParty = "party-remove"

	KeyUserID      = "user-id"      // of the party to remove
	KeyAfterAction = "after-action" // an AfterAction: what happens to the session then
)

// KeyPosition is the id of the last event that the sender of a read receipt has read. The
// key is not published; GMS calls its parameter transcriptPosition.
const KeyPosition = "transcript-position"

// maxPreview bounds what a typing notice shows of the text, in bytes.
const maxPreview = 1024

// Preview returns as much of a text as a typing notice may show.
func Preview(text string) string { return clip(text, maxPreview) }

var staff = []UserType{Agent, Supervisor, External, System}

// NoticeRules is the closed list of what a page may ask for by [Notify]. Unknown, and
// therefore chosen here: that a read receipt is not kept (GMS' stored notices have an index,
// and no capture shows a receipt); that a customer may push a URL and update the
// interaction's data (GMS has both operations), and that the others see the update.
var NoticeRules = []NoticeRule{
	{Type: TypingStarted, Right: RightChat, MaxText: maxPreview, Visibility: true, Receiver: true, Transient: true},
	{Type: TypingStopped, Right: RightChat, MaxText: maxPreview, Visibility: true, Receiver: true, Transient: true},
	{Type: UpdateNick, Right: RightChat, MaxText: maxNickname, NeedText: true},
	{Type: PushURL, Right: RightChat, MaxText: MaxValue, NeedText: true, Visibility: true, Receiver: true},
	{Type: UserCustom, Right: RightChat, MaxText: MaxText, Custom: true, Visibility: true, Receiver: true},
	{Type: UpdateUserData, Right: RightChat, NeedData: true, Custom: true, Visibility: true},
	{Type: ReadReceipt, Right: RightChat, Keys: []string{KeyPosition}, Visibility: true, Receiver: true, Transient: true},
	{Type: IdleControlSet, Right: RightChat, From: staff, NeedData: true, Custom: true},
	{Type: SystemCommand, Command: FileDeleted, Right: RightUpload, Keys: []string{KeyFileID}},
	{Type: SystemCommand, Command: FileConfig, Right: RightUpload, Answered: true},
	{
		Type: SystemCommand, Command: FileUploaded, Right: RightUploadResponse, From: staff,
		Keys: []string{KeyDocumentID}, Optional: []string{KeyDescription}, Custom: true, Visibility: true,
	},
	{
		Type: SystemCommand, Command: RemoveParty, Right: RightChat, From: staff,
		Keys: []string{KeyUserID}, Optional: []string{KeyAfterAction},
	},
}

// RuleOf returns the rule of notices of that type; text tells system commands apart.
func RuleOf(notice, text string) (NoticeRule, bool) {
	for _, r := range NoticeRules {
		if r.Type == notice && (r.Command == "" || r.Command == text) {
			return r, true
		}
	}
	return NoticeRule{}, false
}

// CheckNotify checks what a party of that type, with those rights, asks for, and returns
// its rule. Codes: forbidden, message-invalid, text-too-long, custom-key-refused and
// message-too-large.
func CheckNotify(m *Notify, from UserType, rights Rights) (NoticeRule, error) {
	r, ok := RuleOf(m.Notice, m.Text)
	if !ok {
		return r, noticeError("a page cannot send a notice " + r.name(m))
	}
	if err := r.permit(m, from, rights); err != nil {
		return r, err
	}
	if err := r.checkText(m.Text); err != nil {
		return r, err
	}
	if err := r.checkData(m.Data); err != nil {
		return r, err
	}
	return r, CheckPacket(Event{Type: Notice, NoticeType: m.Notice, Text: m.Text, Data: m.Data}, MaxPacket)
}

func (r NoticeRule) name(m *Notify) string {
	if m.Notice == SystemCommand {
		return m.Notice + " " + strconv.Quote(clip(m.Text, 64))
	}
	return strconv.Quote(m.Notice)
}

// title is the type, and the command if there is one.
func (r NoticeRule) title() string {
	return strings.TrimSuffix(r.Type+" "+r.Command, " ")
}

// doing says what the notice does, in words for a person who may not send it.
func (r NoticeRule) doing() string {
	switch {
	case r.Command == FileUploaded:
		return "attach standard responses"
	case r.Command == RemoveParty:
		return "remove a party"
	case r.Type == IdleControlSet:
		return "change when an idle chat is closed"
	}
	return "send a notice " + r.title()
}

func (r NoticeRule) permit(m *Notify, from UserType, rights Rights) error {
	switch {
	case r.From != nil && !oneOf(from, r.From):
		return typeError(from.person() + " cannot " + r.doing())
	case !from.MaySend(m.Visibility.orAll()):
		return CheckSender(from, m.Visibility)
	case !r.Visibility && m.Visibility.orAll() != All:
		return noticeError("a notice " + r.name(m) + " has no visibility of its own")
	case !r.Receiver && m.Receiver != "":
		return noticeError("a notice " + r.name(m) + " cannot be for one party only")
	case (r.Transient || r.Answered) && m.Key != "":
		return noticeError("a notice " + r.name(m) + " is not kept, so it has no key")
	}
	return rights.Need(r.Right)
}

func (r NoticeRule) checkText(text string) error {
	if r.Command != "" {
		return nil
	}
	switch {
	case text == "" && r.NeedText:
		return noticeError("a notice " + r.Type + " needs a text")
	case text != "" && r.MaxText == 0:
		return noticeError("a notice " + r.Type + " has no text")
	case len(text) > r.MaxText:
		return NewError(CodeTextLength, "the text has "+apart(int64(len(text)), int64(r.MaxText))+"; of a notice "+r.Type+" it may have "+apart(int64(r.MaxText), int64(len(text))))
	}
	switch r.Type {
	case UpdateNick:
		return CheckNickname(text)
	case PushURL:
		return CheckURL(text)
	}
	return nil
}

func (r NoticeRule) checkData(d Data) error {
	if err := d.Check(); err != nil {
		return err
	}
	if len(d) == 0 && r.NeedData {
		return noticeError("a notice " + r.Type + " needs data")
	}
	for _, key := range r.Keys {
		if d.Get(key) == "" {
			return noticeError("a notice " + r.title() + " needs " + key)
		}
	}
	var custom Data
	for _, item := range d {
		switch {
		case oneOf(item.Key, r.Keys), oneOf(item.Key, r.Optional):
			if err := checkValue(item); err != nil {
				return err
			}
		case !r.Custom:
			return NewError(CodeCustomKey, "a notice "+r.title()+" has no "+item.Key)
		default:
			custom = append(custom, item)
		}
	}
	return CheckFree(custom)
}

// checkValue checks the value of a key that has a meaning.
func checkValue(item Item) error {
	switch {
	case item.Type == TypeList || item.Type == TypeBinary || !xmlClean(item.Text):
		return NewError(CodeCustomKey, "the value of "+item.Key+" is not a text")
	case item.Key == KeyPosition:
		if _, err := parseSize(item.Text); err != nil {
			return noticeError(KeyPosition + " is not the id of an event")
		}
	case item.Key == KeyAfterAction && !oneOf(item.Text, afterActions):
		return noticeError(KeyAfterAction + " is not " + strings.Join(afterActions, ", "))
	}
	return nil
}

// CheckSay checks a text message that a party of that type, with those rights, sends: codes
// text-too-long, forbidden and message-invalid.
func CheckSay(m *Say, from UserType, rights Rights) error {
	switch {
	case len(m.Text) > MaxText:
		return NewError(CodeTextLength, "the text has "+apart(int64(len(m.Text)), MaxText)+"; one message may have "+apart(MaxText, int64(len(m.Text))))
	case !from.MaySend(m.Visibility.orAll()):
		return CheckSender(from, m.Visibility)
	case m.TreatAs == TreatSystem && from == Client:
		return typeError("a customer may not send messages that look like the system's")
	case !printable(m.MessageType):
		return noticeError("the message type holds control characters")
	}
	if err := rights.Need(RightChat); err != nil {
		return err
	}
	return CheckPacket(Event{Type: Message, Text: m.Text, MessageType: m.MessageType, TreatAs: m.TreatAs}, MaxPacket)
}

// CheckNickname refuses a nickname that a party may not take: code message-invalid.
func CheckNickname(s string) error {
	if strings.TrimSpace(s) == "" || len(s) > maxNickname || !undirected(s) {
		return noticeError("a nickname has 1 to " + strconv.Itoa(maxNickname) + " bytes of text on one line, without control characters")
	}
	return nil
}

// CheckURL refuses, with code message-invalid, an address that a browser should not open
// because another party says so: anything but an absolute http or https URL, and one that
// a person would misread, because a user name looks like the host.
func CheckURL(s string) error {
	scheme, rest, ok := strings.Cut(s, "://")
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	switch {
	case !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https"):
		return noticeError("a pushed URL begins with http:// or https://")
	case host == "" || strings.HasPrefix(host, ":") || strings.Contains(host, "@"):
		return noticeError("a pushed URL has a host and no user name")
	case len(s) > MaxValue || !undirected(s) || strings.ContainsAny(s, " \\<>\"`{}|^"):
		return noticeError("a pushed URL has at most " + strconv.Itoa(MaxValue) + " bytes and no characters that have to be escaped")
	}
	return nil
}

func (v Visibility) orAll() Visibility {
	if v == "" {
		return All
	}
	return v
}

// typeError is code forbidden for a rule about the party's type, which no token's right
// changes.
func typeError(message string) error {
	e := NewError(CodeForbidden, message)
	e.Hint = "only a party of another type may; no right in the token changes that"
	return e
}

// CheckSender refuses a visibility that a party of that type may not send with: code forbidden.
func CheckSender(from UserType, v Visibility) error {
	if from.MaySend(v.orAll()) {
		return nil
	}
	e := NewError(CodeForbidden, from.person()+" cannot send with visibility "+string(v))
	e.Hint = "send it to all; the party's type decides, not the token's rights"
	return e
}

// noticeError is code message-invalid for a mistake of the application.
func noticeError(message string) error {
	e := NewError(CodeMessage, strings.TrimSpace(message))
	e.Hint = "compare the call with docs/protocol.md"
	return e
}
