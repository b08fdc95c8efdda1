package proxy

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// CheckOrigin returns an error if no browser ever sends o as an Origin header, so that
// listing it would allow no page. The error quotes o and says what to write instead.
//
// Browsers serialise an origin as scheme, host and port, in lower case, the host in
// punycode and without the scheme's default port (RFC 6454 section 6.2, and the URL
// standard's host serialiser). Only http and https have pages that Attaché serves.
func CheckOrigin(o string) error {
	switch {
	case strings.TrimSpace(o) == "":
		return fmt.Errorf("%q is empty: write https://host or https://host:port", o)
	case strings.Contains(o, "*"):
		return fmt.Errorf("%q has a wildcard, and origins are compared exactly: list each origin by itself", o)
	case strings.EqualFold(o, "null"):
		return fmt.Errorf("%q is what every sandboxed frame and local file sends: serve the page from an origin of its own", o)
	case strings.ContainsFunc(strings.TrimSpace(o), func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' || r == '|' }):
		return fmt.Errorf("%q looks like a list: give each origin by itself, or separate them by commas without blanks", o)
	}
	right, why := serialise(strings.Trim(strings.TrimSpace(o), "\"'`<>"))
	switch {
	case right == "":
		return fmt.Errorf("%q %s: write https://host or https://host:port", o, why)
	case right != o:
		return fmt.Errorf("%q is not what a browser sends: write %s", o, right)
	}
	return nil
}

// serialise returns the origin that a browser sends for a page at that address, or ""
// and what is wrong with the address.
func serialise(address string) (origin, why string) {
	scheme, rest := splitScheme(address)
	if scheme == "" {
		return "", "has a scheme that no page is served by"
	}
	rest, _, _ = strings.Cut(strings.NewReplacer("?", "/", "#", "/", `\`, "/").Replace(rest), "/")
	host, port := rest[strings.LastIndex(rest, "@")+1:], ""
	if i := strings.LastIndex(host, ":"); i > strings.LastIndex(host, "]") {
		host, port = host[:i], host[i+1:]
	}
	if host = serialiseHost(host); host == "" {
		return "", "has no valid host"
	}
	if port == "" {
		return scheme + "://" + host, ""
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", "has no valid port"
	}
	if scheme == "http" && n == 80 || scheme == "https" && n == 443 {
		return scheme + "://" + host, ""
	}
	return scheme + "://" + host + ":" + strconv.FormatUint(n, 10), ""
}

// splitScheme removes http or https, as people may write it, from the address. Without a
// scheme it is https.
func splitScheme(address string) (scheme, rest string) {
	for _, scheme := range []string{"https", "http"} {
		if rest, ok := strings.CutPrefix(strings.ToLower(address), scheme+"//"); ok {
			return scheme, rest
		}
	}
	i := strings.IndexAny(address, ":/.[")
	if i < 0 || address[i] != ':' || isPort(address[i+1:]) {
		return "https", strings.TrimLeft(address, "/")
	}
	switch rest = strings.TrimLeft(address[i+1:], `:/\`); strings.ToLower(address[:i]) {
	case "https", "wss", "htps", "htpps", "httpss", "ttps", "hhttps":
		return "https", rest
	case "http", "ws", "htp", "htttp", "ttp", "hhttp":
		return "http", rest
	}
	return "", rest
}

// isPort distinguishes localhost:3000 from https:example.
func isPort(s string) bool {
	s, _, _ = strings.Cut(s, "/")
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func serialiseHost(host string) string {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		a, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !a.Is6() || a.Zone() != "" {
			return ""
		}
		return "[" + a.String() + "]"
	}
	host = toASCII(strings.ToLower(host))
	if host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" ||
		strings.HasPrefix(host, ".") || strings.Contains(host, "..") {
		return ""
	}
	// To a browser a host whose last label is a number is an IPv4 address.
	last := host[strings.LastIndex(strings.TrimSuffix(host, "."), ".")+1:]
	if _, err := strconv.ParseUint(strings.TrimSuffix(last, "."), 0, 64); err == nil && net.ParseIP(host).To4() == nil {
		return ""
	}
	return host
}

// toASCII returns the host's punycode form, as net/http writes it into a Host header; ""
// if it has none.
func toASCII(host string) string {
	if strings.IndexFunc(host, func(r rune) bool { return r > unicode.MaxASCII }) < 0 {
		return host
	}
	// Dots of other scripts separate labels too.
	host = strings.NewReplacer("。", ".", "．", ".", "｡", ".").Replace(host)
	request := http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/"}, Host: host}
	var text bytes.Buffer
	if err := request.Write(&text); err != nil {
		return ""
	}
	_, after, _ := strings.Cut(text.String(), "Host: ")
	ascii, _, _ := strings.Cut(after, "\r\n")
	return ascii
}
