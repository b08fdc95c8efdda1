package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// order waits for n files in a transcript and returns their names.
func (s side) order(n int) []string {
	s.t.Helper()
	return ask[[]string](s.page, `(side, n) => e2e.until(() => {
		const done = e2e.tiles(side).filter(({ id }) => id !== '').map(({ name }) => name);
		return done.length === n && done;
	}, 'all files')`, s.id, n)
}

func TestFilesChosenTogetherArriveInThatOrder(t *testing.T) {
	t.Parallel()
	d := places[0].open(t)
	paths := []string{
		large(t, "1.bin", 4<<20).path, generated(t, "2.txt", []byte("small")).path, large(t, "3.bin", 1<<20).path,
		generated(t, "4.txt", nil).path, generated(t, "5.txt", []byte("last")).path,
	}
	tell(d.page, "e2e.slow", 10)
	d.agent.give(paths...)
	require.Equal(t, []string{"1.bin", "2.txt", "3.bin", "4.txt", "5.txt"}, d.customer.order(5))
	require.Equal(t, []string{"1.bin", "2.txt", "3.bin", "4.txt", "5.txt"}, d.agent.order(5))

	tell(d.page, "e2e.slow", 100)
	d.agent.give(large(t, "6.bin", 64<<20).path, generated(t, "7.txt", []byte("small")).path)
	tell(d.page, "e2e.midway", "agent", "6.bin", 1)
	d.click(`() => e2e.named('agent', '6.bin').querySelector('button.tile-cancel')`)
	require.Equal(t, "7.txt", d.customer.order(6)[5], "a cancelled file does not delay the others")
}
