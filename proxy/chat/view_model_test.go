package chat_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

// members are parties of every type, with every visibility that each may join with.
var members = map[string]bridge.Party{
	"carl": {UserType: bridge.Client}, "cleo": {UserType: bridge.Client},
	"ann": {UserType: bridge.Agent}, "ada": {UserType: bridge.Agent, Visibility: bridge.Internal},
	"sue": {UserType: bridge.Supervisor}, "sal": {UserType: bridge.Supervisor, Visibility: bridge.Internal},
	"ivy": {UserType: bridge.Supervisor, Visibility: bridge.Vip},
	"eve": {UserType: bridge.External}, "sys": {UserType: bridge.System, Visibility: bridge.Vip},
}

// audience is the vendor's table of user types and visibilities.
var audience = map[bridge.UserType]string{
	bridge.Client: "ALL", bridge.Agent: "ALL INT",
	bridge.Supervisor: "ALL INT VIP", bridge.External: "ALL INT VIP", bridge.System: "ALL INT VIP",
}

// firstVersion is the vendor's table of notice types and ClientVersions.
var firstVersion = map[string]int64{
	"USER_UPDATE_NICK": 102, "IDLE_CONTROL_SET": 103, "IDLE_CONTROL_ALERT": 103, "IDLE_CONTROL_CLOSE": 103, "SYS_COMMAND": 104,
}

// shown is what the tables let a party see of an event, and whether it sees it.
func shown(user string, version int64, e bridge.Event) (bridge.Event, bool) {
	kind := members[user].UserType
	if e.From.UserID != user {
		if !slices.Contains(words(audience[kind]), string(e.Visibility)) ||
			e.Receiver != "" && e.Receiver != user || e.From.UserType == bridge.System && version < 103 {
			return e, false
		}
	}
	if version < firstVersion[e.NoticeType] {
		return e, false
	}
	if version < 106 {
		e.Attributes = nil
	}
	if kind == bridge.Client { // which has flex' fields
		e.Info = nil
		if e.Type != bridge.Notice || version < 104 {
			e.Data = nil
		}
	}
	return e, true
}

func words(s string) (list []string) {
	for s != "" {
		list = append(list, s[:3])
		s = s[min(4, len(s)):]
	}
	return list
}

