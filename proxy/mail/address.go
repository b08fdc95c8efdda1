package mail

import (
	"net/mail"
	"strings"

	"attache/bridge"
)

// Bounds of an address, by RFC 5321, section 4.5.3.1.
const (
	maxAddress = 254
	maxLocal   = 64
	maxLabel   = 63
)

// CheckAddress returns an error of code mail-address-invalid, which GMS numbers 364, unless s is
// one address of a mailbox: name@domain in ASCII, without a display name, comment, quotes, blank
// or address literal. It is stricter than mail: an address comes from a customer's data and goes
// into a header and into the SMTP dialogue.
func CheckAddress(s string) error {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(s) > maxAddress || len(local) > maxLocal || strings.Trim(local, localCharacters) != "" || !validDomain(domain) {
		return bridge.NewError(bridge.CodeMailAddress, "")
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Name != "" || a.Address != s {
		return bridge.NewError(bridge.CodeMailAddress, "")
	}
	return nil
}

const (
	letters         = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	localCharacters = letters + "!#$%&'*+-/=?^_`{|}~."
)

// validDomain reports whether s is a host name with a dot.
func validDomain(s string) bool {
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || len(label) > maxLabel || strings.Trim(label, letters+"-") != "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return len(labels) > 1
}
