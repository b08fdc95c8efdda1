package proxy

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// B66: an origin that no browser sends is refused, with the form that one sends.
func TestB66OriginThatNoBrowserSendsIsRefused(t *testing.T) {
	const example = "write https://host or https://host:port"
	for given, says := range map[string]string{
		"":                                    "is empty",
		"  ":                                  "is empty",
		"*":                                   "wildcard",
		"https://*.desk.example":              "wildcard",
		"http://localhost:*":                  "wildcard",
		"null":                                "sandboxed",
		"NULL":                                "sandboxed",
		"https://a.example https://b.example": "looks like a list",
		"https://a.example;https://b.example": "looks like a list",
		"https://a.example,https://b.example": "looks like a list",
		" https://desk.example":               "write https://desk.example",
		"\"https://desk.example\"":            "write https://desk.example",
		"https://desk.example/":               "write https://desk.example",
		"https://desk.example/chat?x=1#y":     "write https://desk.example",
		"https://desk.example?x":              "write https://desk.example",
		"https://kim:secret@desk.example":     "write https://desk.example",
		"https://desk.example:443":            "write https://desk.example",
		"http://desk.example:80":              "write http://desk.example",
		"https://desk.example:08443":          "write https://desk.example:8443",
		"https://desk.example:":               "write https://desk.example",
		"https://Desk.Example":                "write https://desk.example",
		"HTTPS://desk.example":                "write https://desk.example",
		"desk.example":                        "write https://desk.example",
		"desk.example:8443":                   "write https://desk.example:8443",
		"localhost:3000":                      "write https://localhost:3000",
		"//desk.example":                      "write https://desk.example",
		"https:/desk.example":                 "write https://desk.example",
		"https:desk.example":                  "write https://desk.example",
		"https:///desk.example":               "write https://desk.example",
		"https//desk.example":                 "write https://desk.example",
		"htps://desk.example":                 "write https://desk.example",
		"htp://desk.example":                  "write http://desk.example",
		"wss://desk.example":                  "write https://desk.example",
		"https://bücher.example":              "write https://xn--bcher-kva.example",
		"https://BÜCHER.example:8443/":        "write https://xn--bcher-kva.example:8443",
		"https://例え。テスト":                      "write https://xn--r8jz45g.xn--zckzah",
		"https://[0:0:0:0:0:0:0:1]:8443":      "write https://[::1]:8443",
		"https://[2001:DB8::1]":               "write https://[2001:db8::1]",
		"https://":                            example,
		"https://:8443":                       example,
		"https://desk.example:0":              example,
		"https://desk.example:99999":          example,
		"https://desk.example:https":          example,
		"https://127.1":                       example,
		"https://0x7f.0.0.1":                  example,
		"https://desk..example":               example,
		"https://de%73k.example":              example,
		"ftp://desk.example":                  example,
		"file:///home/kim/desk.html":          example,
		"chrome-extension://abcdefghijklmnop": example,
		"https://[::1":                        "write",
		"https://[fe80::1%25eth0]":            example,
	} {
		err := CheckOrigin(given)
		require.ErrorContains(t, err, says, "%q", given)
		require.ErrorContains(t, err, `"`, "%q is quoted", given)
	}
	for _, given := range []string{
		"https://desk.example", "http://localhost:3000", "http://127.0.0.1:8370", "https://[::1]:8443", "https://a-b_c.example",
		"https://xn--bcher-kva.example", "http://desk.example:443", "https://desk.example:80", "https://desk.example.", "https://desk",
	} {
		require.NoError(t, CheckOrigin(given), given)
	}
}

// A suggested origin passes the check.
func FuzzB66SuggestedOriginIsAccepted(f *testing.F) {
	for _, s := range []string{"https://desk.example:443/x", "Bücher.example:99", "[::1]:80", "ttp:/a@b:1?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		right, why := serialise(s)
		if right == "" {
			require.NotEmpty(t, why)
			return
		}
		again, _ := serialise(right)
		require.Equal(t, right, again)
	})
}

func TestB66EveryWrongOriginIsReportedAtOnce(t *testing.T) {
	_, err := parseOrigins([]string{"https://*.desk.example", "https://desk.example", "https://shop.example:443"})
	require.ErrorContains(t, err, "*.desk.example")
	require.ErrorContains(t, err, "write https://shop.example")
}
