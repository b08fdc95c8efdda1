package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"attache/bridge"

	"github.com/coder/websocket"
)

// goodUsers are four users that upload 100 kB and write texts, again and again, and
// one newcomer every 0.2 s. They have addresses of their own.
type goodUsers struct {
	lab    *lab
	target *target
	cancel context.CancelFunc
	all    sync.WaitGroup

	mu                           sync.Mutex
	uploads, messages, newcomers []time.Duration
	offers, acks, announcements  []time.Duration // the three parts of an upload
	refused, failed, came        int
	silenced, spoken             int
	silence                      time.Duration // the longest one
}

const (
	uploaders   = 4
	uploadSize  = 100_000
	restTime    = 100 * time.Millisecond
	newcomeTime = 200 * time.Millisecond
	goodPatient = 10 * time.Second // a longer wait is a failure
	newPatient  = 3 * time.Second  // a newcomer without a welcome by then counts as refused
)

// goodUsers starts them, and returns when the uploaders have joined.
func (l *lab) goodUsers(ctx context.Context, t *target) (*goodUsers, error) {
	ctx, cancel := context.WithCancel(ctx)
	g := &goodUsers{lab: l, target: t, cancel: cancel}
	for n := range uploaders {
		signed, err := l.token("good-"+strconv.Itoa(n), "good", bridge.Agent)
		if err != nil {
			return nil, err
		}
		u := &user{target: t, token: signed, from: "127.77.0." + strconv.Itoa(n+1)}
		if err := u.join(ctx); err != nil {
			cancel()
			return nil, fmt.Errorf("let a good user join: %w", err)
		}
		g.all.Go(func() { g.work(ctx, u) })
	}
	g.all.Go(func() { g.welcome(ctx) })
	return g, nil
}

func (g *goodUsers) work(ctx context.Context, u *user) {
	defer u.leave()
	heard := time.Now()
	defer func() { g.silent(time.Since(heard)) }()
	for ctx.Err() == nil {
		begun := time.Now()
		said := u.say(ctx)
		spoken := time.Now()
		parts, err := u.upload(ctx)
		if ctx.Err() != nil {
			return
		}
		if said == nil {
			g.silent(spoken.Sub(heard))
			heard = spoken
		}
		g.mu.Lock()
		if said != nil {
			g.silenced++
		} else {
			g.spoken++
			g.messages = append(g.messages, spoken.Sub(begun))
		}
		if err = cmp.Or(said, err); err != nil {
			g.failed++
			g.lab.log.Warn("a good user failed", "error", err, "after", time.Since(begun))
			g.uploads = append(g.uploads, goodPatient)
		} else {
			g.uploads = append(g.uploads, time.Since(spoken))
			g.offers = append(g.offers, parts[0])
			g.acks = append(g.acks, parts[1])
			g.announcements = append(g.announcements, parts[2])
		}
		g.mu.Unlock()
		if err != nil {
			u.leave()
			if u.join(ctx) != nil && !pause(ctx, restTime) {
				return
			}
		}
		if !pause(ctx, restTime) {
			return
		}
	}
}

func (g *goodUsers) silent(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.silence = max(g.silence, d)
}

// welcome starts one newcomer after another, from a few addresses.
func (g *goodUsers) welcome(ctx context.Context) {
	var inside sync.WaitGroup
	defer inside.Wait()
	for n := 0; pause(ctx, newcomeTime); n++ {
		inside.Go(func() { g.newcomer(ctx, n) })
	}
}

func (g *goodUsers) newcomer(ctx context.Context, n int) {
	signed, err := g.lab.token("new-"+strconv.Itoa(n), "new", bridge.Client)
	if err != nil {
		return
	}
	u := &user{target: g.target, token: signed, from: "127.78.0." + strconv.Itoa(1+n%50)}
	begun := time.Now()
	patient, cancel := context.WithTimeout(ctx, newPatient)
	defer cancel()
	err = u.join(patient)
	took := time.Since(begun)
	u.leave()
	if ctx.Err() != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.came++
	if err != nil {
		g.refused++
		return
	}
	g.newcomers = append(g.newcomers, took)
}

