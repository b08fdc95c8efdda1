package backend_test

import (
	"context"
	"sync"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/chat"
)

// joins is a Chat Server that changes what a party joins with, or the answer.
func joins(real *chat.Server, before func(*proxy.Joining), after func(*proxy.Joined)) *brokenChat {
	return &brokenChat{join: func(ctx context.Context, session string, j proxy.Joining) (proxy.Joined, error) {
		if before != nil {
			before(&j)
		}
		joined, err := real.Join(ctx, session, j)
		if after != nil {
			after(&joined)
		}
		return joined, err
	}}
}

// shows is a Chat Server that changes the events that it shows.
func shows(real *chat.Server, change func(*bridge.Event)) *brokenChat {
	return &brokenChat{events: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error) error {
		return real.Events(ctx, session, userID, position, func(e bridge.Event) error {
			change(&e)
			return deliver(e)
		})
	}}
}

// departs is a Chat Server that changes how parties leave.
func departs(real *chat.Server, change func(userID string, d *proxy.Departure)) *brokenChat {
	return &brokenChat{depart: func(ctx context.Context, session, userID string, d proxy.Departure) error {
		change(userID, &d)
		return real.Leave(ctx, session, userID, d)
	}}
}

// attaches is a Chat Server that attaches parties by their secure keys in its own way.
func attaches(real *chat.Server, attach func(ctx context.Context, session string, j proxy.Joining) (proxy.Joined, error)) *brokenChat {
	return &brokenChat{join: func(ctx context.Context, session string, j proxy.Joining) (proxy.Joined, error) {
		if j.SecureKey != "" {
			return attach(ctx, session, j)
		}
		return real.Join(ctx, session, j)
	}}
}

