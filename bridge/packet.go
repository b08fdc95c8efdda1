package bridge

import "strings"

// MaxPacket is the most bytes of a request's XML that Chat Server takes by default.
const MaxPacket = 32768

// What a request has beside the text and the data, in bytes: tags, ids, header. The names
// of the tags are not published, so this is more than they can reasonably need.
const (
	packetOverhead = 1024
	itemOverhead   = 64 // of an item of a collection
)

// PacketSize returns about how many bytes Chat Server's request to post e has as XML, at
// most: characters with a meaning in XML count as they are escaped.
func PacketSize(e Event) int {
	return packetOverhead + escaped(e.Text) + escaped(e.MessageType) + e.Data.packetSize() + e.Attributes.packetSize()
}

// CheckPacket refuses an event whose request would be larger than max bytes, with code
// message-too-large: Chat Server would refuse it after the page was answered.
func CheckPacket(e Event, max int64) error {
	if n := int64(PacketSize(e)); n > max {
		return NewError(CodeMessageSize, "as Chat Server's XML it has about "+apart(n, max)+", and "+apart(max, n)+" are allowed: each &, < and > counts as 4 or 5 bytes")
	}
	return nil
}
func (d Data) packetSize() (n int) {
	for _, item := range d {
		n += itemOverhead + escaped(item.Key) + 5*strings.Count(item.Key, `"`) + 5*strings.Count(item.Key, "'") + escaped(item.Text) + item.List.packetSize()
	}
	return n
}

// escaped is the length of a text in XML; in an attribute, quotes are escaped as well.
func escaped(s string) int {
	n := len(s)
	for i := range len(s) {
		switch s[i] {
		case '&', '\r': // &amp; &#xD;
			n += 4
		case '<', '>': // &lt; &gt;
			n += 3
		}
	}
	return n
}
