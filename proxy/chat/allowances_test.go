package chat_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

func limitsOf(t testing.TB, s *chat.Server, session, user string) bridge.Limits {
	t.Helper()
	l, err := s.Limits(t.Context(), session, user)
	require.NoError(t, err)
	return l
}

func requireUsed(t testing.TB, s *chat.Server, files, bytes, downloads int64) {
	t.Helper()
	l := limitsOf(t, s, "s1", "ann")
	require.Equal(t, [3]int64{files, bytes, downloads}, [3]int64{l.UsedFiles, l.UsedTotalSize, l.UsedDownloads})
}

func TestReserve(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	vendor := bridge.VendorLimits()
	off, needAgent, types := vendor, vendor, vendor
	off.MaxFiles = 0
	needAgent.NeedAgent = true
	types.Types = bridge.ParseTypes("pdf:png")

	type step struct {
		user, key, name string
		size            int64
		code            bridge.Code
	}
	cases := map[string]struct {
		limits bridge.Limits
		in     []bridge.Party
		steps  []step
	}{
		"as many as allowed": {vendor, []bridge.Party{ann}, []step{
			{"ann", "1", "a.pdf", 1, ""}, {"ann", "2", "a.pdf", 1, ""}, {"ann", "3", "a.pdf", 1, ""},
			{"ann", "4", "a.pdf", 1, bridge.CodeFileCount},
		}},
		"as large as allowed": {vendor, []bridge.Party{ann}, []step{
			{"ann", "1", "a.pdf", 2*mib + 1, bridge.CodeFileSize}, {"ann", "1", "a.pdf", 2 * mib, ""},
		}},
		"as much as allowed": {vendor, []bridge.Party{ann}, []step{
			{"ann", "1", "a.pdf", 2 * mib, ""}, {"ann", "2", "a.pdf", 2 * mib, ""},
			{"ann", "3", "a.pdf", mib + 1, bridge.CodeTotalSize}, {"ann", "3", "a.pdf", mib, ""},
		}},
		"customers share": {vendor, []bridge.Party{ann, carl}, []step{
			{"ann", "1", "a.pdf", 1, ""}, {"carl", "2", "a.pdf", 1, ""}, {"ann", "3", "a.pdf", 1, ""},
			{"carl", "4", "a.pdf", 1, bridge.CodeFileCount},
		}},
		"the same again": {vendor, []bridge.Party{ann, carl}, []step{
			{"ann", "1", "a.pdf", 1, ""}, {"ann", "1", "a.pdf", 1, ""},
			{"ann", "1", "a.pdf", 2, bridge.CodeUploadConflict},
			{"ann", "1", "a.exe", 1, bridge.CodeUploadConflict},
			{"carl", "1", "a.pdf", 1, bridge.CodeUploadConflict},
		}},
		"switched off": {off, []bridge.Party{ann}, []step{{"ann", "1", "a.pdf", 1, bridge.CodeUploadsOff}}},
		"before an agent is there": {needAgent, []bridge.Party{ann, bot}, []step{
			{"ann", "1", "a.pdf", 1, bridge.CodeNeedAgent},
		}},
		"when an agent is there":     {needAgent, []bridge.Party{ann, bob}, []step{{"ann", "1", "a.pdf", 1, ""}}},
		"when a supervisor is there": {needAgent, []bridge.Party{ann, sue}, []step{{"ann", "1", "a.pdf", 1, ""}}},
		"by type": {types, []bridge.Party{ann}, []step{
			{"ann", "1", "a.PDF", 1, ""}, {"ann", "2", "a.exe", 1, bridge.CodeFileType},
		}},
		"a notice that is not an upload": {vendor, []bridge.Party{ann}, []step{
			{"ann", "", "a.pdf", 1, bridge.CodeMessage}, {"ann", "1", "", 1, bridge.CodeNameInvalid},
			{"ann", "1", "a.pdf", -1, bridge.CodeMessage}, {"ann", "1", "a.pdf", bridge.MaxInteger + 1, bridge.CodeMessage},
		}},
		"a party that is not in": {vendor, []bridge.Party{ann}, []step{{"carl", "1", "a.pdf", 1, bridge.CodeNotJoined}}},
		"an agent has no limits": {off, []bridge.Party{bob}, []step{{"bob", "1", "a.pdf", 1 << 40, ""}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := start(t, chat.Options{CustomerLimits: &c.limits})
			join(t, s, "s1", c.in...)
			for i, step := range c.steps {
				err := s.Reserve(t.Context(), "s1", step.user, step.key, step.name, step.size)
				if step.code == "" {
					require.NoError(t, err, "step %d", i)
					continue
				}
				requireCode(t, step.code, err)
			}
		})
	}
}

