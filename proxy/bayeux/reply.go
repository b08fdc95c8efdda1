package bayeux

import "encoding/json"

// Channels of the protocol itself.
const (
	metaHandshake   = "/meta/handshake"
	metaConnect     = "/meta/connect"
	metaDisconnect  = "/meta/disconnect"
	metaSubscribe   = "/meta/subscribe"
	metaUnsubscribe = "/meta/unsubscribe"
)

// reply is a message to a client: the answer to one of its own, or a delivered one, which has
// data and no success.
type reply struct {
	Channel      string          `json:"channel,omitempty"`
	ID           json.RawMessage `json:"id,omitempty"`
	ClientID     string          `json:"clientId,omitempty"`
	Successful   *bool           `json:"successful,omitempty"`
	Error        string          `json:"error,omitempty"`
	Subscription any             `json:"subscription,omitempty"`
	Version      string          `json:"version,omitempty"`
	Minimum      string          `json:"minimumVersion,omitempty"`
	Transports   []string        `json:"supportedConnectionTypes,omitempty"`
	Advice       *advice         `json:"advice,omitempty"`
	Ext          map[string]any  `json:"ext,omitempty"`
	Data         any             `json:"data,omitempty"`
}

// advice tells a client how to go on. Times are milliseconds.
type advice struct {
	Reconnect string `json:"reconnect,omitempty"`
	Interval  int64  `json:"interval"`
	Timeout   *int64 `json:"timeout,omitempty"`
	// MaxInterval is how long a client may have no connect: newer clients shake hands again
	// after it instead of trying in vain.
	MaxInterval int64 `json:"maxInterval,omitempty"`
	Many        bool  `json:"multiple-clients,omitempty"` // more than a browser should have connections for
}

// Values of advice.Reconnect.
const (
	retry     = "retry"
	handshake = "handshake"
	none      = "none"
)

// Errors are written as code, arguments and text, with colons between.
const (
	errUnknown = "402::Unknown client"
	errBusy    = "503::Too many clients"
)

func (m Message) succeed() reply { return m.answer(true, "") }

func (m Message) fail(err string) reply { return m.answer(false, err) }

func (m Message) answer(ok bool, err string) reply {
	r := reply{Channel: m.Channel, ID: m.id, Successful: &ok, Error: err}
	if len(r.Channel) > maxChannel {
		r.Channel = "/"
	}
	return r
}

// unknown answers a message whose client is not known here: it never was, or it is gone. The
// client shakes hands again, unless it wanted to leave anyway.
func (m Message) unknown() reply {
	r := m.fail(errUnknown)
	if m.Channel != metaDisconnect {
		r.Advice = &advice{Reconnect: handshake}
	}
	return r
}

func (r reply) encode() ([]byte, error) { return json.Marshal(r) }

// text is encode for a reply that has nothing of the application's, which cannot fail.
func (r reply) text() []byte {
	b, err := r.encode()
	if err != nil {
		panic(err)
	}
	return b
}