// partyFaults are those of joining, attaching and leaving.
var partyFaults = []fault{
	{"never says that a session is monitored", "a stream that is asked for it", func(real *chat.Server) *brokenChat {
		return &brokenChat{inform: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error, inform func(bridge.SessionChanged) error) error {
			return real.EventsAndInfo(ctx, session, userID, position, deliver, func(info bridge.SessionChanged) error {
				info.Monitored = false
				return inform(info)
			})
		}}
	}},
	{"says of a session only what is known at first", "a stream that is asked for it", func(real *chat.Server) *brokenChat {
		return &brokenChat{inform: func(ctx context.Context, session, userID string, position int64, deliver func(bridge.Event) error, inform func(bridge.SessionChanged) error) error {
			first := true
			return real.EventsAndInfo(ctx, session, userID, position, deliver, func(info bridge.SessionChanged) error {
				defer func() { first = false }()
				if !first {
					return nil
				}
				return inform(info)
			})
		}}
	}},
	{"shows files to every version", "files and new nicknames", func(real *chat.Server) *brokenChat {
		return joins(real, func(j *proxy.Joining) { j.ClientVersion = max(j.ClientVersion, 104) }, nil)
	}},
	{"shows new nicknames to every version", "files and new nicknames", func(real *chat.Server) *brokenChat {
		return joins(real, func(j *proxy.Joining) { j.ClientVersion = max(j.ClientVersion, 102) }, nil)
	}},
	{"keeps a session open for a hidden party", "only monitors is not an agent", func(real *chat.Server) *brokenChat {
		return departs(real, func(_ string, d *proxy.Departure) { d.After = bridge.KeepAlive })
	}},
	{"takes a client without a version for a current one", "names no ClientVersion", func(real *chat.Server) *brokenChat {
		return joins(real, nil, func(j *proxy.Joined) { j.Party.ClientVersion = bridge.VersionCurrent })
	}},
	{"shows attributes to every version", "eventAttributes are shown", func(real *chat.Server) *brokenChat {
		return joins(real, func(j *proxy.Joining) { j.ClientVersion = max(j.ClientVersion, 106) }, nil)
	}},
	{"drops attributes", "eventAttributes are shown", func(real *chat.Server) *brokenChat {
		return shows(real, func(e *bridge.Event) { e.Attributes = nil })
	}},
	{"keeps the version of the first connection", "a higher ClientVersion", func(real *chat.Server) *brokenChat {
		var first sync.Map
		return joins(real, func(j *proxy.Joining) {
			v, _ := first.LoadOrStore(j.UserID, j.ClientVersion)
			j.ClientVersion = v.(int64)
		}, nil)
	}},
	{"drops what a party joins with", "what a party joins with", func(real *chat.Server) *brokenChat {
		return joins(real, func(j *proxy.Joining) { *j = proxy.Joining{Party: j.Party} }, nil)
	}},
	{"drops who the party is", "what a party joins with", func(real *chat.Server) *brokenChat {
		return joins(real, func(j *proxy.Joining) { j.UserInfo = bridge.UserInfo{} }, nil)
	}},
	{"shows the session's password", "what a party joins with", func(real *chat.Server) *brokenChat {
		var word string
		b := joins(real, func(j *proxy.Joining) { word += j.Password }, nil)
		b.events = shows(real, func(e *bridge.Event) {
			if e.From.UserID == "bob" {
				e.Data = append(bridge.Data{bridge.Text("password", word)}, e.Data...)
			}
		}).events
		return b
	}},
	{"makes no secure keys", "what a party joins with", func(real *chat.Server) *brokenChat {
		return joins(real, nil, func(j *proxy.Joined) { j.SecureKey = "" })
	}},
	{"attaches by any key", "attaches by its secure key", func(real *chat.Server) *brokenChat {
		return attaches(real, func(ctx context.Context, session string, j proxy.Joining) (proxy.Joined, error) {
			joined, err := real.Join(ctx, session, j)
			if bridge.CodeOf(err) != bridge.CodeSecureKey {
				return joined, err
			}
			j.SecureKey = ""
			joined, err = real.Join(ctx, session, j)
			joined.Attached = true
			return joined, err
		})
	}},
	{"registers a party that attaches again", "attaches by its secure key", func(real *chat.Server) *brokenChat {
		return attaches(real, func(ctx context.Context, session string, j proxy.Joining) (proxy.Joined, error) {
			real.Leave(ctx, session, j.UserID, proxy.Departure{})
			j.SecureKey = ""
			joined, err := real.Join(ctx, session, j)
			joined.Attached = true
			return joined, err
		})
	}},
	{"does not say that a party was registered before", "attaches by its secure key", func(real *chat.Server) *brokenChat {
		return joins(real, nil, func(j *proxy.Joined) { j.Attached = false })
	}},
	{"removes a party for a wrong key", "attaches by its secure key", func(real *chat.Server) *brokenChat {
		return attaches(real, func(ctx context.Context, session string, j proxy.Joining) (proxy.Joined, error) {
			joined, err := real.Join(ctx, session, j)
			if bridge.CodeOf(err) == bridge.CodeSecureKey {
				real.Leave(ctx, session, j.UserID, proxy.Departure{Reason: bridge.ReasonSecureKey})
			}
			return joined, err
		})
	}},
	{"lets a party that has left attach", "attaches by its secure key", func(real *chat.Server) *brokenChat {
		return attaches(real, func(ctx context.Context, session string, j proxy.Joining) (proxy.Joined, error) {
			joined, err := real.Join(ctx, session, j)
			if bridge.CodeOf(err) != bridge.CodeLoggedOut {
				return joined, err
			}
			j.SecureKey = ""
			return real.Join(ctx, session, j)
		})
	}},
	{"lets a proxy take out a party of another program", "a proxy takes out only", func(real *chat.Server) *brokenChat {
		return departs(real, func(_ string, d *proxy.Departure) { d.ByProxy = false })
	}},
	{"takes every party for another program's", "a proxy takes out only", func(real *chat.Server) *brokenChat {
		return joins(real, func(j *proxy.Joining) { j.ByProxy = false }, nil)
	}},
	{"takes no party for another program's", "a proxy takes out only", func(real *chat.Server) *brokenChat {
		return joins(real, func(j *proxy.Joining) { j.ByProxy = true }, nil)
	}},
	{"forgets that a client has attached", "a proxy takes out only", func(real *chat.Server) *brokenChat {
		return attaches(real, func(ctx context.Context, session string, j proxy.Joining) (proxy.Joined, error) {
			j.Protocol = bridge.Flex
			joined, err := real.Join(ctx, session, j)
			joined.Attached = true
			return joined, err
		})
	}},
	{"ends a session with another program's party", "a proxy takes out only", func(real *chat.Server) *brokenChat {
		return departs(real, func(_ string, d *proxy.Departure) { d.ByProxy = d.ByProxy && d.After != bridge.CloseIfNoAgents })
	}},
	{"never lets another program's party leave", "a proxy takes out only", func(real *chat.Server) *brokenChat {
		return departs(real, func(_ string, d *proxy.Departure) { d.ByProxy = true })
	}},
	{"lets every party remove every other", "a party removes another", func(real *chat.Server) *brokenChat {
		return departs(real, func(_ string, d *proxy.Departure) { d.Asker = "" })
	}},
	{"says that a party which another removed left by itself", "a party removes another", func(real *chat.Server) *brokenChat {
		return shows(real, func(e *bridge.Event) { e.Asker = "" })
	}},
	{"refuses a removal that is repeated", "a party removes another", func(real *chat.Server) *brokenChat {
		var done sync.Map
		return &brokenChat{depart: func(ctx context.Context, session, userID string, d proxy.Departure) error {
			if _, gone := done.Load(session + userID); gone {
				return bridge.NewError(bridge.CodeParty, "")
			}
			err := real.Leave(ctx, session, userID, d)
			if err == nil {
				done.Store(session+userID, true)
			}
			return err
		}}
	}},
	{"shows that a hidden party is there to one that would remove it", "a party removes another", func(real *chat.Server) *brokenChat {
		return &brokenChat{depart: func(ctx context.Context, session, userID string, d proxy.Departure) error {
			if userID == "ivy" {
				return bridge.NewError(bridge.CodeForbidden, "")
			}
			return real.Leave(ctx, session, userID, d)
		}}
	}},
	{"drops the code of the reason", "its reason's code", func(real *chat.Server) *brokenChat {
		return departs(real, func(_ string, d *proxy.Departure) { d.Reason = bridge.ReasonLeft })
	}},
	{"has no text for a reason", "its reason's code", func(real *chat.Server) *brokenChat {
		return shows(real, func(e *bridge.Event) {
			if e.Reason != nil {
				e.Reason = &bridge.Reason{Code: e.Reason.Code}
			}
		})
	}},
	{"drops quit-reason-code", "its reason's code", func(real *chat.Server) *brokenChat {
		return shows(real, func(e *bridge.Event) { e.Attributes = nil })
	}},
}