func TestReserveOfAgents(t *testing.T) {
	t.Parallel()
	limits := bridge.Unlimited()
	limits.MaxFiles, limits.MaxFileSize = 2, 100
	s := start(t, chat.Options{AgentLimits: &limits})
	join(t, s, "s1", bob, ann)
	requireCode(t, bridge.CodeFileSize, s.Reserve(t.Context(), "s1", "bob", "1", "a.pdf", 101))
	require.NoError(t, s.Reserve(t.Context(), "s1", "bob", "1", "a.pdf", 100))
	require.EqualValues(t, 1, limitsOf(t, s, "s1", "bob").UsedFiles, "because their files are limited")
	requireUsed(t, s, 0, 0, 0)
	require.NoError(t, s.Release(t.Context(), "s1", "bob", "1"))
	require.Zero(t, limitsOf(t, s, "s1", "bob").UsedFiles)

	post(t, s, "s1", bob, notice("1", "a.pdf", 100))
	post(t, s, "s1", bob, notice("2", "a.pdf", 5000))
	require.EqualValues(t, 2, limitsOf(t, s, "s1", "bob").UsedFiles)
	requireCode(t, bridge.CodeFileCount, s.Reserve(t.Context(), "s1", "bob", "3", "a.pdf", 1))
	post(t, s, "s1", bob, notice("3", "a.pdf", 1)) // Chat Server itself restricts no agent
	requireUsed(t, s, 0, 0, 0)
}

func TestReservationLife(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := start(t, chat.Options{Now: func() time.Time { return now }})
	join(t, s, "s1", ann, carl)
	reserve := func(key string, size int64) {
		require.NoError(t, s.Reserve(t.Context(), "s1", "ann", key, "a.pdf", size))
	}
	reserve("1", 10)
	reserve("2", 20)
	reserve("3", 30)
	requireUsed(t, s, 3, 60, 0)

	require.NoError(t, s.Release(t.Context(), "s1", "carl", "1"), "of another party, so nothing happens")
	requireUsed(t, s, 3, 60, 0)
	require.NoError(t, s.Release(t.Context(), "s1", "ann", "1"))
	require.NoError(t, s.Release(t.Context(), "s1", "ann", "1"), "again")
	require.NoError(t, s.Release(t.Context(), "s1", "ann", "unknown"))
	requireUsed(t, s, 2, 50, 0)

	post(t, s, "s1", ann, notice("2", "a.pdf", 20))
	requireUsed(t, s, 2, 50, 0)
	require.NoError(t, s.Release(t.Context(), "s1", "ann", "2"), "spent, so nothing happens")
	reserve("2", 20) // announced already: there is nothing to reserve
	requireUsed(t, s, 2, 50, 0)

	now = now.Add(24*time.Hour - time.Millisecond)
	requireUsed(t, s, 2, 50, 0)
	now = now.Add(time.Millisecond)
	requireUsed(t, s, 1, 20, 0)
	reserve("3", 31)
	requireUsed(t, s, 2, 51, 0)

	// A longer upload stays reserved as long as the reservation is repeated.
	now = now.Add(13 * time.Hour)
	reserve("3", 31)
	require.NoError(t, s.Leave(t.Context(), "s1", "ann", proxy.Departure{Reason: bridge.ReasonLeft, After: ""}))
	for range 3 {
		now = now.Add(13 * time.Hour)
		reserve("3", 31)
	}
	require.EqualValues(t, 2, limitsOf(t, s, "s1", "carl").UsedFiles)
	requireCode(t, bridge.CodeNotJoined, s.Reserve(t.Context(), "s1", "ann", "4", "a.pdf", 1))
	require.NoError(t, s.Release(t.Context(), "s1", "ann", "3"), "an upload may be released after its party has left")
	require.EqualValues(t, 1, limitsOf(t, s, "s1", "carl").UsedFiles)
}

