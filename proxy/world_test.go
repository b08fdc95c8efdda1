package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/audit"
	"attache/proxy/chat"
	"attache/proxy/deliver"
	"attache/proxy/engine"
	"attache/proxy/metrics"
	"attache/proxy/objects"
	"attache/proxy/proxytest"
	"attache/proxy/seats"
	"attache/proxy/token"

	"github.com/coder/websocket"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	proxytest.Main(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

const (
	agentLimit        = 64 << 20
	maxWaitingAddress = 8
	origin            = "https://desk.example"
)

// world is everything a proxy stands on, all of it real: the embedded engine in
// a directory of the test's, Chat Server and documents on it, the delivery
// loop, and the proxy behind an HTTP server.
type world struct {
	t      testing.TB
	origin string

	dir     string
	engine  *engine.Engine
	chat    *chat.Server
	store   *objects.Store
	records *deliver.Records
	auth    *token.Authenticator
	tickets *token.Tickets
	loop    *deliver.Loop
	metrics *metrics.Metrics
	audit   proxy.Audit
	trail   string // the audit's file

	proxy *proxy.Proxy
	seats *seats.Seats
	// between may stand between the proxy and its seats.
	between func(proxy.Seats) proxy.Seats
	// keeping may stand between the proxy and its records.
	keeping func(proxy.Records) proxy.Records
	// speaking may stand between the proxy and its Chat Server.
	speaking func(proxy.ChatServer) proxy.ChatServer
	largest  int64               // bytes that one file may have
	limits   func(*proxy.Config) // of time and number, where the test needs others
	server   *httptest.Server
	log      *lockedBuffer

	agent, customer string // tokens of one chat session
}

func newWorld(t testing.TB) *world { return newWorldWith(t, chat.Options{}) }

func newWorldWith(t testing.TB, o chat.Options) *world {
	t.Helper()
	w := &world{t: t, origin: origin, log: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx := t.Context()
	var err error
	w.dir = t.TempDir()
	w.engine, err = engine.Start(ctx, engine.Options{Dir: w.dir})
	require.NoError(t, err)
	t.Cleanup(w.engine.Close)
	w.chat, err = chat.Open(ctx, w.engine, o)
	require.NoError(t, err)
	t.Cleanup(w.chat.Close)
	w.store, err = objects.New(ctx, w.engine, objects.Options{})
	require.NoError(t, err)
	w.records, err = deliver.OpenRecords(ctx, w.engine, log)
	require.NoError(t, err)
	t.Cleanup(w.records.Close)
	w.metrics = metrics.New("v1.2.3-test")
	w.records.OnWritten(w.metrics.Upload)
	w.trail = filepath.Join(t.TempDir(), "audit")
	trail, err := audit.Open(w.trail, audit.Options{Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { trail.Close() })
	w.audit = trail
	w.loop, err = deliver.Start(ctx, deliver.Options{
		Records: w.records, Staging: w.store, Documents: w.store, Chat: w.chat, Scanner: proxy.NoScanner{}, Audit: w.audit, Log: log,
	})
	require.NoError(t, err)
	t.Cleanup(func() { w.loop.Close(context.Background()) })
	secret := []byte(strings.Repeat("s", 32))
	w.auth, err = token.NewAuthenticator(token.Secret(secret))
	require.NoError(t, err)
	w.tickets = token.NewTickets(secret)
	w.startProxy(log)
	w.agent = w.token("s1", "alice", bridge.Agent, bridge.AllRights...)
	w.customer = w.token("s1", "carol", bridge.Client, bridge.AllRights...)
	return w
}

func (w *world) startProxy(log *slog.Logger) {
	w.t.Helper()
	limits := bridge.Unlimited()
	limits.MaxFileSize = agentLimit
	places, err := seats.Open(w.t.Context(), w.engine, seats.Options{Beat: 200 * time.Millisecond})
	require.NoError(w.t, err)
	w.t.Cleanup(places.Close)
	shared := proxy.Seats(places)
	if w.between != nil {
		shared = w.between(shared)
	}
	records := proxy.Records(w.records)
	if w.keeping != nil {
		records = w.keeping(records)
	}
	conversations := proxy.ChatServer(w.chat)
	if w.speaking != nil {
		conversations = w.speaking(conversations)
	}
	c := proxy.Config{
		Seats: shared, Audit: w.audit, Chat: conversations, Documents: w.store, Staging: w.store, Records: records, Auth: w.auth, Tickets: w.tickets,
		Origins: []string{origin}, TrustedProxies: []string{"127.0.0.1"}, AgentLimits: &limits, MaxFileSize: w.largest, MaxFrame: w.engine.MaxChunk(),
		DisconnectTimeout: 50 * time.Millisecond, HelloTimeout: wait, MaxWaitingAddress: maxWaitingAddress, Log: log,
	}
	if w.limits != nil {
		w.limits(&c)
	}
	p, err := proxy.New(c)
	require.NoError(w.t, err)
	w.proxy, w.server, w.seats = p, httptest.NewServer(p), places
	server := w.server
	w.t.Cleanup(func() { p.Close(); server.Close() })
}

// another is a second proxy on the same engine.
func (w *world) another() *world {
	w.t.Helper()
	twin := *w
	twin.startProxy(slog.New(slog.DiscardHandler))
	return &twin
}

// restartProxy ends the proxy as a crash would, as far as its memory goes, and
// starts another one.
func (w *world) restartProxy() {
	w.t.Helper()
	w.crash()
	w.startProxy(slog.New(slog.DiscardHandler))
}

// crash ends the proxy without a word to anybody.
func (w *world) crash() {
	w.t.Helper()
	w.seats.Close()
	w.proxy.Close()
	w.server.Close()
}

// nothingStaged checks that the store holds no byte of any upload.
func (w *world) nothingStaged() {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.bytesStored() == 0 }, wait, 10*time.Millisecond, "bytes were left behind")
}

// bytesStored counts the messages on chunk subjects of every bucket.
func (w *world) bytesStored() (n int) {
	streams := w.engine.JetStream().ListStreams(w.t.Context())
	for info := range streams.Info() {
		if !strings.HasPrefix(info.Config.Name, "OBJ_") {
			continue
		}
		s, err := w.engine.JetStream().Stream(w.t.Context(), info.Config.Name)
		require.NoError(w.t, err)
		full, err := s.Info(w.t.Context(), jetstream.WithSubjectFilter("$O.*.C.>"))
		require.NoError(w.t, err)
		for _, count := range full.State.Subjects {
			n += int(count)
		}
	}
	require.NoError(w.t, streams.Err())
	return n
}

func (w *world) token(session, user string, kind bridge.UserType, rights ...bridge.Right) string {
	return w.mint(session, user, kind, rights, time.Hour)
}

func (w *world) mint(session, user string, kind bridge.UserType, rights []bridge.Right, life time.Duration) string {
	w.t.Helper()
	s, err := w.auth.Mint(proxy.Identity{
		Session: session, Party: bridge.Party{UserID: user, Nickname: user, UserType: kind}, Rights: rights, Expires: time.Now().Add(life),
	})
	require.NoError(w.t, err)
	return s
}

func (w *world) expiredToken() string {
	return w.mint("s1", "alice", bridge.Agent, bridge.AllRights, -time.Hour)
}

func (w *world) signTicket() string {
	w.t.Helper()
	s, err := w.tickets.Sign(proxy.Grant{Session: "s1", UserID: "alice", FileID: "1", DocumentID: "1", Expires: time.Now().Add(time.Hour)})
	require.NoError(w.t, err)
	return s
}

func agentToken(w *world) string    { return w.agent }
func customerToken(w *world) string { return w.customer }
func readOnlyToken(w *world) string {
	return w.token("s1", "rita", bridge.Agent, bridge.RightChat, bridge.RightDownload)
}

func (w *world) logged() string { return w.log.String() }

// raw is a chat socket below the library: bytes as a hostile page would write them.
func (w *world) raw() net.Conn {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	require.NoError(w.t, err)
	io.WriteString(conn, "GET "+bridge.PathChat+" HTTP/1.1\r\nHost: x\r\nOrigin: "+w.origin+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: "+bridge.Subprotocol+"\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReaderSize(oneByte{conn}, 16), nil)
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusSwitchingProtocols, res.StatusCode)
	return conn
}

// oneByte keeps a buffered reader from taking what follows the handshake.
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

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
