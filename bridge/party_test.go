package bridge_test

import (
	"strings"
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
)

func TestUserTypesAndVisibilities(t *testing.T) {
	for _, tc := range []struct {
		user                   bridge.UserType
		all, internal, private bool
		trusted                bool
	}{
		{bridge.Client, true, false, false, false},
		{bridge.Agent, true, true, false, true},
		{bridge.Supervisor, true, true, true, true},
		{bridge.External, true, true, true, false}, // L5: by the vendor's list
		{bridge.System, true, true, true, true},
	} {
		t.Run(string(tc.user), func(t *testing.T) {
			for v, want := range map[bridge.Visibility]bool{bridge.All: tc.all, bridge.Internal: tc.internal, bridge.Vip: tc.private, "": false, "all": false} {
				require.Equal(t, want, tc.user.MaySend(v), "send %q", v)
				require.Equal(t, want, tc.user.MaySee(v), "see %q", v)
			}
			require.Equal(t, tc.trusted, tc.user.Trusted())
		})
	}
}

func TestPartySees(t *testing.T) {
	customer := bridge.Party{UserID: "ann", UserType: bridge.Client, ClientVersion: 106}
	old := bridge.Party{UserID: "ann", UserType: bridge.Client, ClientVersion: 103}
	file := bridge.Event{Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileUploaded, Visibility: bridge.All, From: bridge.Party{UserID: "bob"}}
	for name, tc := range map[string]struct {
		party bridge.Party
		event bridge.Event
		want  bool
	}{
		"a file":                                 {customer, file, true},
		"a file below ClientVersion 104":         {old, file, false},
		"one's own file below 104":               {old, with(file, func(e *bridge.Event) { e.From.UserID = "ann" }), false},
		"a custom notice below 104":              {old, with(file, func(e *bridge.Event) { e.NoticeType = bridge.UserCustom }), true},
		"a rename at ClientVersion 102":          {bridge.Party{UserID: "ann", UserType: bridge.Client, ClientVersion: 102}, with(file, func(e *bridge.Event) { e.NoticeType = bridge.UpdateNick }), true},
		"a rename below 102":                     {bridge.Party{UserID: "ann", UserType: bridge.Client, ClientVersion: 101}, with(file, func(e *bridge.Event) { e.NoticeType = bridge.UpdateNick }), false},
		"an internal event":                      {customer, with(file, func(e *bridge.Event) { e.Visibility = bridge.Internal }), false},
		"one's own internal event":               {customer, with(file, func(e *bridge.Event) { e.Visibility = bridge.Internal; e.From.UserID = "ann" }), true},
		"an internal event, seen by an agent":    {bridge.Party{UserID: "eve", UserType: bridge.Agent, ClientVersion: 104}, with(file, func(e *bridge.Event) { e.Visibility = bridge.Internal }), true},
		"an event without a visibility":          {customer, with(file, func(e *bridge.Event) { e.Visibility = "" }), false},
		"a supervisor's event, seen by an agent": {bridge.Party{UserID: "eve", UserType: bridge.Agent, ClientVersion: 104}, with(file, func(e *bridge.Event) { e.Visibility = bridge.Vip }), false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, tc.party.Sees(tc.event)) })
	}
}

func with(e bridge.Event, change func(*bridge.Event)) bridge.Event {
	change(&e)
	return e
}

func TestPartyCheck(t *testing.T) {
	good := func(change func(*bridge.Party)) bridge.Party {
		p := bridge.Party{UserID: "ann", Nickname: "Ann", UserType: bridge.Client}
		if change != nil {
			change(&p)
		}
		return p
	}
	for name, tc := range map[string]struct {
		party bridge.Party
		want  bridge.Code
	}{
		"least":                         {bridge.Party{UserID: "a", UserType: bridge.Agent}, ""},
		"everyday":                      {good(nil), ""},
		"no user id":                    {good(func(p *bridge.Party) { p.UserID = "" }), bridge.CodeMessage},
		"L2: a user id that is a step":  {good(func(p *bridge.Party) { p.UserID = ".." }), bridge.CodeMessage},
		"a user id of 65 bytes":         {good(func(p *bridge.Party) { p.UserID = strings.Repeat("u", 65) }), bridge.CodeMessage},
		"a control in the user id":      {good(func(p *bridge.Party) { p.UserID = "a\nb" }), bridge.CodeMessage},
		"no UTF-8 in the user id":       {good(func(p *bridge.Party) { p.UserID = "a\xff" }), bridge.CodeMessage},
		"a nickname of 257 bytes":       {good(func(p *bridge.Party) { p.Nickname = strings.Repeat("n", 257) }), bridge.CodeMessage},
		"a control in the nickname":     {good(func(p *bridge.Party) { p.Nickname = "a\x00" }), bridge.CodeMessage},
		"a second line in the nickname": {good(func(p *bridge.Party) { p.Nickname = "a\u2028b" }), bridge.CodeMessage},
		"no XML in the nickname":        {good(func(p *bridge.Party) { p.Nickname = "a\uffff" }), bridge.CodeMessage},
		"no user type":                  {good(func(p *bridge.Party) { p.UserType = "" }), bridge.CodeMessage},
		"an unknown user type":          {good(func(p *bridge.Party) { p.UserType = "BOT" }), bridge.CodeMessage},
		"a customer who joins hidden":   {good(func(p *bridge.Party) { p.Visibility = bridge.Internal }), bridge.CodeForbidden},
		"an agent who coaches":          {good(func(p *bridge.Party) { p.UserType, p.Visibility = bridge.Agent, bridge.Internal }), ""},
		"an unknown visibility":         {good(func(p *bridge.Party) { p.Visibility = "NONE" }), bridge.CodeForbidden},
		"the oldest ClientVersion":      {good(func(p *bridge.Party) { p.ClientVersion = 101 }), ""},
		"a ClientVersion that is gone":  {good(func(p *bridge.Party) { p.ClientVersion = 100 }), bridge.CodeVersion},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.party.Check()
			require.Equal(t, tc.want, bridge.CodeOf(err))
			if err == nil {
				require.NotZero(t, tc.party.ClientVersion)
				require.NotEmpty(t, tc.party.Visibility)
			}
		})
	}
}

func TestValidSession(t *testing.T) {
	for id, want := range map[string]bool{
		"0001PaBMYY3600R8": true, "a": true, "A-b_9": true, strings.Repeat("s", 64): true,
		"": false, strings.Repeat("s", 65): false, "a.b": false, "a*": false, ">": false, "a b": false, "é": false, "a/b": false, "a\x00": false,
	} {
		require.Equal(t, want, bridge.ValidSession(id), "%q", id)
	}
}

func TestRights(t *testing.T) {
	rights := bridge.Rights{bridge.RightChat, bridge.RightUpload}
	require.NoError(t, rights.Need(bridge.RightUpload))
	requireCode(t, rights.Need(bridge.RightDownload), bridge.CodeForbidden)
	require.ErrorContains(t, rights.Need(bridge.RightUploadResponse), "upload:standard-response")
	require.Error(t, bridge.Rights(nil).Need(bridge.RightChat))

	require.Equal(t, bridge.RightUpload, bridge.UploadRight(bridge.FromFileSystem))
	require.Equal(t, bridge.RightUploadResponse, bridge.UploadRight(bridge.FromStandardResponse))
	require.Equal(t, bridge.RightUpload, bridge.UploadRight(""))
}
