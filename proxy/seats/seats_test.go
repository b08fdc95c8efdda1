package seats_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"attache/proxy/engine"
	"attache/proxy/seats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e
}

func open(t *testing.T, e *engine.Engine, beat time.Duration) *seats.Seats {
	t.Helper()
	s, err := seats.Open(t.Context(), e, seats.Options{Beat: beat})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func TestFreeReportsOtherProxies(t *testing.T) {
	e := start(t)
	one, two := open(t, e, time.Hour), open(t, e, time.Hour)
	free := func(s *seats.Seats, session, user string) bool {
		t.Helper()
		elsewhere, err := s.Free(t.Context(), session, user)
		require.NoError(t, err)
		return elsewhere
	}
	const odd = "ada.*.> lovelace/ü"
	require.NoError(t, one.Take(t.Context(), "s", odd))
	require.False(t, free(two, "s", "ada"), "another party")
	require.False(t, free(two, "s2", odd), "another session")
	require.True(t, free(two, "s", odd))
	require.NoError(t, two.Take(t.Context(), "s", odd))
	require.NoError(t, two.Take(t.Context(), "s", odd), "taking it again is not a second seat")
	require.True(t, free(one, "s", odd))
	require.False(t, free(two, "s", odd))
	require.False(t, free(two, "s", odd), "freeing it again is not an error")
}

func TestSeatsOfADeadProxyAreReported(t *testing.T) {
	e := start(t)
	type who struct{ session, user string }
	lost := make(chan who, 8)
	const beat = 200 * time.Millisecond // no pause of the machine costs one proxy alone three of them
	dead, alive, heir := open(t, e, beat), open(t, e, beat), open(t, e, beat)
	heir.OnLost(func(session, user string) { lost <- who{session, user} })
	require.NoError(t, dead.Take(t.Context(), "s", "ada"))
	require.NoError(t, dead.Take(t.Context(), "s", "ben"))
	require.NoError(t, alive.Take(t.Context(), "s", "ben"))
	dead.Close()
	require.ElementsMatch(t, []who{{"s", "ada"}, {"s", "ben"}}, []who{<-lost, <-lost})
	elsewhere, err := heir.Free(t.Context(), "s", "ada")
	require.NoError(t, err)
	require.False(t, elsewhere)
	elsewhere, err = heir.Free(t.Context(), "s", "ben")
	require.NoError(t, err)
	require.True(t, elsewhere, "another proxy has ben, and it is alive")
	require.Eventually(t, func() bool {
		stream, err := e.JetStream().Stream(t.Context(), "SEATS")
		require.NoError(t, err)
		return stream.CachedInfo().State.NumSubjects == 3 // two beats and ben
	}, time.Minute, beat)
	require.Empty(t, lost, "each seat is reported once")
}
