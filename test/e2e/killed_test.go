package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProxyKilledInTheMiddleOfAnUpload(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		d.expect(goneQuiet)
		f := large(t, "patience.bin", 32<<20)
		d.begin(f, "patience.bin")
		d.command.kill()
		tell(d.page, `() => e2e.until(() => ['agent', 'customer'].every((side) =>
			e2e.session(side).state === 'reconnecting'
			&& e2e.root(side).querySelector('.state').dataset.state === 'reconnecting'
			&& !e2e.root(side).querySelector('.banner').hidden), 'both sides to show that the connection is lost')`)
		require.Equal(t, "receiving", d.agent.tiles()[0].State, "it was in the middle")

		tell(d.page, "e2e.slow", 0)
		d.command.startAgain()
		d.connected()
		got := d.customer.file("patience.bin")
		require.Equal(t, f.digest, fetchedDigest(t, d.customer.link(got.ID)))
		d.agent.say("it came through")
		d.customer.hears("it came through")
		for _, s := range []side{d.agent, d.customer} {
			require.Equal(t, []line{{Own: s == d.agent, File: "patience.bin"}, {Own: s == d.agent, Text: "it came through"}}, s.lines(), "the file is shown once")
		}
	})
}

func TestChatResumesAfterACleanRestart(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		d.expect(goneQuiet)
		d.agent.say("before")
		d.customer.hears("before")
		d.command.stop()
		d.command.startAgain()
		d.connected()
		d.customer.works(d.agent)
		require.Equal(t, "before", d.agent.lines()[0].Text)
	})
}
