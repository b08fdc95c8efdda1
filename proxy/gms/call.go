package gms

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"attache/bridge"
	"attache/proxy"
)

// Call is a request to do one operation, however it arrived.
type Call struct {
	Service string // its name in the path; empty: the path has none, and the chat has begun
	ChatID  string // empty: a new chat
	FileID  string

	UserID, SecureKey, Alias string

	Params   map[string]string // the others, by their names
	UserData bridge.Data

	From int64 // the first event of the transcript that the reply is to have; 0: it has none

	Address string      // the client's, as the unit of limits
	Header  http.Header // of the request that brought it: apikey, Authorization
}

// user names the party of the call.
func (c *Call) user() proxy.FlexUser {
	return proxy.FlexUser{
		UserID: c.UserID, SecureKey: c.SecureKey, Session: c.ChatID, ClientVersion: bridge.VersionCurrent, FromPosition: c.From,
	}
}

// parameters are the names that the interface has. Clients differ in their case.
var parameters = func() map[string]string {
	byFold := map[string]string{}
	for _, name := range []string{
		"userId", "secureKey", "alias", "nickname", "firstName", "lastName", "subject", "emailAddress", "message",
		"messageType", "transcriptPosition", "pushUrl", "userData", "tenantName", "operation", "fileId", "chatId",
	} {
		byFold[strings.ToLower(name)] = name
	}
	return byFold
}()

// set sets a parameter by its name. The last one of a name counts.
func (c *Call) set(name, value string) {
	base, path := subscripts(name)
	if known, ok := parameters[strings.ToLower(base)]; ok {
		base = known
	} else {
		base, path = name, nil
	}
	switch {
	case base == "userData" && len(path) > 0:
		c.UserData = setIn(c.UserData, path, value)
	case base == "userData":
		c.setUserData(value)
	case len(path) > 0:
		c.param(name, value)
	case base == "userId":
		c.UserID = value
	case base == "secureKey":
		c.SecureKey = value
	case base == "alias":
		c.Alias = value
	default:
		c.param(base, value)
	}
}

func (c *Call) param(name, value string) {
	if c.Params == nil {
		c.Params = map[string]string{}
	}
	c.Params[name] = value
}

// setUserData reads a userData without a key, which is JSON in some clients.
func (c *Call) setUserData(value string) {
	var object map[string]any
	if json.Unmarshal([]byte(value), &object) == nil {
		readJSON([]byte(value), func(name, value string) error {
			base, path := subscripts(name)
			c.UserData = setIn(c.UserData, append([]string{base}, path...), value)
			return nil
		})
	}
}

// subscripts takes a[b][c] apart. An empty subscript, as in a[], counts for nothing.
func subscripts(name string) (base string, path []string) {
	base, rest, ok := strings.Cut(name, "[")
	if !ok || !strings.HasSuffix(rest, "]") {
		return name, nil
	}
	for key := range strings.SplitSeq(strings.TrimSuffix(rest, "]"), "][") {
		if key != "" {
			path = append(path, key)
		}
	}
	return base, path
}

// setIn sets a value in a collection, in a list of it if the path has several keys.
func setIn(d bridge.Data, path []string, value string) bridge.Data {
	if len(path) == 1 || len(path) > bridge.MaxDataDepth+1 {
		return d.Set(bridge.Text(path[len(path)-1], value))
	}
	return d.Set(bridge.List(path[0], setIn(d.In(path[0]), path[1:], value)))
}

// position sets From by transcriptPosition.
func (c *Call) position(o *Options, zero Zero) error {
	text := strings.TrimSpace(c.Params["transcriptPosition"])
	if text == "" {
		c.From = o.position(0, zero)
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > bridge.MaxInteger {
		return refuse(http.StatusBadRequest, "transcriptPosition is not a non-negative number", "send the nextPosition of the last reply")
	}
	c.From = o.position(n, zero)
	return nil
}
