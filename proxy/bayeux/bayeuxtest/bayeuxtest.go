// Package bayeuxtest runs the unmodified cometd package of npm under Node for tests. It is
// installed in web/node_modules.
package bayeuxtest

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

//go:embed driver.mjs
var driver []byte

// Options of a client. URL is required.
type Options struct {
	URL        string
	Library    string         // "cometd", the default, is the newest; "cometd3" an old one
	Transports []string       // default: long-polling
	Ack        bool           // the acknowledgement extension
	Configure  map[string]any // of the library
}

// Client is a cometd client in a process of its own.
type Client struct {
	t      testing.TB
	stdin  io.WriteCloser
	events chan Event
	early  []Event // that were read while waiting for others
	last   int
}

// Event is what the client reports: of kind meta, message or done.
type Event struct {
	Event     string
	ID        string // of the command that is done
	Channel   string
	Transport string // that the client uses, with meta
	Message   Message
}

// Message is a message as the library hands it out.
type Message struct {
	Channel      string
	Successful   bool
	Error        string
	ClientID     string
	Subscription any
	Data         json.RawMessage
	Advice       map[string]any
	Ext          map[string]any
}

// Modules returns the folder of the installed packages. Without it or Node the test is skipped.
func Modules(t testing.TB) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	dir, err := os.Getwd()
	require.NoError(t, err)
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		modules := filepath.Join(dir, "web", "node_modules")
		if _, err := os.Stat(filepath.Join(modules, "cometd", "cometd.js")); err == nil {
			return modules
		}
	}
	t.Skip("the package cometd is not installed: npm ci --prefix web")
	return ""
}

// Start starts a client, which ends with the test.
func Start(t testing.TB, o Options) *Client {
	t.Helper()
	if o.Library == "" {
		o.Library = "cometd"
	}
	if o.Transports == nil {
		o.Transports = []string{"long-polling"}
	}
	script := filepath.Join(t.TempDir(), "driver.mjs")
	require.NoError(t, os.WriteFile(script, driver, 0o600))
	argument, err := json.Marshal(map[string]any{
		"url": o.URL, "modules": Modules(t), "library": o.Library, "transports": o.Transports, "ack": o.Ack,
		"configure": o.Configure,
	})
	require.NoError(t, err)
	cmd := exec.Command("node", script, string(argument))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	c := &Client{t: t, stdin: stdin, events: make(chan Event, 1024)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(c.events)
		lines := bufio.NewReader(stdout)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			var e Event
			if json.Unmarshal(line, &e) == nil {
				c.events <- e
			}
		}
	}()
	t.Cleanup(func() {
		stdin.Close() // ends it
		go func() {
			for range c.events {
			}
		}()
		<-read
		cmd.Wait()
	})
	return c
}

// Do gives a command, and returns its id.
func (c *Client) Do(name string, fields map[string]any) string {
	c.t.Helper()
	c.last++
	id := strconv.Itoa(c.last)
	command := map[string]any{"do": name, "id": id}
	for k, v := range fields {
		command[k] = v
	}
	line, err := json.Marshal(command)
	require.NoError(c.t, err)
	_, err = c.stdin.Write(append(line, '\n'))
	require.NoError(c.t, err)
	return id
}

// patience is how long the client may take to report an event.
const patience = time.Minute

// Next waits for the next event for which is returns true. Others stay for later calls.
func (c *Client) Next(is func(Event) bool) Event {
	c.t.Helper()
	for i, e := range c.early {
		if is(e) {
			c.early = append(c.early[:i:i], c.early[i+1:]...)
			return e
		}
	}
	late := time.After(patience)
	for {
		select {
		case e, ok := <-c.events:
			require.True(c.t, ok, "the client has ended")
			if is(e) {
				return e
			}
			c.early = append(c.early, e)
		case <-late:
			require.FailNow(c.t, "the event did not come", "others did: %+v", c.early)
		}
	}
}

// Done waits for the reply to a command.
func (c *Client) Done(id string) Message {
	c.t.Helper()
	return c.Next(func(e Event) bool { return e.Event == "done" && e.ID == id }).Message
}

// Meta waits for the next message on a meta channel.
func (c *Client) Meta(channel string) Event {
	c.t.Helper()
	return c.Next(func(e Event) bool { return e.Event == "meta" && e.Channel == channel })
}

// Data waits for the next message with data, and decodes that.
func (c *Client) Data(data any) Message {
	c.t.Helper()
	m := c.Next(func(e Event) bool { return e.Event == "message" }).Message
	require.NoError(c.t, json.Unmarshal(m.Data, data))
	return m
}

// Handshake shakes hands and waits until the client is connected.
func (c *Client) Handshake() Message {
	c.t.Helper()
	m := c.Done(c.Do("handshake", nil))
	require.True(c.t, m.Successful, m.Error)
	require.True(c.t, c.Meta("/meta/connect").Message.Successful)
	return m
}

// Publish publishes data and waits for the reply.
func (c *Client) Publish(channel string, data any) Message {
	c.t.Helper()
	return c.Done(c.Do("publish", map[string]any{"channel": channel, "data": data}))
}
