package gms

import (
	"cmp"
	"time"
)

// CometD are the options of the interface that pushes.
type CometD struct {
	// Secret seals the secure keys; all proxies share it. Without it CometD is not served.
	Secret []byte

	// Callback serves callback-polling, which passes by the list of origins. Default: off.
	Callback bool

	// Background is how long a party stays that has gone to the background: its client
	// disconnects with ext.transcriptPosition, and asks for notifications again when it is back
	// (seen in the vendor's iOS library). How long GMS keeps it is unknown. Default: 10 min; a
	// negative time is none beyond that of every party without requests.
	Background time.Duration

	// RequireCookie lets a file operation of chat-ntf pass only with the cookie of the CometD
	// client that has the chat, at this proxy. GMS is said to require it (seen in a proxy before GMS); the
	// vendor's iOS library has no cookie over WebSocket, and browsers block it where the page is
	// of another site. Default: the secure key alone suffices.
	RequireCookie bool

	// Timeout is how long a poll is held, and MaxInterval how long a client may have none.
	// Defaults: 30 s and 10 s, those of CometD's server; GMS' own are unknown.
	Timeout, MaxInterval time.Duration

	MaxClients int // default: that of package bayeux
}

func (o CometD) complete() CometD {
	o.Background = max(cmp.Or(o.Background, 10*time.Minute), 0)
	return o
}
