package bridge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

// What the party's type forbids, no token's right permits: no hint sends anybody for another token.
func TestCheckSender_SaysThatTheTypeDecides(t *testing.T) {
	for from, refused := range map[bridge.UserType][]bridge.Visibility{
		bridge.Client: {bridge.Internal, bridge.Vip}, bridge.Agent: {bridge.Vip}, bridge.Supervisor: nil,
	} {
		for _, v := range []bridge.Visibility{"", bridge.All, bridge.Internal, bridge.Vip} {
			err := bridge.CheckSender(from, v)
			wanted := false
			for _, r := range refused {
				wanted = wanted || r == v
			}
			require.Equal(t, wanted, err != nil, "%s sends with %q", from, v)
			if err == nil {
				continue
			}
			e := bridge.AsError(err)
			require.Equal(t, bridge.CodeForbidden, e.Code)
			require.Contains(t, e.Message, string(v))
			require.NotContains(t, e.Hint, "ask the application")
			require.Contains(t, e.Hint, "type")
		}
	}
}
