package seats_test

import (
	"sync"
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
	require.NoError(t, one.Take(t.Context(), "s", odd, 0))
	require.False(t, free(two, "s", "ada"), "another party")
	require.False(t, free(two, "s2", odd), "another session")
	require.True(t, free(two, "s", odd))
	require.NoError(t, two.Take(t.Context(), "s", odd, 0))
	require.NoError(t, two.Take(t.Context(), "s", odd, 0), "taking it again is not a second seat")
	require.True(t, free(one, "s", odd))
	require.False(t, free(two, "s", odd))
	require.False(t, free(two, "s", odd), "freeing it again is not an error")
}

func TestSeatsOfADeadProxyAreReported(t *testing.T) {
	e := start(t)
	type who struct {
		session, user string
		away          time.Duration
	}
	lost := make(chan who, 8)
	const beat = 200 * time.Millisecond // no pause of the machine costs one proxy alone three of them
	dead, alive, heir := open(t, e, beat), open(t, e, beat), open(t, e, beat)
	heir.OnLost(func(session, user string, away time.Duration) { lost <- who{session, user, away} })
	require.NoError(t, dead.Take(t.Context(), "s", "ada", 90*time.Second))
	require.NoError(t, dead.Take(t.Context(), "s", "ben", 0))
	require.NoError(t, alive.Take(t.Context(), "s", "ben", 0))
	dead.Close()
	require.ElementsMatch(t, []who{{"s", "ada", 90 * time.Second}, {"s", "ben", 0}}, []who{<-lost, <-lost})
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

// A party that asks at one proxy after the other is sent each transient notice once.
func TestClaim(t *testing.T) {
	e := start(t)
	one, two := open(t, e, time.Hour), open(t, e, time.Hour)
	claim := func(s *seats.Seats, user string, keys ...string) []string {
		t.Helper()
		fresh, err := s.Claim(t.Context(), "s", user, keys)
		require.NoError(t, err)
		return fresh
	}
	require.NoError(t, one.Take(t.Context(), "s", "ada", 0))
	require.Equal(t, []string{"a", "b"}, claim(one, "ada", "a", "b"))
	require.Equal(t, []string{"c"}, claim(two, "ada", "a", "c", "b"))
	require.Empty(t, claim(one, "ada", "c", "a"))
	require.Equal(t, []string{"a"}, claim(two, "ben", "a"), "another party")

	var mu sync.Mutex
	times := map[string]int{}
	var all sync.WaitGroup
	for n := range 8 { // as many as a claim is tried
		all.Go(func() {
			fresh, err := []*seats.Seats{one, two}[n%2].Claim(t.Context(), "s", "carl", []string{"a", "b", "c"})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, key := range fresh {
				times[key]++
			}
		})
	}
	all.Wait()
	require.Equal(t, map[string]int{"a": 1, "b": 1, "c": 1}, times)

	_, err := one.Free(t.Context(), "s", "ada")
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, claim(one, "ada", "a"), "nothing of a party that is gone is kept")
}
