// Package token is who a page says it is, proven: JSON Web Tokens that name a
// chat session, a party and its rights, and the tickets of downloads.
//
// A token is made by the application that owns the page, for one party in one
// chat session; the proxy only checks it. A ticket is made and checked by the
// proxies themselves. Their audiences differ, so neither can pass for the other.
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
	Session       string   `json:"session"`
	Nickname      string   `json:"nickname,omitempty"`
	UserType      string   `json:"user_type"`
	Rights        []string `json:"rights"`
	Visibility    string   `json:"visibility,omitempty"`
	ClientVersion int64    `json:"client_version,omitempty"`
}

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
	return &Authenticator{keys: keys, parser: jwt.NewParser(
		jwt.WithValidMethods(keys.methods()),
		jwt.WithAudience(Audience),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(leeway),
		jwt.WithStrictDecoding(),
	)}, nil
}

// Authenticate checks a token: code token-expired where nothing else is wrong
// with it, token-invalid otherwise. The refusal does not say what is wrong, for
// the page could do nothing about it; the log does.
func (a *Authenticator) Authenticate(_ context.Context, token string) (proxy.Identity, error) {
	if len(token) > maxLength {
		return proxy.Identity{}, invalid(errors.New("longer than any token"))
	}
	var c Claims
	_, err := a.parser.ParseWithClaims(token, &c, a.keys.find)
	switch {
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenInvalidAudience):
		return proxy.Identity{}, bridge.WrapError(bridge.CodeTokenExpired, err)
	case err != nil:
		return proxy.Identity{}, invalid(err)
	}
	return c.identity()
}

func invalid(err error) error { return bridge.WrapError(bridge.CodeTokenInvalid, err) }

// identity reads the claims that are ours. Unknown rights are no error: a newer
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
	secret := a.keys.secret
	if secret == nil {
		return "", errors.New("tokens can be made with a shared secret only")
	}
	c := Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject: who.Party.UserID, Audience: jwt.ClaimStrings{Audience},
			IssuedAt: jwt.NewNumericDate(time.Now()), ExpiresAt: jwt.NewNumericDate(who.Expires),
		},
		Session: who.Session, Nickname: who.Party.Nickname, UserType: string(who.Party.UserType),
		Visibility: string(who.Party.Visibility), ClientVersion: who.Party.ClientVersion,
	}
	for _, r := range who.Rights {
		c.Rights = append(c.Rights, string(r))
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(secret)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed, nil
}
