// Package token verifies JSON Web Tokens that name a chat session, a party and its rights, and
// makes and verifies the tickets of downloads.
//
// The application that owns the page makes a token, for one party in one chat session; the proxy
// only verifies it. Its claims:
//
//	{
//	  "aud": "attache",          always
//	  "sub": "agent-7",          the party's user id
//	  "session": "0001AaBCDEFG", the only chat session it is for
//	  "user_type": "AGENT",      CLIENT, AGENT, SUPERVISOR, EXTERNAL or SYSTEM
//	  "rights": ["chat", "upload:file-system", "download"],
//	  "exp": 1767225600,         always; seconds since 1970
//	  "nickname": "Kim",         optional, as are visibility, client_version, nbf, iat and the
//	}                            claims of the join
//
// The claims of the join are what a party joins its session with: person_id, time_zone (minutes
// east of UTC), user_data, queue_key, subject, text, attributes, password (of the session), and
// secure_key, with which the page attaches to a party that another program has registered. The
// claim interaction is the id of the session's interaction for GWS, if it is not the session's.
//
// It is signed with HS256 and a secret that application and proxy share, or with a key of the
// application's JSON Web Key Set. A key has one algorithm; a token cannot choose another.
//
// The proxies make and verify tickets themselves. The two audiences differ, so a ticket is never
// accepted as a token, nor a token as a ticket.
package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"attache/bridge"
	"attache/proxy"

	"github.com/golang-jwt/jwt/v5"
)

// Audience is the "aud" of every token.
const Audience = "attache"

// leeway is the accepted difference between the clocks of two machines.
const leeway = 30 * time.Second

// maxLength bounds a token, in bytes, before it is decoded.
const maxLength = 4096

// Claims are a token's contents. Session, sub (the user id), user_type, aud and
// exp are mandatory.
type Claims struct {
	jwt.RegisteredClaims
	ExpiresAt     *numericDate `json:"exp,omitempty"` // these three instead of the library's
	NotBefore     *numericDate `json:"nbf,omitempty"`
	IssuedAt      *numericDate `json:"iat,omitempty"`
	Session       string       `json:"session"`
	Nickname      string       `json:"nickname,omitempty"`
	UserType      string       `json:"user_type"`
	Rights        []string     `json:"rights"`
	Visibility    string       `json:"visibility,omitempty"`
	ClientVersion int64        `json:"client_version,omitempty"`

	// Of the join.
	PersonID   string      `json:"person_id,omitempty"`
	TimeZone   int64       `json:"time_zone,omitempty"` // minutes east of UTC
	UserData   bridge.Data `json:"user_data,omitempty"`
	QueueKey   string      `json:"queue_key,omitempty"`
	Topic      string      `json:"subject,omitempty"` // Subject is the user id
	Text       string      `json:"text,omitempty"`
	Attributes bridge.Data `json:"attributes,omitempty"`
	Password   string      `json:"password,omitempty"`
	SecureKey  string      `json:"secure_key,omitempty"`

	Interaction string `json:"interaction,omitempty"`
}

// GetExpirationTime, like the two methods below, is for the library, which checks the times.
func (c *Claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.ExpiresAt.asJWT(), nil }

func (c *Claims) GetNotBefore() (*jwt.NumericDate, error) { return c.NotBefore.asJWT(), nil }

func (c *Claims) GetIssuedAt() (*jwt.NumericDate, error) { return c.IssuedAt.asJWT(), nil }

// Authenticator verifies tokens. It implements proxy.Authenticator.
type Authenticator struct {
	keys   Keys
	parser *jwt.Parser
}

// NewAuthenticator returns an Authenticator that accepts the tokens of these keys.
func NewAuthenticator(keys Keys) (*Authenticator, error) {
	if err := keys.check(); err != nil {
		return nil, err
	}
	return &Authenticator{keys: keys, parser: newParser(Audience, keys.methods())}, nil
}

// Reload reads a key set again; see Keys.
func (a *Authenticator) Reload() error { return a.keys.Reload() }

// newParser returns a parser that checks the signature first, and then the audience and the times.
// An iat in the future is not a reason to refuse a token (RFC 7519 section 4.1.6): it is only the
// token's age by another clock.
func newParser(audience string, methods []string, more ...jwt.ParserOption) *jwt.Parser {
	return jwt.NewParser(append([]jwt.ParserOption{
		jwt.WithValidMethods(methods),
		jwt.WithAudience(audience),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(leeway),
		jwt.WithStrictDecoding(),
	}, more...)...)
}

