package gms_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/bayeux/bayeuxtest"
	"attache/proxy/chatrequest"
	"attache/proxy/gms"
	"attache/proxy/proxytest"
)

var update = flag.Bool("update", false, "write the answers into docs/gms.md")

const docs = "../../docs/gms.md"

// TestDocs runs every command of docs/gms.md, and compares the answers with those that are there.
// Ids, keys and times differ from run to run; they are replaced by the names that the commands
// have for them. A comment <!-- agent … --> says what the agent does meanwhile.
func TestDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(docs)
	require.NoError(t, err)
	limits := bridge.VendorLimits()
	limits.Types, limits.DeleteFile = []string{"pdf", "png", "txt"}, bridge.DeleteOdd
	w := start(t, func(o *assembly.Options) { o.Chat.CustomerLimits = &limits })
	d := &shell{world: w, dir: t.TempDir(), values: map[string]string{"GMS": w.server.URL + "/genesys/2/chat/support"}}
	for name, content := range map[string]string{"invoice.pdf": "%PDF-1.7\n", "tool.exe": "MZ"} {
		require.NoError(t, os.WriteFile(filepath.Join(d.dir, name), []byte(content), 0o600))
	}
	var out strings.Builder
	in := false // a block of commands
	for line := range strings.Lines(string(text)) {
		switch {
		case line == "```console\n", in && line == "```\n":
			in = !in
		case in && strings.HasPrefix(line, "$ "):
			d.command = strings.TrimPrefix(line, "$ ")
		case in && strings.HasSuffix(d.command, "\\\n"):
			d.command += line
		case in:
			continue // an answer
		case strings.HasPrefix(line, "<!-- agent "):
			d.agent(strings.TrimSuffix(strings.TrimPrefix(line, "<!-- agent "), " -->\n"))
		}
		out.WriteString(line)
		if in && d.command != "" && !strings.HasSuffix(d.command, "\\\n") {
			out.WriteString(d.run())
		}
	}
	if *update {
		require.NoError(t, os.WriteFile(docs, []byte(out.String()), 0o644))
		return
	}
	require.Equal(t, string(text), out.String(), "go test ./proxy/gms -run TestDocs -update")
}

// shell runs the commands of a document.
type shell struct {
	*world
	dir     string
	command string
	values  map[string]string // of the variables
	alice   proxy.Identity
}

func (d *shell) run() string {
	d.t.Helper()
	c := exec.CommandContext(d.t.Context(), "bash", "-c", d.command)
	c.Dir, c.Env = d.dir, os.Environ()
	for name, value := range d.values {
		c.Env = append(c.Env, name+"="+value)
	}
	out, err := c.Output()
	require.NoError(d.t, err, d.command)
	d.command = ""
	d.learn(out)
	return d.plain(out)
}

// learn takes the identity from an answer, as a client does.
func (d *shell) learn(out []byte) {
	var r struct {
		ChatID, UserID, SecureKey string
		UserData                  map[string]string
		Messages                  []struct {
			Type     string
			UserData map[string]string
		}
	}
	if json.NewDecoder(bytes.NewReader(out)).Decode(&r) != nil {
		return
	}
	if d.values["CHAT"] == "" && r.ChatID != "" {
		d.values["CHAT"], d.values["USER_ID"], d.values["KEY"] = r.ChatID, r.UserID, r.SecureKey
		d.values["WHO"] = "userId=" + r.UserID + "&secureKey=" + r.SecureKey + "&alias=1"
	}
	if id := r.UserData["file-id"]; id != "" {
		d.values["OWN"] = id
	}
	for _, m := range r.Messages {
		if m.Type == "FileUploaded" {
			d.values["FILE"] = m.UserData["file-id"]
		}
	}
}

var times = []struct {
	of *regexp.Regexp
	by string
}{
	{regexp.MustCompile(`"utcTime": \d+`), `"utcTime": 1767225600000`},
	{regexp.MustCompile(`"attache-key": "[0-9a-f]+"`), `"attache-key": "7de5c8dc2fb1cf6778c6bc7cea412822"`},
	{regexp.MustCompile(`Date: .*\n`), ``},
}

// plain is an answer as the document has it.
func (d *shell) plain(out []byte) string {
	var text bytes.Buffer
	decoder := json.NewDecoder(bytes.NewReader(out))
	var value json.RawMessage
	if decoder.Decode(&value) == nil && value[0] == '{' {
		rest, err := io.ReadAll(decoder.Buffered())
		require.NoError(d.t, err)
		require.NoError(d.t, json.Indent(&text, value, "", "  "))
		out = append(text.Bytes(), rest...)
	}
	s := strings.ReplaceAll(string(out), "\r", "")
	for _, name := range []string{"KEY", "USER_ID", "CHAT", "OWN", "FILE"} {
		if v := d.values[name]; v != "" {
			s = strings.ReplaceAll(s, `"`+v+`"`, `"$`+name+`"`)
		}
	}
	for _, r := range times {
		s = r.of.ReplaceAllString(s, r.by)
	}
	return strings.TrimRight(s, "\n") + "\n"
}

