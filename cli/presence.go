package cli

import "time"

// presenceFlags say how long a party may be away before it leaves its session. Chat Server's
// bounds apply to both.
type presenceFlags struct {
	DisconnectTimeout     time.Duration `default:"45s" help:"how long a party stays in its session after its last socket is gone, 1s to 480h" placeholder:"DURATION"`
	FlexDisconnectTimeout time.Duration `default:"45s" help:"how long a party that is connected by requests stays after its last one, 1s to 480h (Chat Server's flex-disconnect-timeout, whose default is 45s or 300s, depending on its release)" placeholder:"DURATION"`
}

// Chat Server takes 1 to 1728000 seconds.
const (
	leastAway = time.Second
	mostAway  = 1728000 * time.Second
)

func (f presenceFlags) check(m *mistakes) {
	checkAway(m, "--disconnect-timeout", f.DisconnectTimeout)
	checkAway(m, "--flex-disconnect-timeout", f.FlexDisconnectTimeout)
}

func checkAway(m *mistakes, flag string, v time.Duration) {
	if v < leastAway || v > mostAway {
		m.add("%s=%s: it takes 1s to 480h", flag, v)
	}
}