// Authenticate verifies a token. If only its times are wrong, the code is token-expired or, up to
// ten minutes before its nbf, token-early, and the message says how far the clocks differ.
// Otherwise the code is token-invalid. Its message does not say why, because that would help
// forgers; the cause, for the log, does.
func (a *Authenticator) Authenticate(ctx context.Context, token string) (proxy.Identity, error) {
	if len(token) > maxLength {
		return proxy.Identity{}, invalid(errors.New("the token is too long"))
	}
	var c Claims
	_, err := a.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		if err := checkHeader(t); err != nil {
			return nil, err
		}
		return a.keys.find(ctx, t)
	})
	if e := c.clockError(err, time.Now()); e != nil {
		return proxy.Identity{}, e
	}
	if err != nil {
		return proxy.Identity{}, invalid(err)
	}
	return c.identity()
}

func invalid(err error) error { return bridge.WrapError(bridge.CodeTokenInvalid, err) }

// checkHeader refuses a token with critical extensions (RFC 7515 section 4.1.11), because none is
// implemented.
func checkHeader(t *jwt.Token) error {
	if _, critical := t.Header["crit"]; critical {
		return errors.New("the token has critical extensions")
	}
	return nil
}

// identity checks our own claims. Unknown rights are not an error, because a newer application may
// know more of them.
func (c Claims) identity() (proxy.Identity, error) {
	who := proxy.Identity{
		Session: c.Session,
		Party: bridge.Party{
			UserID: c.Subject, Nickname: c.Nickname, UserType: bridge.UserType(c.UserType),
			Visibility: bridge.Visibility(c.Visibility), ClientVersion: c.ClientVersion,
			UserInfo: bridge.UserInfo{PersonID: c.PersonID, TimeZoneOffset: c.TimeZone},
		},
		Interaction: c.Interaction,
		Expires:     c.ExpiresAt.Time,
		Join: proxy.Joining{
			UserData: c.UserData, QueueKey: c.QueueKey, Subject: c.Topic, Text: c.Text, Attributes: c.Attributes,
			Password: c.Password, SecureKey: c.SecureKey,
		},
	}
	if latest := time.Now().Add(maxLifetime); who.Expires.After(latest) {
		who.Expires = latest
	}
	for _, r := range c.Rights {
		who.Rights = append(who.Rights, bridge.Right(r))
	}
	if !bridge.ValidSession(who.Session) {
		return proxy.Identity{}, invalid(errors.New("the session claim is missing or not a session id"))
	}
	if who.Interaction != "" && !bridge.ValidSession(who.Interaction) {
		return proxy.Identity{}, invalid(errors.New("the interaction claim is not an interaction's id"))
	}
	if err := check(who); err != nil {
		return proxy.Identity{}, invalid(err)
	}
	who.Party.Visibility = cmp.Or(who.Party.Visibility, bridge.All)
	return who, nil
}

// check checks what the party would join with. Its ClientVersion stays as it is, because the
// page may name one.
func check(who proxy.Identity) error {
	j := who.Join
	j.Party = who.Party
	_, err := j.Prepared()
	return err
}

// Mint makes a token for that identity. It needs a shared secret: with a key set, only the
// application has the private key.
func (a *Authenticator) Mint(who proxy.Identity) (string, error) {
	if a.keys.secret == nil {
		return "", errors.New("making a token needs a shared secret")
	}
	c := Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject: who.Party.UserID, Audience: jwt.ClaimStrings{Audience},
		},
		IssuedAt: newNumericDate(time.Now()), ExpiresAt: newNumericDate(who.Expires),
		Session: who.Session, Nickname: who.Party.Nickname, UserType: string(who.Party.UserType),
		Visibility: string(who.Party.Visibility), ClientVersion: who.Party.ClientVersion,
		PersonID: who.Party.PersonID, TimeZone: who.Party.TimeZoneOffset,
		UserData: who.Join.UserData, QueueKey: who.Join.QueueKey, Topic: who.Join.Subject, Text: who.Join.Text,
		Attributes: who.Join.Attributes, Password: who.Join.Password, SecureKey: who.Join.SecureKey,
		Interaction: who.Interaction,
	}
	for _, r := range who.Rights {
		c.Rights = append(c.Rights, string(r))
	}
	if _, err := c.identity(); err != nil {
		return "", fmt.Errorf("mint a token: %w", err)
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, &c).SignedString(a.keys.secret)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed, nil
}
