package proxy_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/chat"
	"attache/proxy/proxytest"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	proxytest.Main(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

const (
	agentLimit        = 64 << 20
	maxWaitingAddress = proxytest.MaxWaitingAddress
	origin            = proxytest.Origin
)

// world is a proxy with two tokens of one chat session.
type world struct {
	*proxytest.World
	t    testing.TB
	chat *chat.Server

	agent, customer string
}

func newWorld(t testing.TB, set ...func(*proxy.Config)) *world {
	t.Helper()
	return newWorldWith(t, nil, set...)
}

// newWorldWith also changes the parts under the proxy.
func newWorldWith(t testing.TB, change proxytest.Change, set ...func(*proxy.Config)) *world {
	t.Helper()
	limits := bridge.Unlimited()
	limits.MaxFileSize = agentLimit
	all := []proxytest.Change{func(o *assembly.Options) {
		o.Proxy.AgentLimits, o.Proxy.HelloTimeout = func() bridge.Limits { return limits }, wait
	}}
	if change != nil {
		all = append(all, change)
	}
	w := worldOf(t, proxytest.Start(t, append(all, changes(set)...)...))
	w.agent = w.Token("s1", "alice", bridge.Agent, bridge.AllRights...)
	w.customer = w.Token("s1", "carol", bridge.Client, bridge.AllRights...)
	return w
}

func worldOf(t testing.TB, w *proxytest.World) *world {
	return &world{World: w, t: t, chat: w.Chat.(*chat.Server)}
}

func changes(set []func(*proxy.Config)) (all []proxytest.Change) {
	for _, f := range set {
		all = append(all, proxytest.Set(f))
	}
	return all
}

// another starts a second proxy on the same engine.
func (w *world) another(set ...func(*proxy.Config)) *world {
	w.t.Helper()
	twin := worldOf(w.t, w.Another(changes(set)...))
	twin.agent, twin.customer = w.agent, w.customer
	return twin
}

// restarted crashes this proxy and starts another.
func (w *world) restarted() *world {
	w.t.Helper()
	w.Crash()
	return w.another()
}

// nothingStaged checks that the store has no byte of any upload.
func (w *world) nothingStaged() {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.bytesStored() == 0 }, wait, 10*time.Millisecond, "staged bytes were not removed")
}

// bytesStored is the length of all documents and staged files.
func (w *world) bytesStored() (n int64) {
	w.t.Helper()
	paths, err := filepath.Glob(filepath.Join(w.Dir, "documents", "20??-??-??", "*"))
	require.NoError(w.t, err)
	for _, path := range paths {
		info, err := os.Lstat(path)
		if strings.HasSuffix(path, ".json") || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		require.NoError(w.t, err)
		n += info.Size()
	}
	return n
}

func (w *world) mint(session, user string, kind bridge.UserType, rights []bridge.Right, life time.Duration) string {
	w.t.Helper()
	return w.Sign(proxy.Identity{
		Session: session, Party: bridge.Party{UserID: user, Nickname: user, UserType: kind}, Rights: rights, Expires: time.Now().Add(life),
	})
}

func (w *world) expiredToken() string {
	return w.mint("s1", "alice", bridge.Agent, bridge.AllRights, -time.Hour)
}

func (w *world) signTicket() string {
	w.t.Helper()
	s, err := w.Tickets.Sign(proxy.Grant{Session: "s1", UserID: "alice", FileID: "1", DocumentID: "1", Expires: time.Now().Add(time.Hour)})
	require.NoError(w.t, err)
	return s
}

func agentToken(w *world) string    { return w.agent }
func customerToken(w *world) string { return w.customer }
func readOnlyToken(w *world) string {
	return w.Token("s1", "rita", bridge.Agent, bridge.RightChat, bridge.RightDownload)
}

// raw is a chat socket without the library: bytes as a hostile page would write them.
func (w *world) raw() net.Conn {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.Server.Listener.Addr().String())
	require.NoError(w.t, err)
	io.WriteString(conn, "GET "+bridge.PathChat+" HTTP/1.1\r\nHost: x\r\nOrigin: "+origin+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: "+bridge.Subprotocol+"\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReaderSize(oneByte{conn}, 16), nil)
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusSwitchingProtocols, res.StatusCode)
	return conn
}

// oneByte prevents a buffered reader from reading more than the handshake.
type oneByte struct{ net.Conn }

func (c oneByte) Read(p []byte) (int, error) { return c.Conn.Read(p[:1]) }

func maskedText(p []byte) []byte {
	out := []byte{0x81, 0x80 | 126}
	out = binary.BigEndian.AppendUint16(out, uint16(len(p)))
	out = append(out, 0, 0, 0, 0)
	return append(out, p...)
}

// rawClosed reads what the proxy sends, unmasked as it is, and returns the code of
// the end; 1006 if there was none.
func rawClosed(t testing.TB, conn net.Conn) websocket.StatusCode {
	conn.SetReadDeadline(time.Now().Add(wait))
	r := bufio.NewReader(conn)
	for {
		head := make([]byte, 2)
		if _, err := io.ReadFull(r, head); err != nil {
			assert.NotErrorIs(t, err, os.ErrDeadlineExceeded)
			return websocket.StatusAbnormalClosure
		}
		length := int64(head[1])
		if length == 126 {
			io.ReadFull(r, head[:2])
			length = int64(binary.BigEndian.Uint16(head))
			head[0] = 0
		}
		if head[0] == 0x88 {
			io.ReadFull(r, head)
			return websocket.StatusCode(binary.BigEndian.Uint16(head))
		}
		io.CopyN(io.Discard, r, length)
	}
}
