package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/chatrequest"
	"attache/proxy/gms"
)

// A customer of GMS' Chat API requests a chat: the system that finds agents is told, and the
// admin address lists it.
func TestRequestedChatIsPostedAndListed(t *testing.T) {
	t.Parallel()
	posted := make(chan chatrequest.Request, 10)
	desk := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var c chatrequest.Request
		json.NewDecoder(r.Body).Decode(&c)
		posted <- c
	}))
	t.Cleanup(desk.Close)
	_, public, admin := startServe(t, "--gms", "--gms-service", "support=Environment:bills", "--on-chat", desk.URL+"/chats?team=1", "--on-chat-secret", secret)
	answer, err := http.PostForm(public+"/genesys/2/chat/support", url.Values{
		"nickname": {"Ann"}, "subject": {"a bill"}, "userData[Topic]": {"bills"}, "userData[GCTI_Chat_SessionPassword]": {"hidden"},
	})
	require.NoError(t, err)
	defer answer.Body.Close()
	var r gms.Reply
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&r))
	require.Equal(t, gms.StatusOK, r.StatusCode, r.Errors)
	c := <-posted
	require.Equal(t, r.ChatID, c.ChatID)
	require.Equal(t, []string{"support", "Environment:bills", "a bill", "Ann"}, []string{c.Service, c.QueueKey, c.Subject, c.Nickname})
	require.Equal(t, map[string]string{"Topic": "bills"}, c.UserData)
	status, _, body := get(t, admin+chatrequest.Path)
	require.Equal(t, http.StatusOK, status)
	var list struct{ Chats []chatrequest.Listed }
	require.NoError(t, json.Unmarshal([]byte(body), &list))
	require.Len(t, list.Chats, 1)
	require.Equal(t, r.ChatID, list.Chats[0].ChatID)
	require.Empty(t, list.Chats[0].Agents)
	status, _, _ = get(t, public+chatrequest.Path)
	require.Equal(t, http.StatusNotFound, status, "the list is for the operator")
}