// For any joins, posts, departures and removals of parties of all types, visibilities and
// versions, through any proxy, each party sees exactly what the vendor's tables let it see,
// and ids increase.
func TestViewsAgainstTheTables(t *testing.T) {
	t.Parallel()
	e := store(t, t.TempDir())
	servers := []*chat.Server{serve(t, e, chat.Options{}), serve(t, e, chat.Options{})}
	users := make([]string, 0, len(members))
	for user := range members {
		users = append(users, user)
	}
	slices.Sort(users)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		session := fmt.Sprintf("views-%d", round)
		versions := map[string]int64{} // of the parties that are in: the highest since they joined
		anyone := rapid.SampledFrom(users)
		version := rapid.Int64Range(101, 106)
		visibility := rapid.SampledFrom([]bridge.Visibility{"", bridge.All, bridge.Internal, bridge.Vip})
		server := func(rt *rapid.T) *chat.Server { return servers[rapid.IntRange(0, 1).Draw(rt, "server")] }
		var last int64
		post := func(rt *rapid.T, e bridge.Event) {
			e.Visibility = visibility.Draw(rt, "visibility")
			if rapid.Bool().Draw(rt, "attributes") {
				e.Attributes = bridge.Data{bridge.Text("a", "b")}
			}
			if rapid.Float64().Draw(rt, "direct") < 0.2 && !e.IsFile() {
				e.Receiver = anyone.Draw(rt, "receiver")
			}
			stored, err := server(rt).Post(context.Background(), session, anyone.Draw(rt, "who"), e)
			if err == nil && !stored.Transient() {
				require.Greater(rt, stored.ID, last)
				last = stored.ID
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"join": func(rt *rapid.T) {
				user, v := anyone.Draw(rt, "who"), version.Draw(rt, "version")
				p := members[user]
				p.UserID, p.Nickname, p.ClientVersion = user, rapid.SampledFrom([]string{"A", "B"}).Draw(rt, "nickname"), v
				p.PersonID = "e-" + user
				joined, err := server(rt).Join(context.Background(), session, proxy.Joining{
					Party: p, UserData: bridge.Data{bridge.Text("c", "d")}, Attributes: bridge.Data{bridge.Text("e", "f")},
				})
				require.NoError(rt, err)
				versions[user] = max(versions[user], v)
				require.Equal(rt, versions[user], joined.Party.ClientVersion)
			},
			"say":  func(rt *rapid.T) { post(rt, text("x")) },
			"file": func(rt *rapid.T) { post(rt, notice("", "a.pdf", 1)) },
			"notify": func(rt *rapid.T) {
				kind := rapid.SampledFrom([]string{bridge.UserCustom, bridge.UpdateNick, bridge.IdleControlSet, bridge.PushURL}).Draw(rt, "type")
				e := bridge.Event{Type: bridge.Notice, NoticeType: kind, Text: "C", Data: bridge.Data{bridge.Text("g", "h")}}
				switch kind {
				case bridge.PushURL:
					e.Text = "https://shop.example/"
				case bridge.IdleControlSet:
					e.Text, e.Data = "", bridge.Data{bridge.Int("timeout-alert", 60)}
				}
				post(rt, e)
			},
			"leave": func(rt *rapid.T) {
				user := anyone.Draw(rt, "who")
				d := proxy.Departure{Text: "bye", Attributes: bridge.Data{bridge.Text("i", "j")}}
				if rapid.Bool().Draw(rt, "removed") {
					d.Asker = anyone.Draw(rt, "asker")
				}
				_, in := versions[user]
				err := server(rt).Leave(context.Background(), session, user, d)
				if asker := members[d.Asker]; d.Asker != "" && d.Asker != user && err == nil {
					require.Subset(rt, words(audience[asker.UserType]), words(audience[members[user].UserType]), "of the asker")
					require.NotEqual(rt, bridge.Client, asker.UserType)
					require.Contains(rt, versions, d.Asker)
				} else if d.Asker == "" || d.Asker == user {
					require.Equal(rt, in, err == nil, "%v", err)
				}
				if err == nil {
					delete(versions, user)
				}
			},
			"": func(*rapid.T) {},
		})
		requireViews(rt, servers, session, versions)
	})
}

// requireViews compares what each party sees with the tables.
func requireViews(t *rapid.T, servers []*chat.Server, session string, versions map[string]int64) {
	ctx := context.Background()
	end := bridge.Party{UserID: "end", UserType: bridge.Agent, ClientVersion: 106}
	_, err := servers[0].Join(ctx, session, proxy.Joining{Party: end})
	require.NoError(t, err)
	stored, err := servers[0].Post(ctx, session, "end", text("the end"))
	require.NoError(t, err)
	var all []bridge.Event
	require.NoError(t, servers[1].Transcript(ctx, session, 0, func(e bridge.Event) error {
		if len(all) > 0 {
			require.Greater(t, e.ID, all[len(all)-1].ID)
		}
		all = append(all, e)
		return nil
	}))
	done := errors.New("seen")
	for user, version := range versions {
		var want, got []bridge.Event
		for _, e := range all {
			if e, sees := shown(user, version, e); sees {
				want = append(want, e)
			}
		}
		err := servers[len(user)%2].Events(ctx, session, user, 0, func(e bridge.Event) error {
			got = append(got, e)
			if e.ID >= stored.ID {
				return done
			}
			return nil
		})
		require.ErrorIs(t, err, done)
		require.Equal(t, want, got, "%s with ClientVersion %d", user, version)
	}
}
