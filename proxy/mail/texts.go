package mail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"unicode"

	"attache/bridge"
)

// Texts are the sentences of a mail, in one language. Words in braces are replaced.
type Texts struct {
	Language string `json:"language"` // of the HTML part, e.g. en
	Subject  string `json:"subject"`  // {date}, in UTC
	Intro    string `json:"intro"`    // {date}, {zone}
	Joined   string `json:"joined"`   // {name}
	Left     string `json:"left"`     // {name}
	Renamed  string `json:"renamed"`  // {name}, {old}
	File     string `json:"file"`     // {file}, {kind}, {size}
	Deleted  string `json:"deleted"`  // {file}
	Omitted  string `json:"omitted"`  // {count}
	Footer   string `json:"footer"`

	// The names of parties without a nickname.
	Customer string `json:"customer"`
	Agent    string `json:"agent"`
	System   string `json:"system"`

	// Layouts of package time.
	Date string `json:"date"`
	Time string `json:"time"`

	Kinds map[bridge.Kind]string `json:"kinds"` // of files; those that are missing are English
}

// English are the default texts.
func English() Texts {
	return Texts{
		Language: "en",
		Subject:  "Your chat of {date}",
		Intro:    "This is the transcript of your chat of {date}. Times are {zone}.",
		Joined:   "{name} has joined.",
		Left:     "{name} has left.",
		Renamed:  "{old} is now called {name}.",
		File:     "File: {file} ({kind}, {size})",
		Deleted:  "The file {file} was deleted.",
		Omitted:  "The rest of the chat, {count} more entries, is not in this mail.",
		Footer:   "Files are not attached to this mail.",
		Customer: "Customer", Agent: "Agent", System: "System",
		Date: "2006-01-02", Time: "15:04",
		Kinds: map[bridge.Kind]string{
			bridge.Image: "image", bridge.Audio: "audio", bridge.Video: "video", bridge.PDF: "PDF", bridge.Document: "document",
			bridge.Sheet: "spreadsheet", bridge.Slides: "presentation", bridge.PlainText: "text", bridge.CodeFile: "source code",
			bridge.DataFile: "data", bridge.Archive: "archive", bridge.Mail: "e-mail", bridge.Font: "font", bridge.Program: "program",
			bridge.Unknown: "file",
		},
	}
}

// ReadTexts reads texts from a JSON file; those that it lacks are English.
func ReadTexts(path string) (Texts, error) {
	t := English()
	in, err := os.ReadFile(path)
	if err != nil {
		return t, fmt.Errorf("read the mail's texts: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(in))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return t, fmt.Errorf("read the mail's texts in %s: %w", path, err)
	}
	if err := t.check(); err != nil {
		return t, fmt.Errorf("read the mail's texts in %s: %w", path, err)
	}
	return t, nil
}

// maxSubject is how many bytes a subject may have.
const maxSubject = 200

// check refuses a subject that is not one line, or has a word in braces other than the date.
func (t Texts) check() error {
	switch rest := strings.ReplaceAll(t.Subject, "{date}", ""); {
	case t.Subject == "" || len(t.Subject) > maxSubject:
		return fmt.Errorf("the subject has %d bytes: give 1 to %d", len(t.Subject), maxSubject)
	case strings.ContainsFunc(t.Subject, unicode.IsControl):
		return fmt.Errorf("the subject has a line break or another control character")
	case strings.ContainsAny(rest, "{}"):
		return fmt.Errorf("the subject %q has a word in braces that is not {date}: only that is replaced in it", t.Subject)
	case t.Language == "" || strings.Trim(t.Language, letters+"-") != "":
		return fmt.Errorf("the language %q is not a tag such as en or de-AT", t.Language)
	case t.Date == "" || t.Time == "":
		return fmt.Errorf("the layouts of date and time must not be empty")
	}
	return nil
}

// fill replaces words in braces: pairs of a word and what it becomes. What was put in is not
// looked at again.
func fill(text string, pairs ...string) string {
	list := make([]string, len(pairs))
	for i, s := range pairs {
		if i%2 == 0 {
			s = "{" + s + "}"
		}
		list[i] = s
	}
	return strings.NewReplacer(list...).Replace(text)
}

func (t Texts) kind(k bridge.Kind) string {
	if s := t.Kinds[k]; s != "" {
		return s
	}
	return string(k)
}
