package e2e

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// developers matches words that a chatting user should not have to read.
var developers = regexp.MustCompile(`(?i)token|attache\.d\.ts|scheme|application|https`)

// A mistake of the page's developer is explained in the console; the chatting user sees
// neutral words.
func TestDeveloperMistakesAreExplainedInTheConsole(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	c := startCommand(t, "demo", "--origin", h.origin())
	h.proxy = c.origin()
	p := newPage(t)
	p.expect(`attache: `)
	p.open(h.origin() + "/")
	const make = `async (mistake, url, state) => {
		const element = document.createElement('attache-chat');
		const mistakes = {
			nothing: () => {},
			'no token': () => { element.url = url; },
			'another scheme': () => { element.url = 'ftp://x'; element.token = 'x'; },
			'a token function that throws': () => { element.url = url; element.token = () => { throw new Error('logged out'); }; },
			'a token that is an object': () => { element.url = url; element.token = async () => ({ token: 'x' }); },
			'an invalid token': () => { element.url = url; element.token = 'nonsense'; },
		};
		mistakes[mistake]();
		document.body.append(element);
		const seen = (selector) => element.shadowRoot.querySelector(selector);
		await e2e.until(() => seen('.state')?.dataset.state === state, mistake + ' to be ' + state);
		return { state: seen('.state').textContent, words: seen('.banner').textContent + seen('.empty').innerText, dead: seen('textarea').disabled };
	}`
	for _, m := range []struct{ mistake, state, word, console string }{
		{"nothing", "idle", "No messages yet", "it has no url and no token"},
		{"no token", "idle", "No messages yet", "it has no token"},
		{"another scheme", "closed", "not set up", "url must have one of the schemes"},
		{"a token function that throws", "connecting", "", "the token function failed"}, // and is called again
		{"a token that is an object", "connecting", "", "object"},
		{"an invalid token", "closed", "could not be signed in", "no token"},
	} {
		t.Run(m.mistake, func(t *testing.T) {
			got := ask[struct {
				State, Words string
				Dead         bool
			}](p, make, m.mistake, c.origin(), m.state)
			require.Contains(t, got.Words, m.word)
			require.NotRegexp(t, developers, got.Words)
			if m.state == "idle" {
				require.Equal(t, "Not connected", got.State)
				require.True(t, got.Dead)
				require.NotContains(t, got.Words, "Write something")
			}
			if m.console != "" {
				p.consoleHas(m.console)
			}
		})
	}
}
