package gms_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/gms"
)

// A customer of REST or CometD has a secure key, and no token, module or connection of ours.
func TestAdviceIsForACustomerOfGMS(t *testing.T) {
	t.Parallel()
	foreign := []string{"token", "module", "proxy", "register", "attach", "connect again", "connect to", "key belongs", "new key", "party", "the id if"}
	// Answers of tokens, sockets, links and pages, which this interface has not, or to a client with a token.
	others := map[bridge.Code]bool{
		bridge.CodeOrigin: true, bridge.CodeTokenInvalid: true, bridge.CodeTokenExpired: true, bridge.CodeTokenEarly: true,
		bridge.CodeVersion: true, bridge.CodeTakenOver: true, bridge.CodeUpgrade: true, bridge.CodeBlocked: true,
		bridge.CodeCustomersOnly: true,
	}
	for _, rule := range bridge.Rules {
		if others[rule.Code] {
			continue
		}
		for _, word := range foreign {
			require.NotContains(t, gms.Said(rule.Code).Advice, word, rule.Code)
		}
	}
}

func TestAdviceOfRefusals(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.request(url.Values{"nickname": {"Ann"}})
	said := func(operation string, form url.Values) string {
		r, _ := c.try(operation, form)
		require.Len(t, r.Errors, 1, operation)
		return r.Errors[0].Advice
	}
	require.Equal(t, "the secure key was not accepted: send the secureKey of the last answer, or request a new chat",
		said("refresh", url.Values{"secureKey": {"guess"}}))
	own := c.last.ChatID
	c.last.ChatID = "nochat"
	require.Equal(t, "there is no such chat, or the customer is not in it: request a new chat", said("refresh", nil))
	c.last.ChatID = own
	c.do("disconnect", nil)
	require.Equal(t, "the customer has left the chat: request a new chat", said("send", url.Values{"message": {"late"}}))
}

// The message of a refusal that is answered with HTTP status 200 was "OK".
func TestMessageOfARefusalIsNotOK(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.request(url.Values{"nickname": {"Ann"}})
	r, _ := c.try("send", nil)
	for name, form := range map[string]url.Values{"no name": nil, "no first name": {"lastName": {"B"}}, "no last name": {"firstName": {"A"}}} {
		refused, status := w.post("/genesys/2/chat/support", form)
		require.Equal(t, http.StatusOK, status, name)
		require.Equal(t, gms.StatusFailed, refused.StatusCode, name)
		r.Errors = append(r.Errors, refused.Errors...)
	}
	require.Len(t, r.Errors, 4)
	for _, f := range r.Errors {
		require.NotContains(t, f.Message, "OK", f.Code)
		require.True(t, strings.HasPrefix(f.Advice, f.Message), f.Code)
		require.NotEmpty(t, f.Message)
	}
}
