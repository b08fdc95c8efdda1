package main_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/chaos/page"
	"attache/proxy"
	"attache/proxy/token"
)

const pageOrigin = "https://desk.example"

// mint makes a token as the application around the pages does.
func mint(t *testing.T, session, user string) string {
	t.Helper()
	auth, err := token.NewAuthenticator(token.Secret([]byte(secret)))
	require.NoError(t, err)
	signed, err := auth.Mint(proxy.Identity{
		Session: session, Party: bridge.Party{UserID: user, Nickname: user, UserType: bridge.Agent},
		Rights: bridge.AllRights, Expires: time.Now().Add(time.Hour),
	})
	require.NoError(t, err)
	return signed
}

// tab is a page that comes back by itself, with what it was told.
type tab struct {
	*page.Page
	t *testing.T

	mu      sync.Mutex
	address string
	events  chan bridge.Event
}

func openTab(t *testing.T, address, session, user string) *tab {
	t.Helper()
	b := &tab{t: t, address: address, events: make(chan bridge.Event, 100)}
	b.Page = page.Open(page.Options{
		Address: func() string { b.mu.Lock(); defer b.mu.Unlock(); return b.address },
		Token:   mint(t, session, user), Origin: pageOrigin,
		Saw: func(e bridge.Event) { b.events <- e },
	})
	t.Cleanup(b.Close)
	return b
}

// moveTo has the page come back at another address.
func (b *tab) moveTo(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.address = address
}

// send sends a file, and returns it once its notice has come.
func (b *tab) send(name string, content []byte) bridge.File {
	b.t.Helper()
	u := &page.Upload{Key: newKey(), Name: name, Content: content}
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	require.NoError(b.t, b.Send(ctx, u))
	require.Empty(b.t, u.Code)
	return b.announced(u.Key)
}

func (b *tab) announced(key string) bridge.File {
	b.t.Helper()
	late := time.After(patience)
	for {
		select {
		case e := <-b.events:
			if e.Key == key {
				f, err := bridge.DecodeFile(e)
				require.NoError(b.t, err)
				return f
			}
		case <-late:
			require.FailNow(b.t, "the notice did not come")
		}
	}
}

func newKey() string {
	var k [16]byte
	rand.Read(k[:])
	return hex.EncodeToString(k[:])
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
