package bridge_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// L6: the table of versions, a row each. Below first a party gets the event as it is in below,
// or not at all if that is nil; from first on it gets all of it.
func TestL6ClientVersions(t *testing.T) {
	agent := bridge.Party{UserID: "ann", UserType: bridge.Agent}
	server := bridge.Party{UserID: "server", UserType: bridge.System}
	notice := func(kind string) bridge.Event {
		return bridge.Event{Type: bridge.Notice, NoticeType: kind, From: agent, Visibility: bridge.All, Data: bridge.Data{bridge.Text("a", "b")}}
	}
	joined := bridge.Event{Type: bridge.NewParty, From: agent, Visibility: bridge.All, Info: &bridge.UserInfo{PersonID: "e7", Protocol: bridge.NoneProtocol}}
	cut := joined
	cut.Info = &bridge.UserInfo{PersonID: "e7"}
	attributes := bridge.Event{Type: bridge.Message, From: agent, Visibility: bridge.All, Text: "hi", Attributes: bridge.Data{bridge.Text("a", "b")}}
	bare := attributes
	bare.Attributes = nil
	empty := notice(bridge.UserCustom)
	empty.Data = nil
	plain := bridge.Event{Type: bridge.Message, From: agent, Visibility: bridge.All, Text: "hi"}
	for name, c := range map[string]struct {
		first    int64
		protocol bridge.ProtocolType
		event    bridge.Event
		below    *bridge.Event
	}{
		"101 a message":                         {101, "", plain, nil},
		"101 a custom notice":                   {101, "", notice(bridge.UserCustom), nil},
		"101 typing":                            {101, "", notice(bridge.TypingStarted), nil},
		"102 USER_UPDATE_NICK":                  {102, "", notice(bridge.UpdateNick), nil},
		"103 IDLE_CONTROL_SET":                  {103, "", notice(bridge.IdleControlSet), nil},
		"103 IDLE_CONTROL_ALERT":                {103, "", notice(bridge.IdleControlAlert), nil},
		"103 IDLE_CONTROL_CLOSE":                {103, "", notice(bridge.IdleControlClose), nil},
		"103 user type SYSTEM":                  {103, "", bridge.Event{Type: bridge.Message, From: server, Visibility: bridge.All, Text: "hi"}, nil},
		"103 protocol type NONE":                {103, "", joined, &cut},
		"104 SYS_COMMAND":                       {104, "", notice(bridge.SystemCommand), nil},
		"104 userData of a notice, in flex":     {104, bridge.Flex, notice(bridge.UserCustom), &empty},
		"101 userData of a notice, not in flex": {101, "", notice(bridge.UserCustom), nil},
		"106 eventAttributes":                   {106, "", attributes, &bare},
		"106 eventAttributes, in flex":          {106, bridge.Flex, attributes, &bare},
	} {
		for version := int64(101); version <= 107; version++ {
			t.Run(fmt.Sprint(name, " for ", version), func(t *testing.T) {
				p := bridge.Party{UserID: "bob", UserType: bridge.Agent, ClientVersion: version, UserInfo: bridge.UserInfo{Protocol: c.protocol}}
				before := c.event
				got, sees := p.View(c.event)
				require.Equal(t, before, c.event, "other parties have the event too")
				switch {
				case version >= c.first:
					require.True(t, sees)
					require.Equal(t, c.event, got)
				case c.below == nil:
					require.False(t, sees)
				default:
					require.True(t, sees)
					require.Equal(t, *c.below, got)
				}
			})
		}
	}
}

