package bridge

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// The file-uploaded notice: NoticeType SYS_COMMAND, text file-uploaded, and
// these keys in userData (Genesys, "File Transfer API for Agent Desktop").
const (
	FileUploaded = "file-uploaded" // the notice's text

	KeyFileName    = "file-name"        // mandatory: name including the extension
	KeyFileSize    = "file-size"        // mandatory: bytes, as an integer or a string
	KeyFileSource  = "file-source"      // mandatory: kind of storage; Genesys knows "ucs"
	KeyDocumentID  = "file-document-id" // mandatory if the source is "ucs"
	KeyUploadType  = "file-upload-type" // optional: file-system, standard-response
	KeyDescription = "file-description" // optional: free text
	KeyFileID      = "file-id"          // added by Chat Server: the file in the session
	KeyFileKey     = "attache-key"      // ours: the upload's key, against a second notice
	KeyFileAsSent  = "attache-name"     // ours: the name as it was sent, if SafeName changed it

	SourceUCS = "ucs"
)

// noticeKeys are the keys with a meaning; every other key is custom.
var noticeKeys = []string{
	KeyFileName, KeyFileSize, KeyFileSource, KeyDocumentID,
	KeyUploadType, KeyDescription, KeyFileID, KeyFileKey, KeyFileAsSent,
}

// reservedPrefix keeps the custom keys of an upload apart from the vendor's.
const reservedPrefix = "file-"

// Announcement is the content of a file-uploaded notice to be posted.
type Announcement struct {
	Name        string // as it was sent
	Size        int64
	Source      string // empty: SourceUCS
	DocumentID  string
	UploadType  string
	Description string
	Key         string
	Custom      Data
}

// Notice returns the event to post. Its file-name is SafeName's text, because the
// vendor's desktop may not clean names; the name as sent is added if it differs.
// Text that Chat Server's XML cannot carry is replaced, because the server would
// refuse the whole packet.
func (a Announcement) Notice(v Visibility) Event {
	source := a.Source
	if source == "" {
		source = SourceUCS
	}
	name := SafeName(a.Name, "").Text
	d := Data{
		Text(KeyFileName, XMLText(name)),
		Int(KeyFileSize, a.Size),
		Text(KeyFileSource, source),
		Text(KeyDocumentID, a.DocumentID),
	}
	for _, optional := range []Item{
		Text(KeyUploadType, a.UploadType),
		Text(KeyDescription, clip(XMLText(a.Description), MaxValue)),
		Text(KeyFileKey, a.Key),
		Text(KeyFileAsSent, asSent(a.Name, name)),
	} {
		if optional.Text != "" {
			d = append(d, optional)
		}
	}
	d = append(d, a.Custom.XMLText()...)
	return Event{Type: Notice, NoticeType: SystemCommand, Text: FileUploaded, Visibility: v, Data: d, Key: a.Key}
}

// CheckPacket refuses an announcement that Chat Server would not take, before the file is
// sent: code message-too-large. The document id is not known then.
func (a Announcement) CheckPacket() error {
	a.DocumentID = "0000AaBCDEFG0000"
	return CheckPacket(a.Notice(All), MaxPacket)
}

// asSent returns the original of a name that was changed, in a form that XML can carry:
// DEL replaces other control characters, because SafeName removes it as well.
func asSent(original, name string) string {
	if original == name {
		return ""
	}
	return clip(strings.Map(func(r rune) rune {
		if !xmlRune(r) {
			return 0x7F
		}
		return r
	}, original), MaxValue)
}

// nameOf derives the name from the one as sent, if the notice has that and it leads
// to the same text; otherwise from file-name.
func nameOf(d Data) Name {
	name := SafeName(d.Get(KeyFileName), "")
	if original := d.Get(KeyFileAsSent); original != "" {
		if sent := SafeName(original, ""); sent.Text == name.Text {
			return sent
		}
	}
	return name
}

// IsFile reports whether the event is a file-uploaded notice.
func (e Event) IsFile() bool {
	return e.Type == Notice && e.NoticeType == SystemCommand && e.Text == FileUploaded
}

// Deletes returns the file-id of the file that the event deletes; empty if it deletes none.
// The notice's text is not published and may be set, so any other system command that names
// a file is one.
func (e Event) Deletes() (fileID string) {
	if e.Type != Notice || e.NoticeType != SystemCommand || e.IsFile() || e.IsFileConfig() {
		return ""
	}
	return e.Data.Get(KeyFileID)
}

// CheckNotice returns an error of code notice-incomplete that names the key which a
// file-uploaded notice lacks. Chat Server calls it before it accepts one.
func CheckNotice(d Data) error {
	if d.Get(KeyFileSource) == "" {
		return needs(KeyFileSource)
	}
	if d.Get(KeyFileSource) == SourceUCS && d.Get(KeyDocumentID) == "" {
		return NewError(CodeNotice, "a file-uploaded notice with file-source ucs needs "+KeyDocumentID)
	}
	return checkShown(d)
}

// checkShown checks the keys that no page is without.
func checkShown(d Data) error {
	for _, key := range []string{KeyFileName, KeyFileSize} {
		if d.Get(key) == "" {
			return needs(key)
		}
	}
	_, err := parseSize(d.Get(KeyFileSize))
	return err
}

func needs(key string) error { return NewError(CodeNotice, "a file-uploaded notice needs "+key) }

func parseSize(s string) (int64, error) {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 0 || v > MaxInteger {
		return 0, NewError(CodeNotice, KeyFileSize+" is not a byte count")
	}
	return v, nil
}

// XMLText replaces characters that XML 1.0 cannot carry (controls other than tab
// and line ends, surrogates, U+FFFE and U+FFFF) with U+FFFD. Chat Server refuses a
// packet that has one.
func XMLText(s string) string {
	if xmlClean(s) {
		return s
	}
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if !xmlRune(r) {
			r = utf8.RuneError
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

func xmlClean(s string) bool {
	for _, r := range s {
		if !xmlRune(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

func xmlRune(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return true
	case r < 0x20, r == 0xFFFE, r == 0xFFFF:
		return false
	}
	return true
}
