package mail

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"attache/bridge"
)

// maxBody bounds the texts and names in a mail, in bytes. A customer may write up to 4 MiB, and
// mail servers take some ten to thirty, of two parts that are encoded.
var maxBody = 2 << 20

// conversation is what a customer may see of a session, ready to be written.
type conversation struct {
	texts     Texts
	entries   []entry
	omitted   int
	bytes     int
	spoken    bool              // there is a message or a file
	files     map[string]string // their names, by file-id
	names     map[string]string // of parties that were seen, by user id
	started   time.Time         // of the first event
	ended     time.Time         // of the last one
	zone      *time.Location    // the customer's
	recipient string            // from the user data
	found     bool              // the session exists
}

// entry is a line of a mail.
type entry struct {
	At   time.Time
	Name string // of a message's sender; empty: the text is a sentence of our own
	Text string
}

// viewer is the customer whose view a mail has. Its user id can be nobody's, because it is a
// control character: so it sees no direct message.
var viewer = bridge.Party{UserID: "\x00", UserType: bridge.Client, ClientVersion: bridge.VersionCurrent}

// read reads a session's transcript.
func read(ctx context.Context, from Chat, session string, t Texts, key string) (*conversation, error) {
	c := &conversation{texts: t, files: map[string]string{}, names: map[string]string{}, zone: time.UTC}
	err := from.Transcript(ctx, session, 0, func(e bridge.Event) error {
		c.add(e, key)
		return nil
	})
	return c, err
}

func (c *conversation) add(e bridge.Event, key string) {
	at := time.UnixMilli(e.At)
	if !c.found {
		c.found, c.started = true, at
	}
	c.ended = at
	c.address(e, key)
	seen, ok := viewer.View(e)
	if !ok || seen.Transient() || seen.Receiver != "" {
		return
	}
	c.show(seen)
}

// address takes the recipient from the user data of a customer who joins, or of a later notice
// that updates it. The last one counts.
func (c *conversation) address(e bridge.Event, key string) {
	joins := e.Type == bridge.NewParty && e.From.UserType == bridge.Client
	if joins && e.Info != nil && c.zone == time.UTC {
		c.zone = zone(e.Info.TimeZoneOffset)
	}
	if !joins && (e.Type != bridge.Notice || e.NoticeType != bridge.UpdateUserData) || key == "" {
		return
	}
	if s := strings.TrimSpace(e.Data.Get(key)); s != "" {
		c.recipient = s
	}
}

// zone is the time zone of an offset in minutes; UTC if that cannot be one.
func zone(minutes int64) *time.Location {
	if minutes == 0 || minutes < -12*60 || minutes > 14*60 {
		return time.UTC
	}
	sign, m := "+", minutes
	if m < 0 {
		sign, m = "-", -m
	}
	return time.FixedZone(fmt.Sprintf("UTC%s%02d:%02d", sign, m/60, m%60), int(minutes)*60)
}

func (c *conversation) show(e bridge.Event) {
	name := c.name(e.From)
	switch {
	case e.Type == bridge.NewParty:
		c.known(e.From.UserID, name)
		c.append(e, "", fill(c.texts.Joined, "name", name))
	case e.Type == bridge.PartyLeft:
		c.append(e, "", fill(c.texts.Left, "name", name))
	case e.Type == bridge.Message:
		c.spoken = true
		c.append(e, name, e.Text)
	case e.IsFile():
		c.file(e, name)
	case e.NoticeType == bridge.SystemCommand && e.Text == bridge.FileDeleted:
		if file, ok := c.files[e.Data.Get(bridge.KeyFileID)]; ok {
			c.append(e, "", fill(c.texts.Deleted, "file", file))
		}
	case e.NoticeType == bridge.UpdateNick:
		if old, ok := c.names[e.From.UserID]; ok && old != name {
			c.append(e, "", fill(c.texts.Renamed, "old", old, "name", name))
		}
		c.known(e.From.UserID, name)
	case e.NoticeType == bridge.PushURL:
		c.append(e, name, e.Text)
	}
}

// maxKnown bounds the files and parties whose names are remembered.
const maxKnown = 10000

// file shows a file by its name, size and kind.
func (c *conversation) file(e bridge.Event, name string) {
	c.spoken = true
	file := bridge.SafeName(e.Data.Get(bridge.KeyFileName), "")
	size := "?"
	if n, err := strconv.ParseInt(e.Data.Get(bridge.KeyFileSize), 10, 64); err == nil && n >= 0 {
		size = bridge.Bytes(n)
	}
	if len(c.files) < maxKnown {
		c.files[e.Data.Get(bridge.KeyFileID)] = file.Text
	}
	c.append(e, name, fill(c.texts.File, "file", file.Text, "kind", c.texts.kind(file.Kind), "size", size))
}

// append adds an entry, until the mail is full.
func (c *conversation) append(e bridge.Event, name, text string) {
	c.bytes += len(name) + len(text) + 64
	if c.bytes > maxBody {
		c.omitted++
		return
	}
	c.entries = append(c.entries, entry{At: time.UnixMilli(e.At), Name: oneLine(name), Text: printable(text)})
}

func (c *conversation) known(userID, name string) {
	if len(c.names) < maxKnown {
		c.names[userID] = name
	}
}

// name is the party's nickname, or what its type is called.
func (c *conversation) name(p bridge.Party) string {
	switch {
	case strings.TrimSpace(p.Nickname) != "":
		return p.Nickname
	case p.UserType == bridge.Client:
		return c.texts.Customer
	case p.UserType == bridge.System:
		return c.texts.System
	}
	return c.texts.Agent
}