func TestView_CustomerGetsWhatFlexCarries(t *testing.T) {
	agent := bridge.Party{UserID: "ann", UserType: bridge.Agent, Style: bridge.StyleBot}
	data, attributes := bridge.Data{bridge.Text("a", "b")}, bridge.Data{bridge.Text("c", "d")}
	e := bridge.Event{
		Type: bridge.NewParty, From: agent, Visibility: bridge.All, Info: &bridge.UserInfo{PersonID: "e7", TimeZoneOffset: 60},
		Data: data, Attributes: attributes, Text: "hello",
	}
	for _, p := range []bridge.Party{
		{UserID: "carl", UserType: bridge.Client, ClientVersion: 106},
		{UserID: "gms", UserType: bridge.Agent, ClientVersion: 106, UserInfo: bridge.UserInfo{Protocol: bridge.Flex}},
	} {
		got, sees := p.View(e)
		require.True(t, sees)
		require.Nil(t, got.Info)
		require.Nil(t, got.Data)
		require.Equal(t, attributes, got.Attributes)
		require.Equal(t, "hello", got.Text)
		require.Equal(t, bridge.StyleBot, got.From.Style)
	}
	bob := bridge.Party{UserID: "bob", UserType: bridge.Agent, ClientVersion: 106}
	got, sees := bob.View(e)
	require.True(t, sees)
	require.Equal(t, e, got)
}

func TestPartyCheck_VersionOfAClientThatNamesNone(t *testing.T) {
	p := bridge.Party{UserID: "u", UserType: bridge.Agent}
	require.NoError(t, p.Check())
	require.EqualValues(t, 101, p.ClientVersion)
	p.ClientVersion = 100
	require.Equal(t, bridge.CodeVersion, bridge.CodeOf(p.Check()))
}

func TestPartyCheck_UserInfo(t *testing.T) {
	for name, info := range map[string]bridge.UserInfo{
		"a long person id":                    {PersonID: string(make([]byte, 65))},
		"a person id with control characters": {PersonID: "e\x017"},
		"a time zone of another planet":       {TimeZoneOffset: 1441},
		"a time zone before that":             {TimeZoneOffset: -1441},
		"an unknown protocol":                 {Protocol: "CARRIER"},
	} {
		p := bridge.Party{UserID: "u", UserType: bridge.Agent, UserInfo: info}
		require.Equal(t, bridge.CodeMessage, bridge.CodeOf(p.Check()), name)
	}
	p := bridge.Party{UserID: "u", UserType: bridge.Agent, UserInfo: bridge.UserInfo{PersonID: "e7", TimeZoneOffset: -480, Protocol: bridge.Esp}}
	require.NoError(t, p.Check())
}

func TestMayRemove(t *testing.T) {
	all := []bridge.UserType{bridge.Client, bridge.Agent, bridge.Supervisor, bridge.External, bridge.System}
	for asker, want := range map[bridge.UserType][]bridge.UserType{
		bridge.Client:     nil,
		bridge.Agent:      {bridge.Client, bridge.Agent},
		bridge.Supervisor: all,
		bridge.External:   all,
		bridge.System:     all,
	} {
		var got []bridge.UserType
		for _, other := range all {
			if asker.MayRemove(other) {
				got = append(got, other)
			}
		}
		require.Equal(t, want, got, asker)
	}
}

func TestErrorIDs(t *testing.T) {
	known := map[bridge.Code]int64{bridge.CodeParty: 8201, bridge.CodeLoggedOut: 8209, bridge.CodeSecureKey: 8210}
	for _, r := range bridge.Rules {
		require.Equal(t, known[r.Code], r.Code.ErrorID(), r.Code)
	}
}

func TestQuitReasonAndStyle(t *testing.T) {
	own := bridge.Data{bridge.List("GCTI_SYSTEM", bridge.Data{bridge.Text("x", "y")}), bridge.Text("a", "b")}
	left := own.WithQuitReason(bridge.ReasonIdle)
	require.Equal(t, "7", left.In("GCTI_SYSTEM").Get("quit-reason-code"))
	require.Equal(t, "y", left.In("GCTI_SYSTEM").Get("x"))
	require.Equal(t, "b", left.Get("a"))
	require.Equal(t, bridge.StyleBot, own.WithStyle(bridge.StyleBot).Style())
	require.Len(t, own.In("GCTI_SYSTEM"), 1, "the sender's collection does not change")
	require.Empty(t, own.Style())
	for code := int64(0); code <= 8; code++ {
		require.Equal(t, code == 0 || code == 3, bridge.Reason{Code: code}.PushedOnly())
	}
}
