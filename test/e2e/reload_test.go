package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReloadShowsTheTranscriptWithItsIcons(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		f := generated(t, "before.png", pngFile(t))
		d.agent.say("here is the picture")
		d.customer.hears("here is the picture")
		d.agent.give(f.path)
		before := d.customer.file("before.png")
		id := ask[string](d.page, "() => e2e.session('customer').id")

		d.reload()
		d.connected()
		require.Equal(t, id, ask[string](d.page, "() => e2e.session('customer').id"), "the same chat session")
		require.Equal(t, before, d.customer.file("before.png"), "the same tile")
		require.True(t, d.agent.file("before.png").Own)
		require.Equal(t, []line{{Text: "here is the picture"}, {File: "before.png"}}, d.customer.lines())
		require.Equal(t, f.digest, d.customer.digest(before.ID))
		d.customer.works(d.agent)
	})
}
