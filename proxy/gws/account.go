package gws

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"sync"

	"attache/bridge"
)

// login is one account's way in. It is safe for concurrent use.
type login struct {
	account Account
	kind    Login

	mu       sync.Mutex
	client   *http.Client // with the account's cookies
	loggedIn bool
}

func newLogin(a Account, kind Login, transport http.RoundTripper) *login {
	l := &login{account: a, kind: kind, client: &http.Client{Transport: transport, CheckRedirect: noRedirect}}
	if kind == LoginSession {
		l.client.Jar, _ = cookiejar.New(nil) // it returns no error
	}
	return l
}

// noRedirect follows no redirect, because the login and the files are for one host only.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// authenticate adds what a request needs, apart from cookies.
func (l *login) authenticate(r *http.Request) {
	switch l.kind {
	case LoginBasic:
		r.SetBasicAuth(l.account.User, l.account.Secret)
	case LoginBearer:
		r.Header.Set("Authorization", "Bearer "+l.account.Secret)
	}
}

// begin logs in, unless it has or the kind of login needs none.
func (l *login) begin(ctx context.Context, url string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kind != LoginSession || l.loggedIn {
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return bridge.AsError(err)
	}
	r.SetBasicAuth(l.account.User, l.account.Secret)
	res, err := l.client.Do(r)
	if err != nil {
		return away(fmt.Errorf("log in: %w", err))
	}
	drain(res)
	if res.StatusCode/100 != 2 {
		return away(fmt.Errorf("log in: GWS answered %s", res.Status))
	}
	l.loggedIn = true
	return nil
}

// forget makes the next request log in again: its session has ended.
func (l *login) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loggedIn = false
}
