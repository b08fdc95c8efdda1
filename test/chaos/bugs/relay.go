package bugs

import "go/token"

// relay are the bugs of GMS' Chat API, both ends: they show in chats that go through two
// processes in a row.
var relay = []Bug{
	{
		Name: "send-the-unclear-again", Does: "a relay that died before it knew an upload's outcome sends it again without reading the transcript",
		Shows: []string{"twice"},
		Changes: []Change{
			{"proxy/gms/upstream", "Client.once", Replace(Call("outcome"), "$r.plantedOutcome($a1, $a2, $a3)")},
			{"proxy/gms/upstream", "planted_outcome.go", File(intentAlone)},
		},
		Trial: Trial{Relay: true, HideKey: true, Border: "requested"},
	},
	{
		Name: "repeat-a-joined-upload", Does: "an upload that is sent again while it is being scanned is another one",
		Shows:   []string{"twice"},
		Changes: []Change{{"proxy", "Transfers.twin", Replace(Comparison(token.EQL, "digest"), "false && $x")}},
		Trial:   Trial{Relay: true, Slow: true},
	},
	{
		Name: "count-too-far", Does: "nextPosition of a reply is one too many",
		Shows:   []string{"unseen", "undrained"},
		Changes: []Change{{"proxy/gms", "Server.reply", Replace(Call("next"), "$x + 1")}},
		Trial:   Trial{Relay: true},
	},
}
