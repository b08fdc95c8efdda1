package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"attache/bridge"
)

// kinds are the attacks. Each function runs on one connection until that ends.
var kinds = map[string]func(*attacker, *line) error{
	// strangers
	"tcp":      func(_ *attacker, l *line) error { return l.hold() },
	"headers":  slowHeaders,
	"silent":   silentSocket,
	"dripping": drippingHello,
	"body":     bodyThatNeverComes,
	"assets":   unreadAsset,
	"guesses":  guessedToken,
	"refusals": refusedRequests,
	// parties
	"pings":     flood(nil, []byte{0x89, 0x80, 0, 0, 0, 0}),
	"pongs":     flood(nil, []byte{0x8a, 0x80, 0, 0, 0, 0}),
	"fragments": flood([]byte{0x01, 0x81, 0, 0, 0, 0, '{'}, []byte{0x00, 0x80, 0, 0, 0, 0}),
	"messages":  smallMessages,
	"replay":    replays,
	"frames":    tinyFrames,
	"ranges":    manyRanges,
	"halves":    halfFrame,
	"unread":    unreadPage,
	"sockets":   manySockets,
	"allowance": beyondAllowance,
	"words":     words,
	"uploads":   unfinishedUploads,
}

func slowHeaders(_ *attacker, l *line) error {
	if _, err := io.WriteString(l, "GET /attache/chat HTTP/1.1\r\n"); err != nil {
		return err
	}
	for {
		time.Sleep(time.Second)
		if _, err := io.WriteString(l, "X-A: b\r\n"); err != nil {
			return err
		}
	}
}

func silentSocket(_ *attacker, l *line) error {
	if err := l.upgrade(bridge.PathChat); err != nil {
		return err
	}
	return l.hold()
}

func drippingHello(_ *attacker, l *line) error {
	if err := l.upgrade(bridge.PathData); err != nil {
		return err
	}
	for _, b := range masked(0x81, bytes.Repeat([]byte{' '}, 1000)) {
		if _, err := l.Write([]byte{b}); err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
	return nil
}

func bodyThatNeverComes(a *attacker, l *line) error {
	method := [...]string{"POST /attache/chat", "GET /web/attache.js", "PUT /attache/file/x/y"}[a.n%3]
	if _, err := fmt.Fprintf(l, "%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", method); err != nil {
		return err
	}
	return l.hold()
}

// unreadAsset asks for more than all buffers hold, and reads nothing. Which of the
// two assets is large depends on the build.
func unreadAsset(_ *attacker, l *line) error {
	const request = "GET /web/attache.js HTTP/1.1\r\nHost: x\r\n\r\nGET /web/dist/attache.wasm HTTP/1.1\r\nHost: x\r\n\r\n"
	for {
		if _, err := io.WriteString(l, strings.Repeat(request, 20)); err != nil {
			return err
		}
	}
}

func guessedToken(a *attacker, l *line) error {
	return l.enter(bridge.PathChat, fmt.Sprintf("eyJhbGciOiJIUzI1NiJ9.%x.%x", a.random.Uint64(), a.random.Uint64()), 0)
}

func refusedRequests(a *attacker, l *line) error {
	for {
		if _, _, err := l.fetch(fmt.Sprintf("/attache/file/%x/a.pdf", a.random.Uint64()), ""); err != nil {
			return err
		}
	}
}

// flood joins, optionally begins a message, and repeats a frame without content.
func flood(begin, more []byte) func(*attacker, *line) error {
	many := bytes.Repeat(more, 1000)
	return func(a *attacker, l *line) error {
		if err := l.enter(bridge.PathChat, a.token(), 0); err != nil {
			return err
		}
		if _, err := l.Write(begin); err != nil {
			return err
		}
		go l.hold()
		for {
			if _, err := l.Write(many); err != nil {
				return err
			}
		}
	}
}

func smallMessages(a *attacker, l *line) error {
	if err := l.enter(bridge.PathChat, a.token(), 0); err != nil {
		return err
	}
	go l.hold()
	for many := bytes.Repeat(masked(0x81, bridge.AppendMessage(nil, &bridge.Ping{Ref: 1})), 100); ; {
		if _, err := l.Write(many); err != nil {
			return err
		}
	}
}

// replays fills the session with messages and joins it from its beginning, again and
// again.
func replays(a *attacker, l *line) error {
	if err := l.enter(bridge.PathChat, a.token(), 0); err != nil {
		return err
	}
	for range 20 {
		if err := l.say(&bridge.Say{Ref: 1, Key: newKey(), Text: strings.Repeat("x", 14<<10)}); err != nil {
			return err
		}
	}
	l.SetReadDeadline(time.Now().Add(time.Second))
	for got := 0; got < 8<<20; {
		n, err := l.in.Discard(4096)
		if got += n; err != nil {
			break
		}
	}
	return nil
}
