package cli_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/token"
	"attache/wasm/page"
)

const pageOrigin = "https://desk.example"

// mint issues a token as an application does.
func mint(t *testing.T, session, user string, kind bridge.UserType) string {
	t.Helper()
	auth, err := token.NewAuthenticator(token.Secret([]byte(secret)))
	require.NoError(t, err)
	signed, err := auth.Mint(proxy.Identity{
		Session: session, Party: bridge.Party{UserID: user, Nickname: user, UserType: kind, ClientVersion: bridge.VersionCurrent},
		Rights: bridge.AllRights, Expires: time.Now().Add(time.Hour),
	})
	require.NoError(t, err)
	return signed
}

// tab is a page that reconnects by itself, with the events it received.
type tab struct {
	*page.Page
	t *testing.T

	mu      sync.Mutex
	address string
	events  chan bridge.Event
	failed  chan *bridge.Upload
}

func openTab(t *testing.T, address, session, user string, kind bridge.UserType) *tab {
	t.Helper()
	return openTabWith(t, address, pageOrigin, mint(t, session, user, kind))
}

// openTabWith opens a page of an origin with a token.
func openTabWith(t *testing.T, address, origin, token string) *tab {
	t.Helper()
	b := &tab{t: t, address: address, events: make(chan bridge.Event, 100), failed: make(chan *bridge.Upload, 100)}
	b.Page = page.Open(page.Options{
		Address: func() string { b.mu.Lock(); defer b.mu.Unlock(); return b.address },
		Token:   token, Origin: origin,
		Saw: func(e bridge.Event) { b.events <- e },
		Heard: func(_ string, u *bridge.Upload) {
			if u.State == bridge.Failed {
				b.failed <- u
			}
		},
	})
	t.Cleanup(b.Close)
	return b
}

// moveTo makes the page reconnect at another address.
func (b *tab) moveTo(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.address = address
}

// send sends a file, and returns it once its notice has arrived.
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
			require.FailNow(b.t, "the notice did not arrive")
		}
	}
}

// refused waits for an upload's failure.
func (b *tab) refused(key string) *bridge.Error {
	b.t.Helper()
	late := time.After(patience)
	for {
		select {
		case u := <-b.failed:
			if u.Key == key {
				return u.Error
			}
		case <-late:
			require.FailNow(b.t, "the upload did not fail")
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

// socket is a chat socket without a page.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
}

func dial(t *testing.T, address string) *socket {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(address, "http")+bridge.PathChat, &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {pageOrigin}}, Subprotocols: []string{bridge.Subprotocol},
	})
	require.NoError(t, err)
	t.Cleanup(func() { conn.CloseNow() })
	return &socket{t, conn}
}

func joinBy(t *testing.T, address, session, user string) *socket {
	t.Helper()
	s := dial(t, address)
	s.send(&bridge.Hello{Token: mint(t, session, user, bridge.Agent)})
	require.IsType(t, &bridge.Welcome{}, s.next())
	return s
}

func (s *socket) send(m bridge.Wire) {
	s.t.Helper()
	require.NoError(s.t, s.conn.Write(s.t.Context(), websocket.MessageText, bridge.AppendMessage(nil, m)))
}

func (s *socket) next() bridge.Wire {
	s.t.Helper()
	m, err := s.read()
	require.NoError(s.t, err)
	return m
}

func (s *socket) read() (bridge.Wire, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	_, b, err := s.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	return bridge.FromProxy(b)
}

func awaitOn[M bridge.Wire](s *socket) M {
	s.t.Helper()
	for {
		if m, ok := s.next().(M); ok {
			return m
		}
	}
}

// stuck is a download whose reader has stopped reading.
type stuck struct {
	t    *testing.T
	conn net.Conn
}

var errCutShort = errors.New("the download was cut short")

// stuckDownload requests a file that is larger than all buffers on the way, and reads
// only the response's status line.
func stuckDownload(t *testing.T, address, session, user string, file bridge.File) *stuck {
	t.Helper()
	s := joinBy(t, address, session, user)
	s.send(&bridge.Ask{Ref: 1, File: file.ID, Attempt: newKey()})
	ticket := awaitOn[*bridge.Ticket](s)
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, "GET "+ticket.Path+" HTTP/1.1\r\nHost: attache\r\n\r\n")
	require.NoError(t, err)
	head := make([]byte, len("HTTP/1.1 200 OK"))
	_, err = io.ReadFull(conn, head)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 200 OK", string(head))
	return &stuck{t, conn}
}

// rest reads what is still in transit.
func (s *stuck) rest(whole int64) error {
	n, err := io.Copy(io.Discard, s.conn)
	if err != nil || n < whole {
		return errors.Join(errCutShort, err)
	}
	return nil
}
