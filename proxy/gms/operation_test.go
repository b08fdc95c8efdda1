package gms_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/gms"
	"attache/proxy/proxytest"
)

// events are those of a session, as Chat Server has them.
func (w *world) events(session string) (out []bridge.Event) {
	w.t.Helper()
	require.NoError(w.t, w.Chat.(proxy.Transcripts).Transcript(w.t.Context(), session, 0, func(e bridge.Event) error {
		out = append(out, e)
		return nil
	}))
	return out
}

func TestRequestChat_WhatAnAgentLearns(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.request(url.Values{
		"firstName": {" Ann "}, "lastName": {"Bee"}, "subject": {"bills"}, "emailAddress": {"ann@example.com"},
		"userData[TimeZone]": {"-480"}, "userData[Topic]": {"a bill"}, "tenantName": {"Environment"},
	})
	joined := w.events(c.last.ChatID)[0]
	require.Equal(t, "Ann Bee", joined.From.Nickname)
	require.EqualValues(t, -480, joined.Info.TimeZoneOffset)
	for key, value := range map[string]string{
		"TimeZone": "-480", "Topic": "a bill", "EmailAddress": "ann@example.com", "FirstName": "Ann", "LastName": "Bee",
	} {
		require.Equal(t, value, joined.Data.Get(key), key)
	}
	require.EqualValues(t, 2, c.last.NextPosition)
	require.EqualValues(t, 1, c.last.Messages[0].From.ParticipantID)
}

// Every notice reaches the agent as Chat Server's own, and comes back to the customer.
func TestOperations_ReachTheAgent(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.request(url.Values{"nickname": {"Ann"}})
	c.agent()
	for _, tc := range []struct {
		operation string
		form      url.Values
		notice    string
		comesBack gms.MessageType
	}{
		{"startTyping", url.Values{"message": {"hel"}}, "", ""},
		{"stopTyping", nil, "", ""},
		{"pushUrl", url.Values{"pushUrl": {"https://example.com/a"}}, bridge.PushURL, gms.PushURL},
		{"updateNickname", url.Values{"nickname": {"Anne"}}, bridge.UpdateNick, gms.NicknameUpdated},
		{"updateData", url.Values{"userData[Color]": {"red"}}, bridge.UpdateUserData, gms.Notice},
		{"customNotice", url.Values{"message": {"x"}, "userData[k]": {"v"}}, bridge.UserCustom, gms.CustomNotice},
		{"readReceipt", url.Values{"transcriptPosition": {"1"}}, "", ""},
	} {
		before := w.events(c.last.ChatID)
		c.do(tc.operation, tc.form)
		after := w.events(c.last.ChatID)
		if tc.notice == "" {
			require.Len(t, after, len(before), "%s is not kept", tc.operation)
			continue
		}
		require.Len(t, after, len(before)+1, tc.operation)
		require.Equal(t, tc.notice, after[len(before)].NoticeType)
		r := c.do("refresh", url.Values{"transcriptPosition": {"1"}})
		require.Equal(t, tc.comesBack, r.Messages[len(r.Messages)-1].Type, tc.operation)
	}
	require.Equal(t, "red", w.events(c.last.ChatID)[4].Data.Get("Color"))
	require.True(t, c.do("disconnect", nil).ChatEnded)
	require.True(t, c.do("disconnect", nil).ChatEnded, "its answer was lost")
	r, _ := c.try("send", url.Values{"message": {"late"}})
	require.Equal(t, []any{gms.StatusFailed, true}, []any{r.StatusCode, r.ChatEnded})
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	const key = "0123456789abcdef"
	p := proxytest.Start(t, lasting(time.Hour))
	open := serve(t, p, gms.Options{ChatsPerMinute: 3})
	byKey := serve(t, p, gms.Options{Admission: gms.AdmitAPIKey, APIKeys: []string{"another key, of 16", key}})
	byToken := serve(t, p, gms.Options{Admission: gms.AdmitToken})
	customer := p.Token("any", "carol", bridge.Client, bridge.RightChat)
	for name, tc := range map[string]struct {
		at     *world
		header http.Header
		status int
	}{
		"a key":                   {byKey, http.Header{"Apikey": {key}}, 200},
		"no key":                  {byKey, nil, 401},
		"a wrong key":             {byKey, http.Header{"Apikey": {key + "x"}}, 401},
		"an empty key":            {byKey, http.Header{"Apikey": {""}}, 401},
		"a token":                 {byToken, http.Header{"Authorization": {"Bearer " + customer}}, 200},
		"no token":                {byToken, nil, 401},
		"a token of nobody":       {byToken, http.Header{"Authorization": {"Bearer x"}}, 401},
		"an agent's token":        {byToken, http.Header{"Authorization": {"Bearer " + p.Token("any", "alice", bridge.Agent, bridge.RightChat)}}, 401},
		"a token without a right": {byToken, http.Header{"Authorization": {"Bearer " + p.Token("any", "carol", bridge.Client)}}, 401},
		"a password":              {byToken, http.Header{"Authorization": {"Basic " + customer}}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			a, r := tc.at.raw(http.MethodPost, "/genesys/2/chat/support", tc.header, "")
			if tc.status == 200 && tc.at == byKey {
				require.Equal(t, gms.NoName, r.Errors[0].Code, "it is admitted, and has no name")
				return
			}
			require.Equal(t, tc.status, a.StatusCode, "%+v", r)
			if tc.status == 200 {
				require.Equal(t, "carol", r.Messages[0].From.Nickname, "the token's")
			}
		})
	}
	for range 3 {
		open.request(url.Values{"nickname": {"Ann"}})
	}
	a, r := open.raw(http.MethodPost, "/genesys/2/chat/support", asForm, "nickname=Ann")
	require.Equal(t, http.StatusTooManyRequests, a.StatusCode)
	require.Equal(t, gms.StatusRetry, r.StatusCode)
	require.NotEmpty(t, a.Header.Get("Retry-After"))
	other := asForm.Clone()
	other.Set("X-Forwarded-For", "203.0.113.7")
	a, _ = open.raw(http.MethodPost, "/genesys/2/chat/support", other, "nickname=Ann")
	require.Equal(t, http.StatusOK, a.StatusCode, "another address, through the trusted proxy")
}
