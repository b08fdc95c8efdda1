package chat_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

func deletion(fileID string) bridge.Event {
	return bridge.Event{Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileDeleted, Data: bridge.Data{bridge.Text(bridge.KeyFileID, fileID)}}
}

func fileID(e bridge.Event) string { return e.Data.Get(bridge.KeyFileID) }

// A party deletes its own file: everyone who saw it sees the notice, nobody finds the file,
// its slot is given back once, and the transcript has both notices.
func TestDelete(t *testing.T) {
	t.Parallel()
	now := time.Now()
	e := store(t, t.TempDir())
	o := chat.Options{Now: func() time.Time { return now }}
	s, twin := serve(t, e, o), serve(t, e, o)
	join(t, s, "s1", ann, carl, bob, elder)
	sent := post(t, s, "s1", ann, notice("k1", "a.pdf", 40))
	post(t, s, "s1", carl, notice("k2", "b.pdf", 2))
	requireUsed(t, s, 2, 42, 0)

	deleted := post(t, s, "s1", ann, deletion(fileID(sent)))
	require.Equal(t, bridge.FileDeleted, deleted.Text)
	require.Equal(t, fileID(sent), deleted.Deletes())
	requireUsed(t, s, 1, 2, 0)
	for _, server := range []*chat.Server{s, twin} {
		again := post(t, server, "s1", ann, deletion(fileID(sent)))
		require.Equal(t, deleted.ID, again.ID, "a second deletion is the first")
		for _, who := range []bridge.Party{ann, bob} {
			_, err := server.File(t.Context(), "s1", who.UserID, fileID(sent))
			requireCode(t, bridge.CodeFileUnknown, err)
			require.Contains(t, err.Error(), "deleted")
			requireCode(t, bridge.CodeFileUnknown, server.Attempt(t.Context(), "s1", who.UserID, "try", fileID(sent)))
		}
		requireUsed(t, server, 1, 2, 0)
	}
	require.Equal(t, sent.ID, post(t, twin, "s1", ann, notice("k1", "a.pdf", 40)).ID, "its own notice is not posted again")

	var kept []int64
	require.NoError(t, s.Transcript(t.Context(), "s1", 0, func(e bridge.Event) error {
		kept = append(kept, e.ID)
		return nil
	}))
	require.Subset(t, kept, []int64{sent.ID, deleted.ID})
	end := post(t, s, "s1", bob, text("the end"))
	require.Contains(t, ids(receive(t, twin, "s1", bob, 0).until(t, end.ID)), deleted.ID)
	require.NotContains(t, ids(receive(t, twin, "s1", elder, 0).until(t, end.ID)), deleted.ID, "a version that knows no files")
}

func TestDeleteIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, chat.Options{})
	join(t, s, "s1", ann, carl, bob)
	open := fileID(post(t, s, "s1", ann, notice("k1", "a.pdf", 1)))
	inside := notice("k2", "b.pdf", 1)
	inside.Visibility = bridge.Internal
	coaching := fileID(post(t, s, "s1", bob, inside))
	cases := map[string]struct {
		who  bridge.Party
		file string
		code bridge.Code
	}{
		"another customer's file":     {carl, open, bridge.CodeForbidden},
		"a customer's, by an agent":   {bob, open, bridge.CodeForbidden},
		"one that it may not see":     {ann, coaching, bridge.CodeFileUnknown},
		"one that does not exist":     {ann, "nope", bridge.CodeFileUnknown},
		"none at all":                 {ann, "", bridge.CodeFileUnknown},
		"by a party that is not in":   {sue, open, bridge.CodeNotJoined},
		"one of another session's id": {ann, "AAAAAAAAAAAAAAAA", bridge.CodeFileUnknown},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := s.Post(t.Context(), "s1", c.who.UserID, deletion(c.file))
			requireCode(t, c.code, err)
			if c.code == bridge.CodeForbidden {
				require.Equal(t, "ask the sender to delete it", bridge.AsError(err).Hint)
			}
		})
	}
	deleted := post(t, s, "s1", bob, deletion(coaching))
	require.Equal(t, bridge.Internal, deleted.Visibility, "a customer learns of no file that it may not see")
	_, err := s.Post(t.Context(), "s1", "carl", deletion(open))
	requireCode(t, bridge.CodeForbidden, err)
	require.NoError(t, s.Leave(t.Context(), "s1", "bob", proxy.Departure{After: bridge.ForceClose}))
	_, err = s.Post(t.Context(), "s1", "ann", deletion(open))
	requireCode(t, bridge.CodeSessionEnded, err)
}