// agent does what a comment says: joins, says TEXT, sends NAME, or leaves.
func (d *shell) agent(what string) {
	d.t.Helper()
	ctx, session := d.t.Context(), d.values["CHAT"]
	verb, rest, _ := strings.Cut(what, " ")
	switch verb {
	case "joins":
		c := customer{world: d.world}
		c.last.ChatID = session
		c.agent()
		d.alice = proxy.Identity{Session: session, Rights: bridge.AllRights, Party: bridge.Party{
			UserID: "alice", Nickname: "Alice", UserType: bridge.Agent, ClientVersion: bridge.VersionCurrent,
		}}
	case "says":
		_, err := d.Chat.Post(ctx, session, "alice", bridge.Event{Type: bridge.Message, Text: rest})
		require.NoError(d.t, err)
	case "sends":
		content := "Page 1: what the amounts mean.\n"
		source := proxy.Source{Reader: strings.NewReader(content), Cut: func() {}}
		transfers, size := d.Proxy.Transfers(), int64(len(content))
		r, err := transfers.Ingest(ctx, d.alice, proxy.Offer{Limits: bridge.Unlimited(), Name: rest, MimeType: "text/plain"},
			proxy.Stream{Source: source, AtLeast: size, AtMost: size})
		require.NoError(d.t, err)
		r, err = transfers.Await(ctx, d.alice, r.Key)
		require.NoError(d.t, err)
		require.Equal(d.t, bridge.Announced, r.State)
	default:
		require.Fail(d.t, "an agent does not know how to "+what)
	}
}

// TestDocs_AgentsToken runs the example of docs/gms.md that issues a token for an agent when a
// customer has requested a chat.
func TestDocs_AgentsToken(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(docs)
	require.NoError(t, err)
	_, example, found := strings.Cut(string(text), "<!-- example -->\n```js\n")
	require.True(t, found)
	example, _, _ = strings.Cut(example, "```\n")
	file := filepath.Join(t.TempDir(), "agents.mjs")
	require.NoError(t, os.WriteFile(file, []byte(example), 0o600))

	const shared = "what the proxy signs its posts with"
	node := exec.Command("node", file)
	node.Env = append(os.Environ(), "PORT=0", "TOKEN_SECRET="+proxytest.Secret, "ON_CHAT_SECRET="+shared)
	node.Stderr = os.Stderr
	out, err := node.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, node.Start(), "install Node.js")
	t.Cleanup(func() { node.Process.Kill(); node.Wait() })
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	address := "http://127.0.0.1:" + lines.Text()

	w := start(t)
	requests, err := chatrequest.Start(t.Context(), w.Engine, chatrequest.Options{Chat: w.Chat, URL: address, Secret: []byte(shared), Delay: time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(requests.Close)
	s, err := gms.NewServer(w.Proxy, gms.Options{Requests: requests})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	w.server = httptest.NewServer(s)
	t.Cleanup(w.server.Close)

	forged, err := http.Post(address, "application/json", strings.NewReader(`{"chatId":"x"}`))
	require.NoError(t, err)
	require.NoError(t, forged.Body.Close())
	require.Equal(t, http.StatusUnauthorized, forged.StatusCode)

	c := w.request(url.Values{"nickname": {"Ann"}})
	require.True(t, lines.Scan())
	who, err := w.Auth.Authenticate(t.Context(), lines.Text())
	require.NoError(t, err)
	require.Equal(t, c.last.ChatID, who.Session)
	require.Equal(t, bridge.Agent, who.Party.UserType)
	require.NoError(t, who.Rights.Need(bridge.UploadRight(bridge.FromFileSystem)))
}

// TestDocs_CometD runs the example of docs/gms.md with the npm packages.
func TestDocs_CometD(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(docs)
	require.NoError(t, err)
	_, example, found := strings.Cut(string(text), "<!-- cometd -->\n```js\n")
	require.True(t, found)
	example, _, _ = strings.Cut(example, "```\n")
	dir := t.TempDir()
	require.NoError(t, os.Symlink(bayeuxtest.Modules(t), filepath.Join(dir, "node_modules")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "chat.mjs"), []byte(example), 0o600))

	w := startPush(t, gms.CometD{}, slow)
	node := exec.Command("node", filepath.Join(dir, "chat.mjs"))
	node.Env, node.Stderr = append(os.Environ(), "COMETD="+w.url+gms.PathCometD), os.Stderr
	out, err := node.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, node.Start())
	t.Cleanup(func() { node.Process.Kill(); node.Wait() })
	lines := bufio.NewScanner(out)
	for _, want := range []string{"Ann ParticipantJoined", "Ann Message Hello"} {
		require.True(t, lines.Scan(), want)
		require.Equal(t, want, lines.Text())
	}
}