// Only an upload's key has a reservation, whatever other event has that key in the
// transcript, and in any order.
func TestH1OnlyUploadKeysAreReserved(t *testing.T) {
	t.Parallel()
	limits := bridge.VendorLimits()
	limits.MaxFiles = 1
	reserve := func(s *chat.Server, who, key string, size int64) error {
		return s.Reserve(t.Context(), "s1", who, key, "a.pdf", size)
	}
	say := func(s *chat.Server, who, key string) error {
		e := text("hello")
		e.Key = key
		_, err := s.Post(t.Context(), "s1", who, e)
		return err
	}
	cases := map[string]func(t *testing.T, s *chat.Server){
		"a message before the offer": func(t *testing.T, s *chat.Server) {
			require.NoError(t, say(s, "ann", "key"))
			requireCode(t, bridge.CodeUploadConflict, reserve(s, "ann", "key", 1<<40))
			requireCode(t, bridge.CodeUploadConflict, reserve(s, "ann", "key", 1))
			requireUsed(t, s, 0, 0, 0)
		},
		"a message after the offer": func(t *testing.T, s *chat.Server) {
			require.NoError(t, reserve(s, "ann", "key", 1))
			requireCode(t, bridge.CodeUploadConflict, say(s, "ann", "key"))
			requireUsed(t, s, 1, 1, 0)
			post(t, s, "s1", ann, notice("key", "a.pdf", 1))
			requireUsed(t, s, 1, 1, 0)
		},
		"a message after the offer was cancelled": func(t *testing.T, s *chat.Server) {
			require.NoError(t, reserve(s, "ann", "key", 1))
			require.NoError(t, s.Release(t.Context(), "s1", "ann", "key"))
			require.NoError(t, say(s, "ann", "key"))
			requireCode(t, bridge.CodeUploadConflict, reserve(s, "ann", "key", 1))
			requireUsed(t, s, 0, 0, 0)
		},
		"an announced file of another size": func(t *testing.T, s *chat.Server) {
			post(t, s, "s1", ann, notice("key", "a.pdf", 1))
			requireCode(t, bridge.CodeUploadConflict, reserve(s, "ann", "key", 1<<40))
			require.NoError(t, reserve(s, "ann", "key", 1), "this one is announced")
			requireUsed(t, s, 1, 1, 0)
		},
		"another party's message": func(t *testing.T, s *chat.Server) {
			require.NoError(t, say(s, "carl", "key"))
			requireCode(t, bridge.CodeUploadConflict, reserve(s, "ann", "key", 1))
		},
		"an agent's own message": func(t *testing.T, s *chat.Server) {
			require.NoError(t, say(s, "bob", "key"))
			requireCode(t, bridge.CodeUploadConflict, reserve(s, "bob", "key", 1))
		},
		"another party's reservation": func(t *testing.T, s *chat.Server) {
			require.NoError(t, reserve(s, "carl", "key", 1))
			requireCode(t, bridge.CodeUploadConflict, say(s, "ann", "key"))
			requireCode(t, bridge.CodeUploadConflict, reserve(s, "ann", "key", 1))
		},
		"released twice, with another held": func(t *testing.T, s *chat.Server) {
			require.NoError(t, reserve(s, "ann", "key", 1))
			for range 2 {
				require.NoError(t, s.Release(t.Context(), "s1", "ann", "key"))
			}
			require.NoError(t, reserve(s, "ann", "other", 1))
			require.NoError(t, s.Release(t.Context(), "s1", "ann", "key"))
			requireCode(t, bridge.CodeFileCount, reserve(s, "ann", "key", 1))
		},
		"files of no bytes": func(t *testing.T, s *chat.Server) {
			require.NoError(t, reserve(s, "ann", "key", 0))
			requireCode(t, bridge.CodeFileCount, reserve(s, "ann", "other", 0))
		},
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			s := start(t, chat.Options{CustomerLimits: &limits})
			join(t, s, "s1", ann, carl, bob)
			run(t, s)
		})
	}
}

// Released bytes leave the disk a little later, and no customer has more there than it
// may send, however often it sends and cancels.
func TestH1ReleasedBytesCountForAMoment(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := start(t, chat.Options{Now: func() time.Time { return now }})
	join(t, s, "s1", ann, carl)
	const mib = 1 << 20
	reserve := func(key string, size int64) error { return s.Reserve(t.Context(), "s1", "ann", key, "a.pdf", size) }
	for _, key := range []string{"1", "2"} {
		require.NoError(t, reserve(key, 2*mib))
		require.NoError(t, s.Release(t.Context(), "s1", "ann", key))
	}
	requireUsed(t, s, 0, 0, 0)
	requireCode(t, bridge.CodeBusy, reserve("3", mib+1))
	requireCode(t, bridge.CodeBusy, s.Reserve(t.Context(), "s1", "carl", "3", "a.pdf", mib+1))
	require.NoError(t, reserve("3", mib))
	post(t, s, "s1", ann, notice("3", "a.pdf", mib))
	requireCode(t, bridge.CodeBusy, reserve("4", 1))
	now = now.Add(20 * time.Second)
	require.NoError(t, reserve("4", 2*mib))
	requireUsed(t, s, 2, 3*mib, 0)
}

// Unlimited sizes do not add up to a negative number.
func TestH1SizesDoNotOverflow(t *testing.T) {
	t.Parallel()
	none := bridge.Unlimited()
	s := start(t, chat.Options{CustomerLimits: &none})
	join(t, s, "s1", ann)
	for n := range 4 {
		if n%2 == 0 {
			require.NoError(t, s.Reserve(t.Context(), "s1", "ann", fmt.Sprint(n), "a.pdf", bridge.MaxInteger))
			continue
		}
		post(t, s, "s1", ann, notice(fmt.Sprint(n), "a.pdf", bridge.MaxInteger))
	}
	requireUsed(t, s, 4, bridge.MaxInteger, 0)
}

// A hidden supervisor does not count as an agent for a customer.
func TestM5HiddenPartyIsNotAnAgentForACustomer(t *testing.T) {
	t.Parallel()
	needAgent := bridge.VendorLimits()
	needAgent.NeedAgent = true
	s := start(t, chat.Options{CustomerLimits: &needAgent})
	coach := bridge.Party{UserID: "coach", UserType: bridge.Agent, Visibility: bridge.Internal}
	join(t, s, "s1", ann, ivy, coach)
	require.False(t, limitsOf(t, s, "s1", "ann").AgentHere)
	require.True(t, limitsOf(t, s, "s1", "coach").AgentHere)
	requireCode(t, bridge.CodeNeedAgent, s.Reserve(t.Context(), "s1", "ann", "key", "a.pdf", 1))
	_, err := s.Post(t.Context(), "s1", "ann", notice("key", "a.pdf", 1))
	requireCode(t, bridge.CodeNeedAgent, err)
	again, err := s.Join(t.Context(), "s1", proxy.Joining{Party: ann})
	require.NoError(t, err)
	require.False(t, again.Limits.AgentHere)

	join(t, s, "s1", bob)
	require.True(t, limitsOf(t, s, "s1", "ann").AgentHere)
	require.NoError(t, s.Reserve(t.Context(), "s1", "ann", "key", "a.pdf", 1))
}

// A notice is checked against its reservation.
func TestNoticeOfACustomer(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		others int // reservations of other uploads
		name   string
		size   int64
		code   bridge.Code
	}{
		"as reserved":                       {2, "a.pdf", 10, ""},
		"larger, within the limits":         {2, "a.pdf", 11, ""},
		"larger than allowed":               {0, "a.pdf", 2<<20 + 1, bridge.CodeFileSize},
		"of another type, which is refused": {0, "a.exe", 10, bridge.CodeFileType},
	}
	limits := bridge.VendorLimits()
	limits.Types = []string{"pdf"}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := start(t, chat.Options{CustomerLimits: &limits})
			join(t, s, "s1", ann)
			require.NoError(t, s.Reserve(t.Context(), "s1", "ann", "key", "a.pdf", 10))
			for i := range c.others {
				require.NoError(t, s.Reserve(t.Context(), "s1", "ann", fmt.Sprint(i), "a.pdf", 10))
			}
			_, err := s.Post(t.Context(), "s1", "ann", notice("key", c.name, c.size))
			if c.code != "" {
				requireCode(t, c.code, err)
				return
			}
			require.NoError(t, err)
			requireUsed(t, s, int64(c.others+1), int64(c.others)*10+c.size, 0)
		})
	}
	t.Run("without a reservation", func(t *testing.T) {
		s := start(t, chat.Options{CustomerLimits: &limits})
		join(t, s, "s1", ann)
		for i := range 3 {
			post(t, s, "s1", ann, notice(fmt.Sprint(i), "a.pdf", 10))
		}
		_, err := s.Post(t.Context(), "s1", "ann", notice("4", "a.pdf", 10))
		requireCode(t, bridge.CodeFileCount, err)
	})
	t.Run("with another party's", func(t *testing.T) {
		one := limits
		one.MaxFiles = 1
		s := start(t, chat.Options{CustomerLimits: &one})
		join(t, s, "s1", ann, carl)
		require.NoError(t, s.Reserve(t.Context(), "s1", "ann", "key", "a.pdf", 10))
		_, err := s.Post(t.Context(), "s1", "carl", notice("key", "a.pdf", 10))
		requireCode(t, bridge.CodeUploadConflict, err)
		post(t, s, "s1", ann, notice("key", "a.pdf", 10))
	})
}