// What the token of delete-file means, and the options where the vendor's rule is unknown.
func TestDeleteByToken(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		token string
		o     chat.Options
		by    bridge.Party
		code  bridge.Code
		used  int64
		text  string
	}{
		"odd gives the slot back":      {bridge.DeleteOdd, chat.Options{}, ann, "", 0, bridge.FileDeleted},
		"odd, when set to count":       {bridge.DeleteOdd, chat.Options{DeletedCounts: true}, ann, "", 1, bridge.FileDeleted},
		"keep":                         {bridge.DeleteKeep, chat.Options{}, ann, "", 1, bridge.FileDeleted},
		"off":                          {bridge.DeleteOff, chat.Options{}, ann, bridge.CodeForbidden, 1, ""},
		"others', when that is set":    {bridge.DeleteOdd, chat.Options{DeleteOthers: true}, bob, "", 0, bridge.FileDeleted},
		"another text, when it is set": {bridge.DeleteOdd, chat.Options{DeletedText: "file-gone"}, ann, "", 0, "file-gone"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			limits := bridge.VendorLimits()
			limits.DeleteFile = c.token
			c.o.CustomerLimits = &limits
			s := start(t, c.o)
			join(t, s, "s1", ann, bob)
			file := fileID(post(t, s, "s1", ann, notice("k1", "a.pdf", 1)))
			e, err := s.Post(t.Context(), "s1", c.by.UserID, deletion(file))
			if c.code != "" {
				requireCode(t, c.code, err)
			} else {
				require.NoError(t, err)
				require.Equal(t, c.text, e.Text)
				require.Equal(t, file, e.Deletes())
			}
			require.Equal(t, c.used, limitsOf(t, s, "s1", "ann").UsedFiles)
		})
	}
}

// The limits say which files of others may be deleted, and what they say is true.
func TestLimits_SayWhichFilesOfOthersMayBeDeleted(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		token  string
		others bool
		said   string
	}{
		"not set":                      {bridge.DeleteOdd, false, ""},
		"set":                          {bridge.DeleteOdd, true, bridge.OthersAll},
		"set, and counted":             {bridge.DeleteKeep, true, bridge.OthersAll},
		"set, but customers' stay":     {bridge.DeleteOff, true, bridge.OthersStaff},
		"not set, and customers' stay": {bridge.DeleteOff, false, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			limits := bridge.VendorLimits()
			limits.DeleteFile = c.token
			s := start(t, chat.Options{CustomerLimits: &limits, DeleteOthers: c.others})
			join(t, s, "s1", ann, bob, carl, sue)
			for _, who := range []bridge.Party{ann, bob} {
				require.Equal(t, c.said, limitsOf(t, s, "s1", who.UserID).DeleteOthers)
				for _, owner := range []bridge.Party{carl, sue} {
					file := fileID(post(t, s, "s1", owner, notice("k-"+who.UserID+owner.UserID, "a.pdf", 1)))
					_, err := s.Post(t.Context(), "s1", who.UserID, deletion(file))
					if c.said == bridge.OthersAll || c.said == bridge.OthersStaff && owner.UserType != bridge.Client {
						require.NoError(t, err)
					} else {
						requireCode(t, bridge.CodeForbidden, err)
					}
				}
			}
		})
	}
}

