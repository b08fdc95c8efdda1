package mail

import (
	"bytes"
	"html/template"
	"strconv"
	"strings"

	"attache/bridge"
)

// message writes the conversation as a mail to that address. The record gives what must be the
// same for every try.
func (c *conversation) message(r Record, to string) (Message, error) {
	t := c.texts
	m := Message{
		ID: r.MessageID, Session: r.Session, Date: r.Created, To: to,
		Subject: fill(t.Subject, "date", c.started.UTC().Format(t.Date)),
	}
	page := page{
		Language: t.Language, Subject: m.Subject, Footer: t.Footer,
		Intro: fill(t.Intro, "date", c.started.In(c.zone).Format(t.Date), "zone", c.zone.String()),
	}
	for _, e := range c.entries {
		page.Lines = append(page.Lines, line{Time: e.At.In(c.zone).Format(t.Time), Name: e.Name, Text: strings.Split(e.Text, "\n")})
	}
	if c.omitted > 0 {
		page.Omitted = fill(t.Omitted, "count", strconv.Itoa(c.omitted))
	}
	m.Text = page.text()
	var b bytes.Buffer
	if err := html.Execute(&b, page); err != nil {
		return m, err
	}
	m.HTML = b.String()
	return m, nil
}

// page is a mail's body.
type page struct {
	Language, Subject, Intro string
	Lines                    []line
	Omitted, Footer          string
}

type line struct {
	Time string
	Name string
	Text []string // its lines
}

// text is the plain part. Further lines of a message are indented, so that none can pass for
// another party's.
func (p page) text() string {
	var b strings.Builder
	b.WriteString(p.Intro + "\n\n")
	for _, l := range p.Lines {
		b.WriteString(l.Time + "  ")
		if l.Name != "" {
			b.WriteString(l.Name + ": ")
		}
		b.WriteString(strings.Join(l.Text, "\n       ") + "\n")
	}
	b.WriteString("\n")
	if p.Omitted != "" {
		b.WriteString(p.Omitted + "\n\n")
	}
	if p.Footer != "" {
		b.WriteString(p.Footer + "\n")
	}
	return b.String()
}

// html is the other part. It has no style, no image and no link.
var html = template.Must(template.New("mail").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}">
<head><meta charset="utf-8"><title>{{.Subject}}</title></head>
<body>
<p>{{.Intro}}</p>
{{- range .Lines}}
<p dir="auto">{{.Time}} {{if .Name}}<b><bdi>{{.Name}}</bdi>:</b> {{else}}<i>{{end}}
{{- range $n, $text := .Text}}{{if $n}}<br>{{end}}{{$text}}{{end}}{{if not .Name}}</i>{{end}}</p>
{{- end}}
{{- if .Omitted}}
<p>{{.Omitted}}</p>{{end}}
{{- if .Footer}}
<hr><p>{{.Footer}}</p>{{end}}
</body>
</html>
`))

// printable returns s with line feeds as the only line ends, and without other control
// characters, and without marks that change the direction of what follows.
func printable(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n").Replace(bridge.XMLText(s))
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < 0x20, r >= 0x7F && r < 0xA0, r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s)
}

// oneLine is printable text on one line: a name with a line end could pass for the line of
// another party.
func oneLine(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }
