package gms

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"attache/bridge"
	"attache/proxy"
)

// Admission says which clients may request a chat. After that, a secure key identifies them.
type Admission string

const (
	AdmitOpen   Admission = "open"   // any client, within the rate of its address
	AdmitAPIKey Admission = "apikey" // with a key in the header apikey, as behind a gateway
	AdmitToken  Admission = "token"  // with the application's token, as Authorization: Bearer
)

// admit decides whether a client may request a chat; with the application's token, it returns
// what the token says of the party.
func (s *Server) admit(ctx context.Context, c *Call) (proxy.Identity, error) {
	if !s.chats.Allow(c.Address, 1) {
		return proxy.Identity{}, refuse(http.StatusTooManyRequests, "too many chats were requested from this address", "try again in a minute")
	}
	switch s.cfg.Admission {
	case AdmitAPIKey:
		if !s.hasAPIKey(c.Header.Get("apikey")) {
			return proxy.Identity{}, turnAway(http.StatusUnauthorized, "the API key was not accepted", "send it in the header apikey")
		}
	case AdmitToken:
		return s.admitToken(ctx, c)
	}
	return proxy.Identity{}, nil
}

// hasAPIKey compares digests, so that the time says nothing of a key or its length.
func (s *Server) hasAPIKey(given string) bool {
	sum, found := sha256.Sum256([]byte(given)), 0
	for _, key := range s.cfg.APIKeys {
		own := sha256.Sum256([]byte(key))
		found |= subtle.ConstantTimeCompare(sum[:], own[:])
	}
	return given != "" && found == 1
}

func (s *Server) admitToken(ctx context.Context, c *Call) (proxy.Identity, error) {
	scheme, token, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return proxy.Identity{}, turnAway(http.StatusUnauthorized, "the request has no token", "send the application's token as Authorization: Bearer")
	}
	who, err := s.proxy.Authenticate(ctx, strings.TrimSpace(token))
	if err != nil {
		return who, err
	}
	if who.Party.UserType != bridge.Client {
		return who, turnAway(http.StatusUnauthorized, "the token is not a customer's", "issue one of type CLIENT")
	}
	if err := who.Rights.Need(bridge.RightChat); err != nil {
		return who, turnAway(http.StatusUnauthorized, "the token does not give the right to chat", "issue one with that right")
	}
	return who, nil
}
