package e2e

import (
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// The two flows of "File Transfer in Chat Solutions", step by step, while an agent coaches and a
// supervisor watches whom nobody sees.
func TestDocumentedFlows(t *testing.T) {
	t.Parallel()
	d := startServed(t, "--scanner", "off", "--upload-max-files", "2", "--upload-file-types", "png:txt")
	supervisor := side{d.page, "supervisor"}
	d.click("() => document.querySelector('#supervise')")
	d.customer.say("Hello")
	supervisor.hears("Hello")

	// Agent to customer. 1: the agent selects a file and clicks Send; it is stored, and noticed.
	manual := generated(t, "manual.txt", []byte("Press the red button.\n"))
	d.agent.give(manual.path)
	// 2: the widget shows it as an icon.
	shown := d.customer.file("manual.txt")
	require.True(t, shown.Drawn)
	require.Equal(t, "txt", shown.Extension)
	// 3: the customer requests it; 3.1: one attempt of a limited number; 3.2: the bytes.
	require.Contains(t, shown.Meta, "2 downloads left")
	require.Equal(t, manual.digest, d.customer.save("manual.txt").digest(t))
	require.Contains(t, d.customer.file("manual.txt").Meta, "1 download left")

	// Customer to agent. 1: the customer selects a file. 2: current limits and types, and 3: only
	// if they are satisfied it is sent.
	d.customer.give(generated(t, "tool.exe", []byte("MZ")).path)
	require.Contains(t, d.customer.refusal("tool.exe"), "png, txt")
	photo := generated(t, "photo.png", pngFile(t))
	d.customer.give(photo.path)
	// 4: the widget shows its own file as an icon.
	own := d.customer.file("photo.png")
	require.True(t, own.Drawn && own.Own, own)
	// 5: the agent opens it, and gets the same bytes.
	require.Equal(t, photo.digest, d.agent.digest(d.agent.file("photo.png").ID))

	// Coaching: agents and supervisors see it, the customer does not.
	tell(d.page, "() => e2e.session('agent').send('He is angry.', { visibility: 'INT' })")
	supervisor.hears("He is angry.")
	// Monitoring: what a supervisor says to supervisors, nobody else sees; that party joined unseen.
	tell(d.page, "() => e2e.session('supervisor').send('Note to myself.', { visibility: 'VIP' })")
	d.customer.say("Are you there?")
	d.agent.hears("Are you there?")
	agent, customer := d.agent.lines(), d.customer.lines()
	require.Contains(t, agent, line{Own: true, Text: "He is angry."})
	for _, l := range customer {
		require.NotEqual(t, "He is angry.", l.Text)
	}
	for _, l := range append(agent, customer...) {
		require.NotEqual(t, "Note to myself.", l.Text)
	}
	for _, id := range []string{"agent", "customer"} {
		require.NotRegexp(t, `\bEve\b`, ask[string](d.page, `(id) => e2e.root(id).textContent`, id))
	}
}

// An operator changes the customers' limits, and a chat that is open follows at once.
func TestB18LimitsChangeInAnOpenChat(t *testing.T) {
	t.Parallel()
	d := startServed(t, "--scanner", "off", "--admin", "127.0.0.1:0")
	admin := regexp.MustCompile(`admin on (http://\S+)`).FindStringSubmatch(d.command.log.String())[1]
	set := func(settings ...string) {
		t.Helper()
		out, err := exec.Command(program, append([]string{"limits", "set", "--admin", admin}, settings...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	says := func(words string) {
		t.Helper()
		tell(d.page, `(words) => e2e.until(() => e2e.root('customer').textContent.includes(words), words)`, words)
	}
	says("Up to 3 files")
	set("upload-max-files=7", "upload-file-types=txt")
	says("Up to 7 files")
	d.customer.give(generated(t, "photo.png", pngFile(t)).path)
	require.Contains(t, d.customer.refusal("photo.png"), "allowed are txt")
	set("upload-max-files=0")
	says("Files cannot be sent in this chat")
	set("upload-max-files=1")
	d.customer.give(generated(t, "a.txt", []byte("a")).path)
	d.agent.file("a.txt")
}

// A chat in which nothing happens is warned and closed, and both sides see it.
func TestIdleChatIsWarnedAndClosed(t *testing.T) {
	t.Parallel()
	d := startServed(t, "--scanner", "off",
		"--chat-option", "inactivity-control/enabled=true",
		"--chat-option", "inactivity-control/timeout-alert=2",
		"--chat-option", "inactivity-control/timeout-close=2",
		"--chat-option", "inactivity-control/message-alert=Are you still there?")
	for _, s := range []side{d.agent, d.customer} {
		require.True(t, ask[bool](d.page, `(id) => e2e.until(() => e2e.root(id).textContent.includes('Are you still there?'), 'the alert')`, s.id))
		require.True(t, ask[bool](d.page, `(id) => e2e.until(() => e2e.root(id).textContent.includes('This chat has ended'), 'the end')`, s.id))
	}
}
