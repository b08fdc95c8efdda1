package proxy_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

// silentChat is a Chat Server that cannot be asked for files, or for keys, some times.
type silentChat struct {
	*chat.Server
	files, keys atomic.Int32 // how often it fails
}

func (c *silentChat) File(ctx context.Context, session, userID, fileID string) (bridge.Event, error) {
	if c.files.Add(-1) >= 0 {
		return bridge.Event{}, bridge.NewError(bridge.CodeChatUnavailable, "")
	}
	return c.Server.File(ctx, session, userID, fileID)
}

func (c *silentChat) FindKey(ctx context.Context, session, key string) (bridge.Event, bool, error) {
	if c.keys.Add(-1) >= 0 {
		return bridge.Event{}, false, bridge.NewError(bridge.CodeChatUnavailable, "")
	}
	return c.Server.FindKey(ctx, session, key)
}

// An upload is reported as announced with its event, or as deleted, also if Chat Server cannot be
// asked at that moment: the page waits for one of the two.
func TestAnnouncedUploadIsReportedWithItsEventOnceChatServerAnswers(t *testing.T) {
	t.Parallel()
	silent := &silentChat{}
	w := newWorld(t, func(c *proxy.Config) { silent.Server = c.Chat.(*chat.Server); c.Chat = silent })
	agent, _ := w.join(w.agent)
	key, content := newKey(), random(10)
	agent.offer(&bridge.Offer{Key: key, Name: "a.bin", Size: int64(len(content))})
	w.data(w.agent).frame(key, 0, content)
	first := await(agent, func(m *bridge.Upload) bool { return m.Key == key && m.State == bridge.Announced })
	file, err := bridge.DecodeFile(*first.Event)
	require.NoError(t, err)

	agent, _ = w.join(w.agent) // which is sent nothing of it unasked
	silent.files.Store(1)
	agent.send(&bridge.Cancel{Key: file.Key}) // asks for its state
	m := await(agent, func(m *bridge.Upload) bool { return m.Key == file.Key })
	for m.Event == nil {
		require.NotEqual(t, bridge.Announced, m.State, "announced without the event")
		m = await(agent, func(m *bridge.Upload) bool { return m.Key == file.Key })
	}
	require.Equal(t, file.ID, m.Event.Data.Get(bridge.KeyFileID))
	require.Negative(t, silent.files.Load())

	agent.send(&bridge.Notify{Ref: 1, Key: newKey(), Notice: bridge.SystemCommand, Text: bridge.FileDeleted, Data: bridge.Data{bridge.Text(bridge.KeyFileID, file.ID)}})
	await(agent, func(m *bridge.Done) bool { return m.Ref == 1 })
	silent.keys.Store(1)
	agent.send(&bridge.Cancel{Key: file.Key})
	m = await(agent, func(m *bridge.Upload) bool { return m.Key == file.Key })
	require.Equal(t, bridge.Failed, m.State)
	require.Equal(t, bridge.CodeFileUnknown, m.Error.Code)
	require.Negative(t, silent.keys.Load())
}
