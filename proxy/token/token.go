// Package token is who a page says it is, proven: JSON Web Tokens that name a
// chat session, a party and its rights, and the tickets of downloads.
//
// A token is made by the application that owns the page, for one party in one
// chat session; the proxy only checks it. Its claims:
//
//	{
//	  "aud": "attache",          always
//	  "sub": "agent-7",          the party's user id
//	  "session": "0001AaBCDEFG", the one chat session it is for
//	  "user_type": "AGENT",      CLIENT, AGENT, SUPERVISOR, EXTERNAL or SYSTEM
//	  "rights": ["chat", "upload:file-system", "download"],
//	  "exp": 1767225600,         always; seconds since 1970
//	  "nickname": "Kim",         optional, as are visibility, client_version, nbf and iat
//	}
//
// It is signed with HS256 and a secret that the application shares, or with a
// key of the application's JSON Web Key Set. A key has one algorithm; a token
// cannot choose another.
//
// A ticket is made and checked by the proxies themselves. The audiences differ,
// so neither can pass for the other.
package token

import (
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

// leeway is how far the clocks of two machines may differ.
const leeway = 30 * time.Second

// maxLength bounds a token before anything of it is decoded.
const maxLength = 4096

// Claims are a token's contents. Session, sub (the user id), user_type, aud and
// exp are mandatory.
type Claims struct {
	jwt.RegisteredClaims
	ExpiresAt     *moment  `json:"exp,omitempty"` // these three instead of the library's
	NotBefore     *moment  `json:"nbf,omitempty"`
	IssuedAt      *moment  `json:"iat,omitempty"`
	Session       string   `json:"session"`
	Nickname      string   `json:"nickname,omitempty"`
	UserType      string   `json:"user_type"`
	Rights        []string `json:"rights"`
	Visibility    string   `json:"visibility,omitempty"`
	ClientVersion int64    `json:"client_version,omitempty"`
}

// GetExpirationTime, GetNotBefore and GetIssuedAt are what the library checks.
func (c *Claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.ExpiresAt.numeric(), nil }

func (c *Claims) GetNotBefore() (*jwt.NumericDate, error) { return c.NotBefore.numeric(), nil }

func (c *Claims) GetIssuedAt() (*jwt.NumericDate, error) { return c.IssuedAt.numeric(), nil }

// Authenticator checks tokens. It implements proxy.Authenticator.
type Authenticator struct {
	keys   Keys
	parser *jwt.Parser
}

// NewAuthenticator returns one that believes the tokens of these keys.
func NewAuthenticator(keys Keys) (*Authenticator, error) {
	if err := keys.check(); err != nil {
		return nil, err
	}
	return &Authenticator{keys: keys, parser: newParser(Audience, keys.methods())}, nil
}

// Reload reads a key set again; see Keys.
func (a *Authenticator) Reload() error { return a.keys.Reload() }

// newParser checks the signature first, and then every claim of the standard
// that says when and for whom a token is. An iat in the future is not a reason to refuse
// one (RFC 7519 section 4.1.6): it only tells the token's age, by another clock.
func newParser(audience string, methods []string, more ...jwt.ParserOption) *jwt.Parser {
	return jwt.NewParser(append([]jwt.ParserOption{
		jwt.WithValidMethods(methods),
		jwt.WithAudience(audience),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(leeway),
		jwt.WithStrictDecoding(),
	}, more...)...)
}

// Authenticate checks a token. Where nothing is wrong with it but its times, the code is
// token-expired or, up to ten minutes before its nbf, token-early, and the message says
// how far the clocks differ. Otherwise it is token-invalid, whose message does not say
// what is wrong, because that would help forgers; its cause, which the log has, does.
func (a *Authenticator) Authenticate(ctx context.Context, token string) (proxy.Identity, error) {
	if len(token) > maxLength {
		return proxy.Identity{}, invalid(errors.New("longer than any token"))
	}
	var c Claims
	_, err := a.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		if err := checkHeader(t); err != nil {
			return nil, err
		}
		return a.keys.find(ctx, t)
	})
	if told := c.clock(err, time.Now()); told != nil {
		return proxy.Identity{}, told
	}
	if err != nil {
		return proxy.Identity{}, invalid(err)
	}
	return c.identity()
}

func invalid(err error) error { return bridge.WrapError(bridge.CodeTokenInvalid, err) }

// checkHeader refuses a token with extensions that must be understood (RFC 7515
// section 4.1.11): none is here.
func checkHeader(t *jwt.Token) error {
	if _, critical := t.Header["crit"]; critical {
		return errors.New("the token has critical extensions")
	}
	return nil
}

// identity reads the claims that are ours. Unknown rights are not an error: a newer
// application may know more of them.
func (c Claims) identity() (proxy.Identity, error) {
	who := proxy.Identity{
		Session: c.Session,
		Party: bridge.Party{
			UserID: c.Subject, Nickname: c.Nickname, UserType: bridge.UserType(c.UserType),
			Visibility: bridge.Visibility(c.Visibility), ClientVersion: c.ClientVersion,
		},
		Expires: c.ExpiresAt.Time,
	}
	if latest := time.Now().Add(longest); who.Expires.After(latest) {
		who.Expires = latest
	}
	for _, r := range c.Rights {
		who.Rights = append(who.Rights, bridge.Right(r))
	}
	if !bridge.ValidSession(who.Session) {
		return proxy.Identity{}, invalid(errors.New("the session claim is missing or no session id"))
	}
	if err := who.Party.Check(); err != nil {
		return proxy.Identity{}, invalid(err)
	}
	return who, nil
}

// Mint makes a token for that identity. It needs a shared secret: with a key
// set, the application that owns the private key makes the tokens.
func (a *Authenticator) Mint(who proxy.Identity) (string, error) {
	if a.keys.secret == nil {
		return "", errors.New("tokens can be made with a shared secret only")
	}
	c := Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject: who.Party.UserID, Audience: jwt.ClaimStrings{Audience},
		},
		IssuedAt: newMoment(time.Now()), ExpiresAt: newMoment(who.Expires),
		Session: who.Session, Nickname: who.Party.Nickname, UserType: string(who.Party.UserType),
		Visibility: string(who.Party.Visibility), ClientVersion: who.Party.ClientVersion,
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
