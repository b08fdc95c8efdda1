package token

import (
	"fmt"

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

// NewTickets uses a secret that all proxies share and nobody else has.
func NewTickets(secret []byte) *Tickets {
	return &Tickets{secret: secret, parser: newParser(ticketAudience, []string{jwt.SigningMethodHS256.Alg()})}
}

// ticketClaims are short: a ticket stands in a URL.
type ticketClaims struct {
	jwt.RegisteredClaims
	Session  string          `json:"s"`
	UserType bridge.UserType `json:"t,omitempty"`
	Conn     string          `json:"c,omitempty"`
	File     string          `json:"f"`
	Document string          `json:"d"`
	Name     string          `json:"n"`
}

// Sign makes a ticket for that grant, whose Expires is kept to the second.
func (t *Tickets) Sign(g proxy.Grant) (string, error) {
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, ticketClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject: g.UserID, Audience: jwt.ClaimStrings{ticketAudience}, ExpiresAt: jwt.NewNumericDate(g.Expires),
		},
		Session: g.Session, UserType: g.UserType, Conn: g.Conn, File: g.FileID, Document: g.DocumentID, Name: g.Name,
	}).SignedString(t.secret)
	if err != nil {
		return "", fmt.Errorf("sign ticket: %w", err)
	}
	return signed, nil
}

// Verify checks a ticket: codes ticket-expired and ticket-invalid.
func (t *Tickets) Verify(ticket string) (proxy.Grant, error) {
	if len(ticket) > maxLength {
		return proxy.Grant{}, bridge.NewError(bridge.CodeTicketInvalid, "")
	}
	var c ticketClaims
	_, err := t.parser.ParseWithClaims(ticket, &c, func(token *jwt.Token) (any, error) {
		return t.secret, checkHeader(token)
	})
	switch {
	case onlyExpired(err):
		return proxy.Grant{}, bridge.WrapError(bridge.CodeTicketExpired, err)
	case err != nil:
		return proxy.Grant{}, bridge.WrapError(bridge.CodeTicketInvalid, err)
	case c.Session == "" || c.Subject == "" || c.File == "" || c.Document == "":
		return proxy.Grant{}, bridge.NewError(bridge.CodeTicketInvalid, "")
	}
	return proxy.Grant{
		Session: c.Session, UserID: c.Subject, UserType: c.UserType, Conn: c.Conn,
		FileID: c.File, DocumentID: c.Document, Name: c.Name, Expires: c.ExpiresAt.Time,
	}, nil
}

var (
	_ proxy.Authenticator = (*Authenticator)(nil)
	_ proxy.Tickets       = (*Tickets)(nil)
)
