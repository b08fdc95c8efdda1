package e2e

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// desk is a chat under test: a page with both sides, and the command that serves it.
type desk struct {
	*page
	command *command
	address string // the page's

	agent, customer side
}

// side is one of the two chat elements.
type side struct {
	*page
	id string
}

// place is the origin of the page.
type place struct {
	name  string
	other bool // another origin than the proxy's
}

var places = []place{{name: "same origin"}, {name: "other origin", other: true}}

// everywhere runs a test with the page on each kind of origin.
func everywhere(t *testing.T, test func(t *testing.T, at place)) {
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) { test(t, at) })
	}
}

// open starts the command and shows the page with both sides connected.
func (at place) open(t *testing.T, flags ...string) *desk {
	t.Helper()
	d := at.start(t, flags...)
	d.page.open(d.address)
	d.connected()
	return d
}

func (at place) start(t *testing.T, flags ...string) *desk {
	t.Helper()
	d := &desk{}
	if at.other {
		host := startHost(t)
		d.command = startCommand(t, "demo", append(flags, "--origin", host.origin())...)
		host.proxy = d.command.origin()
		d.address = host.origin() + "/"
	} else {
		d.command = startCommand(t, "demo", flags...)
		d.address = d.command.url
	}
	d.page = newPage(t)
	d.agent, d.customer = side{d.page, "agent"}, side{d.page, "customer"}
	return d
}

// connected waits until both sides are, and each shows the other.
func (d *desk) connected() {
	d.t.Helper()
	tell(d.page, "() => Promise.all(['agent', 'customer'].map(e2e.connected))")
}

// tile is a file as the DOM shows it.
type tile struct {
	ID          string
	Key         string
	State       string
	Kind        string
	Extension   string
	Icon        string
	Drawn       bool
	Written     string // on the icon
	Warned      bool   // whether the icon carries the caution mark
	Name        string
	Suffix      string
	Meta        string
	Caution     string
	Refusal     string
	Description string
	Custom      map[string]string
	Own         bool
}

// line is a text or a file of a transcript.
type line struct {
	Own  bool
	Text string
	File string
}

// give chooses files in the side's file input.
func (s side) give(paths ...string) {
	s.t.Helper()
	s.choose(`e2e.root("`+s.id+`").querySelector("input[type=file]")`, paths...)
}

// file waits for a file that is shown under that name.
func (s side) file(name string) tile {
	s.t.Helper()
	return ask[tile](s.page, "e2e.file", s.id, name)
}

// shows waits until the file of that name is in that state.
func (s side) shows(name, state string) tile {
	s.t.Helper()
	return ask[tile](s.page, "e2e.shows", s.id, name, state)
}

func (s side) tiles() []tile {
	s.t.Helper()
	return ask[[]tile](s.page, "e2e.tiles", s.id)
}

// refusal waits until a file is shown as refused, and returns the sentence.
func (s side) refusal(name string) string {
	s.t.Helper()
	return ask[string](s.page, "e2e.refusal", s.id, name)
}

func (s side) say(text string) {
	s.t.Helper()
	tell(s.page, "e2e.say", s.id, text)
}

// hears waits until the side shows a text.
func (s side) hears(text string) line {
	s.t.Helper()
	return ask[line](s.page, "e2e.line", s.id, text)
}

func (s side) lines() []line {
	s.t.Helper()
	return ask[[]line](s.page, "e2e.lines", s.id)
}

// digest downloads a file through the API and returns its SHA-256 in hex.
func (s side) digest(id string) string {
	s.t.Helper()
	return ask[string](s.page, "e2e.download", s.id, id)
}

func (s side) link(id string) string {
	s.t.Helper()
	return ask[string](s.page, "(side, id) => e2e.session(side).link(id)", s.id, id)
}

// works checks that the chat still works: a text and a file reach the other side.
func (s side) works(other side) {
	s.t.Helper()
	f := generated(s.t, "afterwards.txt", []byte("all is well"))
	s.say("are you there?")
	other.hears("are you there?")
	s.give(f.path)
	got := other.file(filepath.Base(f.path))
	require.Equal(s.t, f.digest, other.digest(got.ID))
}
