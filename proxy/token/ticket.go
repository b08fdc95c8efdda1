package token

import (
	"encoding/hex"
	"fmt"
	"time"

	"attache/bridge"
	"attache/proxy"

	"github.com/golang-jwt/jwt/v5"
)

// ticketAudience is the "aud" of every ticket.
const ticketAudience = "attache-file"

// Tickets signs and checks download tickets. It implements proxy.Tickets.
type Tickets struct {
	secret []byte
	parser *jwt.Parser
}

// NewTickets returns Tickets with a secret that only the proxies of a cluster share. Their clocks
// must agree, because tickets have no leeway.
func NewTickets(secret []byte) *Tickets {
	return &Tickets{secret: secret, parser: newParser(ticketAudience, []string{jwt.SigningMethodHS256.Alg()}, jwt.WithLeeway(0))}
}

// ticketClaims are short, because a ticket is part of a URL.
type ticketClaims struct {
	jwt.RegisteredClaims
	Session  string          `json:"s"`
	UserType bridge.UserType `json:"t,omitempty"`
	Conn     string          `json:"c,omitempty"`
	File     string          `json:"f"`
	Sealed   []byte          `json:"e,omitempty"` // the document's id, encrypted
	Document string          `json:"d,omitempty"` // the same in the clear, in a ticket of an earlier release
	Name     string          `json:"n"`
	Digest   []byte          `json:"h,omitempty"` // SHA-256
	Spooled  bool            `json:"p,omitempty"`
	Begin    int64           `json:"b,omitempty"` // seconds since 1970: until when a download may begin; exp is until when it may run
}

// Sign makes a ticket for that grant. Its times are cut to the second.
func (t *Tickets) Sign(g proxy.Grant) (string, error) {
	ends := g.Ends
	if ends.IsZero() {
		ends = g.Expires
	}
	digest, err := hex.DecodeString(g.Digest)
	if err != nil {
		return "", fmt.Errorf("sign ticket: %w", err)
	}
	sealed, err := sealDocument(t.secret, g.DocumentID)
	if err != nil {
		return "", fmt.Errorf("sign ticket: %w", err)
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, ticketClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject: g.UserID, Audience: jwt.ClaimStrings{ticketAudience}, ExpiresAt: jwt.NewNumericDate(ends),
		},
		Session: g.Session, UserType: g.UserType, Conn: g.Conn, File: g.FileID, Sealed: sealed, Name: g.Name,
		Digest: digest, Spooled: g.Spooled,
		Begin: g.Expires.Unix(),
	}).SignedString(t.secret)
	if err != nil {
		return "", fmt.Errorf("sign ticket: %w", err)
	}
	return signed, nil
}

// Verify checks a ticket: codes ticket-expired, after its Ends, and ticket-invalid. The caller,
// who sees the request, decides whether it is too late to begin a download.
func (t *Tickets) Verify(ticket string) (proxy.Grant, error) {
	if len(ticket) > maxLength {
		return proxy.Grant{}, bridge.NewError(bridge.CodeTicketInvalid, "")
	}
	var c ticketClaims
	_, err := t.parser.ParseWithClaims(ticket, &c, func(token *jwt.Token) (any, error) {
		return t.secret, checkHeader(token)
	})
	switch {
	case only(err, jwt.ErrTokenExpired):
		return proxy.Grant{}, bridge.WrapError(bridge.CodeTicketExpired, err)
	case err != nil:
		return proxy.Grant{}, bridge.WrapError(bridge.CodeTicketInvalid, err)
	case c.Sealed != nil:
		if c.Document, err = openDocument(t.secret, c.Sealed); err != nil {
			return proxy.Grant{}, bridge.WrapError(bridge.CodeTicketInvalid, err)
		}
	}
	switch {
	case c.Session == "" || c.Subject == "" || c.File == "" || c.Document == "":
		return proxy.Grant{}, bridge.NewError(bridge.CodeTicketInvalid, "")
	}
	begin := c.ExpiresAt.Time
	if c.Begin != 0 {
		begin = time.Unix(c.Begin, 0)
	}
	return proxy.Grant{
		Session: c.Session, UserID: c.Subject, UserType: c.UserType, Conn: c.Conn,
		FileID: c.File, DocumentID: c.Document, Name: c.Name, Expires: begin, Ends: c.ExpiresAt.Time,
		Digest: hex.EncodeToString(c.Digest), Spooled: c.Spooled,
	}, nil
}

var (
	_ proxy.Authenticator = (*Authenticator)(nil)
	_ proxy.Tickets       = (*Tickets)(nil)
)