func TestAttempt(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, bob)
	a := post(t, s, "s1", bob, notice("a", "a.pdf", 1)).Data.Get(bridge.KeyFileID)
	b := post(t, s, "s1", bob, notice("b", "b.pdf", 1)).Data.Get(bridge.KeyFileID)
	try := func(user, key, file string) error { return s.Attempt(t.Context(), "s1", user, key, file) }

	requireCode(t, bridge.CodeFileUnknown, try("ann", "1", "nothing"))
	requireCode(t, bridge.CodeMessage, try("ann", "", a))
	requireUsed(t, s, 0, 0, 0)
	require.NoError(t, try("ann", "1", a))
	require.NoError(t, try("ann", "1", a), "the same download continues")
	requireUsed(t, s, 0, 0, 1)
	require.NoError(t, try("ann", "1", b), "the same key for another file is another download")
	requireUsed(t, s, 0, 0, 2)
	err := try("ann", "2", a)
	requireCode(t, bridge.CodeDownloads, err)
	require.Contains(t, err.Error(), "2 downloads", "the refusal names the limit")
	require.NoError(t, try("ann", "1", a), "a charged download stays charged")
	for i := range 5 {
		require.NoError(t, try("bob", fmt.Sprint(i), a), "agents are not charged")
	}
	requireUsed(t, s, 0, 0, 2)

	none := bridge.Unlimited()
	free := start(t, chat.Options{CustomerLimits: &none})
	join(t, free, "s1", ann, bob)
	a = post(t, free, "s1", bob, notice("a", "a.pdf", 1)).Data.Get(bridge.KeyFileID)
	for i := range 5 {
		require.NoError(t, free.Attempt(t.Context(), "s1", "ann", fmt.Sprint(i), a))
	}
}

// Uploads that begin at the same time on several proxies never exceed a limit together.
func TestT17QuotaRace(t *testing.T) {
	t.Parallel()
	limits := bridge.VendorLimits()
	limits.MaxFiles, limits.MaxTotalSize = 10, 700
	e := store(t, t.TempDir())
	servers := []*chat.Server{}
	for range 3 {
		servers = append(servers, serve(t, e, chat.Options{CustomerLimits: &limits}))
	}
	for round, size := range []int64{1, 100} { // count binds, then bytes
		session := fmt.Sprintf("s%d", round)
		join(t, servers[0], session, ann)
		var granted atomic.Int64
		var all sync.WaitGroup
		begin := make(chan struct{})
		for i := range 64 {
			all.Go(func() {
				<-begin
				err := servers[i%len(servers)].Reserve(t.Context(), session, "ann", fmt.Sprint(i), "a.pdf", size)
				switch code := bridge.CodeOf(err); {
				case err == nil:
					granted.Add(1)
				case code != bridge.CodeFileCount && code != bridge.CodeTotalSize:
					t.Errorf("upload %d: %v", i, err)
				}
			})
		}
		close(begin)
		all.Wait()
		want := min(limits.MaxFiles, limits.MaxTotalSize/size)
		require.Equal(t, want, granted.Load())
		for _, s := range servers {
			_, _, err := s.FindKey(t.Context(), session, "") // reads the log
			require.NoError(t, err)
			l := limitsOf(t, s, session, "ann")
			require.Equal(t, want, l.UsedFiles)
			require.Equal(t, want*size, l.UsedTotalSize)
		}
	}
}
