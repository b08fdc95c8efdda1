package chat

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLobbyKeepsRoomsInUse(t *testing.T) {
	t.Parallel()
	l := newLobby(&log{}, 2)
	used := l.enter("used")
	require.Same(t, used, l.enter("used"))
	l.leave(used)
	for i := range 5 {
		l.leave(l.enter(fmt.Sprint(i)))
	}
	require.Len(t, l.rooms, 3, "the one in use and two idle ones")
	require.Same(t, used, l.find("used"), "one leaves, one stays")
	require.NotNil(t, l.find("4"))
	require.Nil(t, l.find("0"), "the longest idle is dropped first")

	again := l.enter("3")
	l.leave(l.enter("5"))
	l.leave(l.enter("6"))
	require.Same(t, again, l.find("3"), "back in use")
	l.leave(again)
	l.leave(used)
	require.Len(t, l.rooms, 2)
	require.Equal(t, l.idle.Len(), len(l.idleAt))
}
