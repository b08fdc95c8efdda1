package gms_test

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/gms"
)

func TestChat_CustomerAndAgentTalk(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.request(url.Values{"nickname": {"Ann"}, "subject": {"bills"}, "userData[Topic]": {"a bill"}})
	require.Equal(t, "Ann", c.last.Messages[0].From.Nickname)
	require.Equal(t, gms.ParticipantJoined, c.last.Messages[0].Type)
	require.Equal(t, "Client", c.last.Messages[0].From.Type)

	alice := c.agent()
	_, err := w.Chat.Post(t.Context(), c.last.ChatID, alice, bridge.Event{Type: bridge.Message, Text: "hello"})
	require.NoError(t, err)
	r := c.do("refresh", url.Values{"transcriptPosition": {strconv.FormatInt(c.last.NextPosition, 10)}})
	require.Len(t, r.Messages, 2)
	require.Equal(t, "hello", r.Messages[1].Text)
	require.Equal(t, "Agent", r.Messages[1].From.Type)

	r = c.do("send", url.Values{"message": {"hi"}, "transcriptPosition": {strconv.FormatInt(c.last.NextPosition, 10)}})
	require.Len(t, r.Messages, 1)
	require.Equal(t, gms.Text, r.Messages[0].Type)

	r = c.do("disconnect", nil)
	require.True(t, r.ChatEnded)
}

func TestSecureKeyOfAnotherIsRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	ann, bob := w.request(url.Values{"nickname": {"Ann"}}), w.request(url.Values{"nickname": {"Bob"}})
	r, status := ann.try("refresh", url.Values{"secureKey": {bob.last.SecureKey}})
	require.Equal(t, 401, status)
	require.Equal(t, gms.StatusFailed, r.StatusCode)
	require.Empty(t, r.Messages)
}
