package proxy

import (
	"crypto/rand"
	"crypto/subtle"
	"sync"
	"time"

	"attache/bridge"
)

// maxLogins bounds the users that have logged in and not joined yet.
const maxLogins = 10_000

// flexLogin is a user that has logged in.
type flexLogin struct {
	party    bridge.Party
	userData bridge.Data
	key      string
	until    time.Time

	mu      sync.Mutex
	session string // that it has joined, or is joining
	joined  string // its secure key there
}

func (f *Flex) login(l FlexLogin) (*flexLogin, error) {
	login := &flexLogin{
		party: bridge.Party{
			UserID: rand.Text()[:16], Nickname: l.Nickname, UserType: bridge.Client,
			UserInfo: bridge.UserInfo{Protocol: bridge.Flex, TimeZoneOffset: l.TimeZoneOffset},
		},
		userData: l.UserData, key: rand.Text(), until: time.Now().Add(f.proxy.cfg.FlexDisconnectTimeout),
	}
	if _, err := (Joining{Party: login.party, UserData: l.UserData}).Prepared(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.logins) >= maxLogins {
		f.forgetLogins()
	}
	if len(f.logins) >= maxLogins {
		return nil, bridge.NewError(bridge.CodeBusy, "too many users have logged in and not joined")
	}
	f.logins[login.party.UserID] = login
	return login, nil
}

// forgetLogins forgets the users whose time is up.
func (f *Flex) forgetLogins() {
	for id, login := range f.logins {
		if time.Now().After(login.until) {
			delete(f.logins, id)
		}
	}
}

// loggedIn returns the login of a user.
func (f *Flex) loggedIn(u FlexUser) (*flexLogin, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	login := f.logins[u.UserID]
	switch {
	case login == nil || time.Now().After(login.until):
		err := bridge.NewError(bridge.CodeParty, "no such user has logged in here")
		err.Hint = "log in first"
		return nil, err
	case subtle.ConstantTimeCompare([]byte(login.key), []byte(u.SecureKey)) != 1:
		return nil, bridge.NewError(bridge.CodeSecureKey, "")
	}
	return login, nil
}

// enter returns the session to join. A user joins one; repeating the request returns it again.
func (l *flexLogin) enter(session string, fresh func() string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.session == "" && session == "":
		l.session = fresh()
	case l.session == "":
		l.session = session
	case session != "" && session != l.session:
		return "", bridge.NewError(bridge.CodeForbidden, "the user has joined another session")
	}
	return l.session, nil
}

// registered notes the secure key that a party got when it joined. A repeated request gets none
// from the Chat Server, which has it hashed.
func (l *flexLogin) registered(key string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if key != "" {
		l.joined = key
	}
	return l.joined
}