// stop ends them and returns their figures.
func (g *goodUsers) stop() map[string]float64 {
	g.cancel()
	g.all.Wait()
	out := map[string]float64{
		uploadP50: percentile(g.uploads, 50), uploadP99: percentile(g.uploads, 99), messageP99: percentile(g.messages, 99),
		newcomerP99: percentile(g.newcomers, 99), goodFailed: float64(g.failed), refusedShare: 100 * float64(g.refused) / float64(max(1, g.came)),
		silenced: float64(g.silenced), spoken: float64(g.spoken), longestSilence: float64(g.silence.Milliseconds()), "uploads": float64(len(g.uploads)), "newcomers": float64(g.came),
		"offerP99Ms": percentile(g.offers, 99), "ackP99Ms": percentile(g.acks, 99), "announceP99Ms": percentile(g.announcements, 99),
	}
	return out
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

var errNotJoined = errors.New("not joined")

// user is a minimal page of one party.
type user struct {
	target     *target
	token      string
	from       string // its address
	chat, data *websocket.Conn
	ref        int64
}

func (u *user) join(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, goodPatient)
	defer cancel()
	var err error
	if u.chat, err = u.dial(ctx, bridge.PathChat); err != nil {
		return err
	}
	_, err = await[*bridge.Welcome](ctx, u.chat, nil)
	return err
}

func (u *user) dial(ctx context.Context, path string) (*websocket.Conn, error) {
	conn, _, err := websocket.Dial(ctx, "ws://"+u.target.addr+path, &websocket.DialOptions{
		HTTPClient:   &http.Client{Transport: &http.Transport{DialContext: dialer(u.from).DialContext}},
		HTTPHeader:   http.Header{"Origin": {origin}},
		Subprotocols: []string{bridge.Subprotocol},
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1)
	return conn, conn.Write(ctx, websocket.MessageText, bridge.AppendMessage(nil, &bridge.Hello{Token: u.token}))
}

func dialer(from string) *net.Dialer {
	return &net.Dialer{Timeout: goodPatient, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
}

func (u *user) leave() {
	for _, conn := range []*websocket.Conn{u.chat, u.data} {
		if conn != nil {
			conn.CloseNow()
		}
	}
	u.chat, u.data = nil, nil
}

// upload sends a file and waits until it is announced. The parts are the times of its
// offer, its bytes and its announcement.
func (u *user) upload(ctx context.Context) (parts [3]time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, goodPatient)
	defer cancel()
	if u.chat == nil {
		return parts, errNotJoined
	}
	if u.data == nil {
		if u.data, err = u.dial(ctx, bridge.PathData); err != nil {
			return parts, fmt.Errorf("open the data socket: %w", err)
		}
	}
	key := newKey()
	begun := time.Now()
	part := func(n int) {
		parts[n] = time.Since(begun)
		begun = time.Now()
	}
	offer := &bridge.Offer{Key: key, Name: "a.bin", Size: uploadSize}
	if err := u.chat.Write(ctx, websocket.MessageText, bridge.AppendMessage(nil, offer)); err != nil {
		return parts, fmt.Errorf("offer: %w", err)
	}
	if _, err := await(ctx, u.chat, func(m *bridge.Accept) bool { return m.Key == key }); err != nil {
		return parts, fmt.Errorf("await accept: %w", err)
	}
	part(0)
	if err := u.data.Write(ctx, websocket.MessageBinary, frame(key, 0, make([]byte, uploadSize))); err != nil {
		return parts, fmt.Errorf("send: %w", err)
	}
	if _, err := await(ctx, u.data, func(m *bridge.Ack) bool { return m.Key == key && m.Stored == uploadSize }); err != nil {
		return parts, fmt.Errorf("await ack: %w", err)
	}
	part(1)
	if _, err = await(ctx, u.chat, func(m *bridge.EventAdded) bool { return m.Event.Key == key }); err != nil {
		return parts, fmt.Errorf("await announcement: %w", err)
	}
	part(2)
	return parts, nil
}

func (u *user) say(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, goodPatient)
	defer cancel()
	if u.chat == nil {
		return errNotJoined
	}
	u.ref++
	m := &bridge.Say{Ref: u.ref, Key: newKey(), Text: "hello"}
	if err := u.chat.Write(ctx, websocket.MessageText, bridge.AppendMessage(nil, m)); err != nil {
		return err
	}
	_, err := await(ctx, u.chat, func(m *bridge.Done) bool { return m.Ref == u.ref })
	return err
}

// await reads until a message of type M for which is returns true. A Fail message is
// an error.
func await[M bridge.Wire](ctx context.Context, conn *websocket.Conn, is func(M) bool) (m M, err error) {
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return m, err
		}
		got, err := bridge.FromProxy(text)
		if err != nil {
			return m, err
		}
		switch got := got.(type) {
		case M:
			if is == nil || is(got) {
				return got, nil
			}
		case *bridge.Fail:
			return m, &got.Error
		}
	}
}

func newKey() string {
	var k bridge.Key
	rand.Read(k[:])
	return k.String()
}

func frame(key string, offset int64, payload []byte) []byte {
	k, _ := bridge.ParseKey(key)
	out := make([]byte, bridge.FrameHeader, bridge.FrameHeader+len(payload))
	bridge.PutFrame(out, bridge.Frame{Key: k, Offset: offset, Checksum: bridge.Checksum(payload)})
	return append(out, payload...)
}
