package transcript

import (
	"slices"
	"strings"

	"attache/bridge"
)

// secrets are keys of userData and of event attributes whose values are in no transcript, in
// lower case. Chat Server takes the session's password from the first before anything is stored
// and puts it into the interaction under the second. The last one is an upload's, which is ours.
var secrets = []string{
	"gcti_chat_sessionpassword", "chatserversessionpassword", "securekey", "secure-key", bridge.KeyFileKey,
}

// withoutSecrets returns d without the items of these keys, at any depth. d does not change.
func withoutSecrets(d bridge.Data) bridge.Data {
	var out bridge.Data
	for _, item := range d {
		if slices.Contains(secrets, strings.ToLower(item.Key)) {
			continue
		}
		item.List = withoutSecrets(item.List)
		out = append(out, item)
	}
	return out
}
