package proxy

import (
	"net/http"
	"strings"
)

// fileHeaders makes a browser save the file and never show or run it, because a stranger
// sent it.
func fileHeaders(h http.Header, name string, d Document) {
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", disposition(name))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // the page has another origin; CORS decides which may read
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "private, no-store, no-transform")
	// The entity tag is the digest. Without one, nothing says that a later part is of the
	// same content: neither a tag nor a date.
	if d.HasDigest() {
		h.Set("ETag", `"`+d.Digest()+`"`)
	}
}

// disposition writes the name twice: in ASCII for old clients, and in UTF-8 (RFC 8187).
// Neither form can end the header or begin another.
func disposition(name string) string {
	var plain, exact strings.Builder
	for _, r := range name {
		if r < 0x20 || r > 0x7E || strings.ContainsRune(`"\%;`, r) {
			plain.WriteByte('_')
			continue
		}
		plain.WriteRune(r)
	}
	const hexDigits = "0123456789ABCDEF"
	for i := 0; i < len(name); i++ {
		if c := name[i]; attrChar(c) {
			exact.WriteByte(c)
		} else {
			exact.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return `attachment; filename="` + plain.String() + `"; filename*=UTF-8''` + exact.String()
}

// attrChar reports RFC 8187's attr-char.
func attrChar(c byte) bool {
	switch {
	case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		return true
	}
	return strings.IndexByte("!#$&+-.^_`|~", c) >= 0
}
