package bayeux

import "strings"

// Bounds of channel names.
const (
	maxChannel  = 512
	maxSegments = 32
)

// validChannel reports whether s is the name of a channel, or with patterns, of several: a last
// segment * is any one segment, and ** is any number of them.
func validChannel(s string, patterns bool) bool {
	if len(s) < 2 || len(s) > maxChannel || s[0] != '/' {
		return false
	}
	segments := strings.Split(s[1:], "/")
	if len(segments) > maxSegments {
		return false
	}
	for i, segment := range segments {
		if last := i == len(segments)-1; last && patterns && (segment == "*" || segment == "**") {
			return true
		}
		if segment == "" || strings.ContainsFunc(segment, func(r rune) bool { return !channelRune(r) }) {
			return false
		}
	}
	return true
}

// channelRune is what a segment may have by the specification, and what services are named with
// elsewhere: dots, percent signs of an escape, and letters of any script.
func channelRune(r rune) bool {
	switch {
	case r > 0x7f:
		return true
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	}
	return strings.ContainsRune("-_!~()$@. +%,:;=&'", r)
}

// matches reports whether a pattern, or a plain name, covers the channel.
func matches(pattern, channel string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "/**"); ok {
		return strings.HasPrefix(channel, prefix+"/")
	}
	if prefix, ok := strings.CutSuffix(pattern, "/*"); ok {
		rest, ok := strings.CutPrefix(channel, prefix+"/")
		return ok && !strings.Contains(rest, "/")
	}
	return pattern == channel
}

// service reports whether the channel is between one client and the server: nobody else gets what
// is published to it, and the server's messages on it need no subscription.
func service(channel string) bool { return strings.HasPrefix(channel, "/service/") }

func meta(channel string) bool { return channel == "/meta" || strings.HasPrefix(channel, "/meta/") }
