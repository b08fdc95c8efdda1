package gms

import "encoding/json"

// The status codes of a reply: of a chat that goes on, 1 may be tried again and 2 may not.
const (
	StatusOK     = 0
	StatusRetry  = 1
	StatusFailed = 2
)

// Reply is the envelope of every answer (documented). Of one whose StatusCode is not 0 only
// StatusCode, ChatEnded and Errors count. All values of UserData are strings.
type Reply struct {
	StatusCode   int               `json:"statusCode"`
	Alias        string            `json:"alias,omitempty"`        // the Chat Server instance; a client uses the latest
	ChatID       string            `json:"chatId,omitempty"`       // the session
	UserID       string            `json:"userId,omitempty"`       // the party
	SecureKey    string            `json:"secureKey,omitempty"`    // for the next request
	ChatEnded    bool              `json:"chatEnded"`              // the session is over
	NextPosition int64             `json:"nextPosition,omitempty"` // for the next refresh
	Messages     []Message         `json:"messages"`
	UserData     map[string]string `json:"userData,omitempty"` // of an upload: its file-id (seen in clients)
	Monitored    bool              `json:"monitored,omitempty"`
	IdleExpires  int64             `json:"idleTimerExpire,omitempty"` // seen in a client; unit unknown: milliseconds since 1970
	Errors       []Fault           `json:"errors,omitempty"`
}

// Fault is one reason why a request failed.
type Fault struct {
	Code    int    `json:"code"`
	Advice  string `json:"advice"`
	Message string `json:"message,omitempty"` // seen in one client
}

// MarshalJSON writes an empty list of messages as such, because clients iterate over it.
func (r Reply) MarshalJSON() ([]byte, error) {
	type plain Reply
	if r.Messages == nil {
		r.Messages = []Message{}
	}
	return json.Marshal(plain(r))
}
