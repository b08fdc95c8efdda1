package proxy_test

import (
	"bytes"
	"os"
	"slices"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"

	"github.com/stretchr/testify/require"
)

// sendFile sends a small file as the customer and returns its notice.
func (w *world) sendFile(user string, kind bridge.UserType, key string, content []byte) bridge.Event {
	w.t.Helper()
	who := w.party(user, kind)
	joined, err := w.chat.Join(w.t.Context(), who.Session, proxy.Joining{Party: who.Party})
	require.NoError(w.t, err)
	t := w.Proxy.Transfers()
	_, err = t.Offer(w.t.Context(), who, proxy.Offer{Key: key, Conn: "test", Limits: joined.Limits, Name: "a.pdf", Size: int64(len(content))})
	require.NoError(w.t, err)
	_, err = t.Receive(w.t.Context(), who, key, 0, proxy.Source{Reader: bytes.NewReader(content), Cut: func() {}})
	require.NoError(w.t, err)
	var e bridge.Event
	require.Eventually(w.t, func() bool {
		var found bool
		e, found, err = w.chat.FindKey(w.t.Context(), who.Session, key)
		return err == nil && found
	}, wait, 5*time.Millisecond)
	return e
}

func (w *world) party(user string, kind bridge.UserType) proxy.Identity {
	return proxy.Identity{Session: "s1", Party: bridge.Party{UserID: user, Nickname: user, UserType: kind, ClientVersion: bridge.VersionCurrent}, Rights: bridge.AllRights}
}

// A deleted file's document is removed, its ticket is dead, and the audit log names it.
func TestDelete_TheFileIsGone(t *testing.T) {
	w := newWorld(t)
	twin := w.another()
	carol, alice := w.party("carol", bridge.Client), w.party("alice", bridge.Agent)
	key := bridge.Key{1}.String()
	sent := w.sendFile("carol", bridge.Client, key, []byte("hello"))
	_, err := w.chat.Join(t.Context(), "s1", proxy.Joining{Party: alice.Party})
	require.NoError(t, err)
	id := sent.Data.Get(bridge.KeyFileID)
	grant, _, err := w.Proxy.Transfers().Authorize(t.Context(), alice, proxy.Wish{FileID: id, Attempt: bridge.Key{2}.String(), Conn: "test"})
	require.NoError(t, err)
	require.NotZero(t, w.bytesStored())

	deleted, err := twin.Proxy.Transfers().Delete(t.Context(), carol, id, "test")
	require.NoError(t, err)
	again, err := w.Proxy.Transfers().Delete(t.Context(), carol, id, "test")
	require.NoError(t, err)
	require.Equal(t, deleted.ID, again.ID)

	w.nothingStaged()
	_, err = w.Proxy.Transfers().Open(t.Context(), proxy.Fetch{Grant: grant})
	require.Equal(t, bridge.CodeFileUnknown, bridge.CodeOf(err), "%v", err)
	_, _, err = w.Proxy.Transfers().Authorize(t.Context(), alice, proxy.Wish{FileID: id, Attempt: bridge.Key{3}.String(), Conn: "test"})
	require.Equal(t, bridge.CodeFileUnknown, bridge.CodeOf(err), "%v", err)
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(w.AuditFile)
		return err == nil && bytes.Contains(text, []byte(`"action":"announced"`)) && bytes.Contains(text, []byte(`"action":"deleted"`))
	}, wait, 5*time.Millisecond)
	require.Eventually(t, func() bool {
		linked, err := w.Records.Linked(t.Context())
		return err == nil && len(linked) == 0
	}, wait, 5*time.Millisecond)
}

// A document that another file of the session has too stays until that is deleted.
func TestDelete_AnotherFileHasTheDocument(t *testing.T) {
	w := newWorld(t)
	carol, alice := w.party("carol", bridge.Client), w.party("alice", bridge.Agent)
	key := bridge.Key{1}.String()
	sent := w.sendFile("carol", bridge.Client, key, []byte("hello"))
	_, err := w.chat.Join(t.Context(), "s1", proxy.Joining{Party: alice.Party})
	require.NoError(t, err)
	twice := slices.Clone(sent.Data).Set(bridge.Text(bridge.KeyFileKey, ""))
	other, err := w.chat.Post(t.Context(), "s1", "alice", bridge.Event{Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileUploaded, Data: twice})
	require.NoError(t, err)

	_, err = w.Proxy.Transfers().Delete(t.Context(), carol, sent.Data.Get(bridge.KeyFileID), "test")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		r, err := w.Records.Get(t.Context(), "s1", key)
		return err == nil && r.Deletion == proxy.Deleted
	}, wait, 5*time.Millisecond)
	grant, _, err := w.Proxy.Transfers().Authorize(t.Context(), alice, proxy.Wish{FileID: other.Data.Get(bridge.KeyFileID), Attempt: bridge.Key{2}.String(), Conn: "test"})
	require.NoError(t, err)
	download, err := w.Proxy.Transfers().Open(t.Context(), proxy.Fetch{Grant: grant})
	require.NoError(t, err)
	require.NoError(t, download.Close())
}

// A refused deletion leaves the file as it was, and no mark on its record.
func TestDelete_Refused(t *testing.T) {
	w := newWorld(t)
	key := bridge.Key{1}.String()
	sent := w.sendFile("carol", bridge.Client, key, []byte("hello"))
	id := sent.Data.Get(bridge.KeyFileID)
	alice := w.party("alice", bridge.Agent)
	_, err := w.chat.Join(t.Context(), "s1", proxy.Joining{Party: alice.Party})
	require.NoError(t, err)
	_, err = w.Proxy.Transfers().Delete(t.Context(), alice, id, "test")
	require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err), "%v", err)
	r, err := w.Records.Get(t.Context(), "s1", key)
	require.NoError(t, err)
	require.Empty(t, r.Deletion)
	alice.Rights = nil
	_, err = w.Proxy.Transfers().Delete(t.Context(), alice, id, "test")
	require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err), "%v", err)
	_, err = w.chat.File(t.Context(), "s1", "carol", id)
	require.NoError(t, err)
}

// An upload whose file was deleted has no event to report, so the answer to an offer or a cancel
// of its key is that it failed: otherwise the page would wait for the event.
func TestDelete_OfferAndCancelOfItsKeyAreAnsweredAsFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	agent, _ := w.join(w.agent)
	file := w.upload(agent, w.data(w.agent), "a.bin", random(10))
	agent.send(&bridge.Cancel{Key: file.Key})
	m := await(agent, func(m *bridge.Upload) bool { return m.Key == file.Key && m.State == bridge.Announced && m.Event != nil })
	require.Equal(t, file.ID, m.Event.Data.Get(bridge.KeyFileID))
	agent.send(&bridge.Notify{Ref: 1, Key: newKey(), Notice: bridge.SystemCommand, Text: bridge.FileDeleted, Data: bridge.Data{bridge.Text(bridge.KeyFileID, file.ID)}})
	await(agent, func(m *bridge.Done) bool { return m.Ref == 1 })

	again, _ := w.join(w.agent)
	for name, request := range map[string]bridge.Wire{
		"offer":  &bridge.Offer{Key: file.Key, Name: "a.bin", Size: 10},
		"cancel": &bridge.Cancel{Key: file.Key},
	} {
		again.send(request)
		m := await(again, anything[*bridge.Upload])
		require.Equal(t, file.Key, m.Key, name)
		require.Equal(t, bridge.Failed, m.State, name)
		require.Equal(t, bridge.CodeFileUnknown, m.Error.Code, name)
		require.False(t, m.Error.Retry, name)
	}
}