// A slot is given back once, whatever two proxies do at the same time.
func TestDeleteOnce_AtTwoProxies(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	servers := []*chat.Server{serve(t, e, chat.Options{}), serve(t, e, chat.Options{})}
	join(t, servers[0], "s1", ann)
	file := fileID(post(t, servers[0], "s1", ann, notice("k1", "a.pdf", 7)))
	post(t, servers[0], "s1", ann, notice("k2", "b.pdf", 5))
	var all sync.WaitGroup
	positions := make([]int64, 8)
	for i := range positions {
		all.Go(func() {
			e, err := servers[i%2].Post(t.Context(), "s1", "ann", deletion(file))
			if err == nil {
				positions[i] = e.ID
			}
		})
	}
	all.Wait()
	for _, id := range positions {
		require.Equal(t, positions[0], id)
	}
	require.NotZero(t, positions[0])
	for _, s := range servers {
		requireUsed(t, s, 1, 5, 0)
	}
}

// Bytes of a deleted file are on the disk for a little longer.
func TestDeletedBytesSettle(t *testing.T) {
	t.Parallel()
	now := time.Now()
	limits := bridge.VendorLimits()
	limits.MaxTotalSize = 100
	s := start(t, chat.Options{CustomerLimits: &limits, Now: func() time.Time { return now }})
	join(t, s, "s1", ann)
	file := fileID(post(t, s, "s1", ann, notice("k1", "a.pdf", 80)))
	post(t, s, "s1", ann, deletion(file))
	requireCode(t, bridge.CodeBusy, s.Reserve(t.Context(), "s1", "ann", "k2", "a.pdf", 60))
	now = now.Add(proxy.SettleTime)
	require.NoError(t, s.Reserve(t.Context(), "s1", "ann", "k2", "a.pdf", 60))
}

// The answer goes to the asker alone, has no id, and is not an event of the session.
func TestFileConfig(t *testing.T) {
	t.Parallel()
	limits := bridge.VendorLimits()
	limits.Types, limits.NeedAgent = []string{"jpeg", "pdf"}, true
	s := start(t, chat.Options{CustomerLimits: &limits})
	join(t, s, "s1", ann, bob)
	file := fileID(post(t, s, "s1", ann, notice("k1", "a.pdf", 40)))
	require.NoError(t, s.Attempt(t.Context(), "s1", "ann", "try", file))
	before := post(t, s, "s1", bob, text("before"))

	ask := bridge.Event{Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileConfig}
	answer, err := s.Post(t.Context(), "s1", "ann", ask)
	require.NoError(t, err)
	require.True(t, answer.Transient())
	require.Equal(t, "ann", answer.From.UserID)
	require.Equal(t, bridge.FileConfig, answer.Text)
	require.NotZero(t, answer.At)
	require.Equal(t, bridge.Data{
		bridge.Text("download-attempts", "2"), bridge.Text("used-download-attempts", "1"),
		bridge.Text("upload-max-files", "3"), bridge.Text("used-upload-max-files", "1"),
		bridge.Text("upload-max-file-size", "2097152"), bridge.Text("upload-max-total-size", "5242880"),
		bridge.Text("used-upload-max-total-size", "40"), bridge.Text("upload-need-agent", "true"),
		bridge.Text("upload-file-types", "jpeg:pdf"), bridge.Text("delete-file", "odd"),
	}, answer.Data)

	after := post(t, s, "s1", bob, text("after"))
	require.Equal(t, before.ID+1, after.ID, "nothing was appended")
	require.NotContains(t, ids(receive(t, s, "s1", bob, before.ID).until(t, after.ID)), int64(0))
	_, err = s.Post(t.Context(), "s1", "carl", ask)
	requireCode(t, bridge.CodeNotJoined, err)
	agent, err := s.Post(t.Context(), "s1", "bob", ask)
	require.NoError(t, err)
	require.Equal(t, "1000", agent.Data.Get("upload-max-files"), "a limit that does not exist is the vendor's highest value")
}
