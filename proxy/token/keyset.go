package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"golang.org/x/time/rate"
)

// KeySet returns keys for tokens signed by a key of a JSON Web Key Set: a file, or an https URL.
// A URL is read now, every hour, and, at a limited rate, when a token names an unknown key, until
// ctx ends. Keys.Reload reads either again. log gets the errors.
func KeySet(ctx context.Context, source string, log *slog.Logger) (Keys, error) {
	set := &keySet{ctx: ctx, source: source, log: log}
	if err := set.reload(); err != nil {
		return Keys{}, err
	}
	return Keys{set: set}, nil
}

// keySet is a key set that may be read again.
type keySet struct {
	ctx    context.Context // of all refreshes
	source string
	log    *slog.Logger

	mu    sync.Mutex // held by reload
	now   atomic.Pointer[keyfunc.Keyfunc]
	close context.CancelFunc // ends the refreshes of the set in force
}

func (s *keySet) keys() keyfunc.Keyfunc { return *s.now.Load() }

func (s *keySet) reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithCancel(s.ctx)
	set, err := openSet(ctx, s.source, s.log)
	if err == nil {
		err = checkSet(ctx, set)
	}
	if err != nil {
		cancel()
		return fmt.Errorf("read key set %s: %w", s.source, err)
	}
	if s.close != nil {
		s.close()
	}
	s.close = cancel
	s.now.Store(&set)
	return nil
}

// CheckSource checks a key set's source as far as possible without fetching a URL: the URL's
// scheme, or the file's contents.
func CheckSource(source string) error {
	if u, err := url.Parse(source); err == nil && u.Host != "" {
		return checkURL(u)
	}
	_, err := KeySet(context.Background(), source, nil)
	return err
}

func openSet(ctx context.Context, source string, log *slog.Logger) (keyfunc.Keyfunc, error) {
	if u, err := url.Parse(source); err == nil && u.Host != "" {
		return fetchSet(ctx, u, log)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		return nil, err
	}
	return keyfunc.NewJWKSetJSON(text)
}

func checkURL(u *url.URL) error {
	if u.Scheme != "https" && !(u.Scheme == "http" && net.ParseIP(u.Hostname()).IsLoopback()) {
		return fmt.Errorf("%s is not https: anyone on its path could replace the keys and forge tokens", u.Redacted())
	}
	return nil
}

func fetchSet(ctx context.Context, u *url.URL, log *slog.Logger) (keyfunc.Keyfunc, error) {
	if err := checkURL(u); err != nil {
		return nil, err
	}
	return keyfunc.NewDefaultOverrideCtx(ctx, []string{u.String()}, keyfunc.Override{
		Client:            &http.Client{Timeout: 10 * time.Second},
		RefreshInterval:   time.Hour,
		RefreshUnknownKID: rate.NewLimiter(rate.Every(30*time.Second), 1),
		RateLimitWaitMax:  100 * time.Millisecond, // a token with an invented key waits no longer
		RefreshErrorHandlerFunc: func(u string) func(context.Context, error) {
			return func(_ context.Context, err error) { log.Warn("the key set cannot be fetched", "url", u, "error", err) }
		},
	})
}

// checkSet refuses a set without a key that can verify tokens: no page could connect, and the
// reason would be hard to find.
func checkSet(ctx context.Context, set keyfunc.Keyfunc) error {
	keys, err := set.Storage().KeyReadAll(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if _, err := methodOf(k.Key(), k.Marshal().ALG.String(), k.Marshal().USE.String()); err == nil {
			return nil
		}
	}
	return errors.New("no public key in it can verify tokens")
}

// methodOf returns the only algorithm of a key: the one in the set, or else the usual one of its
// kind.
func methodOf(key any, declared, use string) (string, error) {
	if use != "" && use != "sig" {
		return "", errors.New("the token's key is not for signatures")
	}
	usual, err := usualMethod(key)
	if err != nil || declared == "" {
		return usual, err
	}
	return declared, nil
}

// usualMethod refuses symmetric keys, because a key set is not secret.
func usualMethod(key any) (string, error) {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return "", errors.New("the token's key has less than 2048 bits")
		}
		return "RS256", nil
	case *ecdsa.PublicKey:
		switch k.Curve.Params().BitSize {
		case 256:
			return "ES256", nil
		case 384:
			return "ES384", nil
		case 521:
			return "ES512", nil
		}
	case ed25519.PublicKey:
		return "EdDSA", nil
	}
	return "", errors.New("the token's key is not a public one of RSA, ECDSA or Ed25519")
}
