package transcript

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"time"

	"attache/bridge"
)

// maxEvent bounds an entry, in bytes. Chat Server's packets have 32 KiB by default.
var maxEvent = 1 << 20

// Further bounds of what a Decoder holds in memory.
const (
	maxDepth   = 16    // lists in lists
	maxParties = 10000 // that have their names remembered, for the entries that name only an id
)

// Errors of a Decoder. It returns others of package xml.
var (
	ErrTooLarge  = errors.New("an entry of the transcript is larger than 1 MiB")
	ErrTooDeep   = errors.New("lists in the transcript are nested deeper than 16")
	ErrNoSession = errors.New("the document is not a chat transcript: it has no chatTranscript element")
)

// Decoder reads a transcript, an entry at a time. It accepts what older servers have written:
// items without a type, entries without some of their attributes, any namespace.
type Decoder struct {
	in      *bounded
	xml     *xml.Decoder
	head    Header
	parties map[string]bridge.Party
	left    []string // user ids of parties that have left, the first first
	lastID  int64
	lastAt  int64
	ended   bool
}

// NewDecoder returns a Decoder that has read the transcript's header.
func NewDecoder(r io.Reader) (*Decoder, error) {
	d := &Decoder{in: &bounded{r: bufio.NewReader(r)}, parties: map[string]bridge.Party{}}
	d.xml = xml.NewDecoder(d.in)
	for {
		d.in.left = maxEvent
		t, err := d.xml.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil, ErrNoSession
		case err != nil:
			return nil, fmt.Errorf("read a chat transcript: %w", err)
		}
		if root, ok := t.(xml.StartElement); ok {
			return d, d.header(root)
		}
	}
}

func (d *Decoder) header(root xml.StartElement) error {
	if root.Name.Local != "chatTranscript" {
		return ErrNoSession
	}
	for _, a := range root.Attr {
		switch a.Name.Local {
		case "sessionId":
			d.head.Session = a.Value
		case "startAt":
			at, err := time.Parse(time.RFC3339, a.Value)
			if err != nil {
				return fmt.Errorf("read a chat transcript: startAt is not a time like 2026-11-28T10:00:00Z: %w", err)
			}
			d.head.Started = at.Unix() * 1000
		}
	}
	d.lastAt = d.head.Started
	return nil
}

// Header returns what the transcript says of its session.
func (d *Decoder) Header() Header { return d.head }

// Next returns the next entry; at the end, the error is io.EOF. Elements that are not entries are
// skipped. The entry's party has the names of the last newParty of its user id.
func (d *Decoder) Next() (Entry, error) {
	for !d.ended {
		d.in.left = maxEvent
		t, err := d.xml.Token()
		if err != nil {
			return Entry{}, broken(err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			d.ended = true
		case xml.StartElement:
			n, ok, err := d.element(t)
			if ok || err != nil {
				return n, err
			}
		}
	}
	return Entry{}, io.EOF
}

// broken returns the error of a document that ends too early as what it is: only a whole
// transcript ends with io.EOF.
func broken(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read a chat transcript: %w", err)
}

// element reads one element below the root; ok is false if it is not an entry.
func (d *Decoder) element(start xml.StartElement) (n Entry, ok bool, err error) {
	kind, ok := kinds[start.Name.Local]
	if !ok {
		if err := d.xml.Skip(); err != nil {
			return n, false, broken(err)
		}
		return n, false, nil
	}
	var e element
	if err := d.xml.DecodeElement(&e, &start); err != nil {
		return n, false, broken(err)
	}
	n, err = e.entry(kind, d.head.Started, d.lastAt, d.lastID)
	if err != nil {
		return n, false, err
	}
	d.lastID, d.lastAt = n.ID, n.At
	d.name(&n)
	return n, true, nil
}

// name completes the entry's party, and remembers what it says of it.
func (d *Decoder) name(n *Entry) {
	switch n.Type {
	case bridge.NewParty:
		d.remember(n.From)
		return
	case bridge.PartyLeft:
		d.left = append(d.left, n.From.UserID)
	}
	p, ok := d.parties[n.From.UserID]
	if !ok {
		return
	}
	if n.Type == bridge.Notice && n.NoticeType == bridge.UpdateNick && n.Text != "" {
		p.Nickname = n.Text
		d.parties[p.UserID] = p
	}
	n.From = bridge.Party{UserID: p.UserID, Nickname: p.Nickname, UserType: p.UserType, Style: p.Style}
}

// remember makes room by forgetting the parties that have left.
func (d *Decoder) remember(p bridge.Party) {
	if len(d.parties) >= maxParties {
		for _, id := range d.left {
			delete(d.parties, id)
		}
		d.left = nil
	}
	if len(d.parties) < maxParties {
		d.parties[p.UserID] = p
	}
}

// bounded is a reader that fails when it was read from for too long.
type bounded struct {
	r    *bufio.Reader
	left int
}

func (b *bounded) ReadByte() (byte, error) {
	if b.left == 0 {
		return 0, ErrTooLarge
	}
	b.left--
	return b.r.ReadByte()
}

// Read is not called by package xml, which reads a byte at a time from what can do so.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, ErrTooLarge
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
