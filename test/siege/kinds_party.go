package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"attache/bridge"
)

// begin offers a file and returns its key and a data socket for it.
func (a *attacker) begin(l *line, size int64) (key string, data *line, err error) {
	if err := l.enter(bridge.PathChat, a.token(), 0); err != nil {
		return "", nil, err
	}
	key = newKey()
	if err := l.say(&bridge.Offer{Key: key, Name: "a.bin", Size: size}); err != nil {
		return "", nil, err
	}
	fail, err := l.answer()
	if err != nil {
		return "", nil, err
	}
	if fail != nil {
		return "", nil, &fail.Error
	}
	if data, err = a.data(); err != nil {
		return "", nil, err
	}
	return key, data, nil
}

// data opens a data socket.
func (a *attacker) data() (*line, error) {
	data, err := a.dial(a.ctx)
	if err != nil {
		return nil, err
	}
	if err := data.enter(bridge.PathData, a.token(), 0); err != nil {
		data.Close()
		return nil, err
	}
	return data, nil
}

// tinyFrames sends a file in frames of one byte.
func tinyFrames(a *attacker, l *line) error {
	key, data, err := a.begin(l, 100_000)
	if err != nil {
		return err
	}
	defer data.Close()
	go l.hold()
	go data.hold()
	for n := range int64(100_000) {
		if _, err := data.Write(masked(0x82, frame(key, n, []byte{'x'}))); err != nil {
			return err
		}
	}
	return l.hold()
}

// manyRanges asks for 2,500 alternating ranges of a file of 8 MB, which the first
// attacker has sent.
func manyRanges(a *attacker, l *line) error {
	const size = 8 << 20
	if err := a.share(l, size, 512<<10); err != nil {
		return err
	}
	path, err := a.ticket(l)
	if err != nil {
		return err
	}
	var ranges strings.Builder
	for n := range 1250 {
		fmt.Fprintf(&ranges, "%d-%d,%d-%d,", n, n, size-1-n, size-1-n)
	}
	header := "Range: bytes=" + strings.TrimSuffix(ranges.String(), ",") + "\r\n"
	for {
		get, err := a.dial(a.ctx)
		if err != nil {
			return err
		}
		for err == nil {
			_, _, err = get.fetch(path, header)
			if _, gone := l.in.Peek(1); gone != nil {
				get.Close()
				return gone
			}
		}
		get.Close()
	}
}

// share joins. The first attacker also sends the file, once.
func (a *attacker) share(l *line, size, piece int64) error {
	if a.n > 0 || a.shared {
		return l.enter(bridge.PathChat, a.token(), 0)
	}
	key, data, err := a.begin(l, size)
	if err != nil {
		return err
	}
	a.shared = true
	context.AfterFunc(a.ctx, func() { data.Close() })
	go data.hold()
	for offset := int64(0); offset < size; offset += piece {
		if _, err := data.Write(masked(0x82, frame(key, offset, make([]byte, piece)))); err != nil {
			return err
		}
	}
	return nil
}

// ticket waits for a file and asks for its download.
func (a *attacker) ticket(l *line) (path string, err error) {
	for {
		m, err := l.hear()
		if err != nil {
			return "", err
		}
		switch m := m.(type) {
		case *bridge.EventAdded:
			if file, err := bridge.DecodeFile(m.Event); err == nil {
				if err := l.say(&bridge.Ask{Ref: 1, File: file.ID, Attempt: newKey()}); err != nil {
					return "", err
				}
			}
		case *bridge.Ticket:
			return m.Path, nil
		}
	}
}

// halfFrame sends half of a frame on a data socket and then nothing.
func halfFrame(a *attacker, l *line) error {
	if err := l.enter(bridge.PathData, a.token(), 0); err != nil {
		return err
	}
	whole := frame(newKey(), 0, make([]byte, 900<<10))
	if _, err := l.Write(append(maskedHead(0x82, len(whole)), whole[:len(whole)/2]...)); err != nil {
		return err
	}
	return l.hold()
}

// unreadPage sends many messages and reads nothing.
func unreadPage(a *attacker, l *line) error {
	if err := l.enter(bridge.PathChat, a.token(), 0); err != nil {
		return err
	}
	text := strings.Repeat("x", 14<<10)
	for range 600 {
		if err := l.say(&bridge.Say{Ref: 1, Key: newKey(), Text: text}); err != nil {
			return err
		}
		if !pause(a.ctx, 5*time.Millisecond) {
			return nil
		}
	}
	<-a.ctx.Done()
	return nil
}

func manySockets(a *attacker, l *line) error {
	if err := l.enter(bridge.PathChat, a.token(), 1<<40); err != nil {
		return err
	}
	if a.n > 0 {
		return l.hold()
	}
	go l.hold()
	for {
		if err := l.say(&bridge.Say{Ref: 1, Key: newKey(), Text: "hello"}); err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// enterBoth joins at the transcript's end and opens a data socket, of which it reads
// everything.
func (a *attacker) enterBoth(l *line) (data *line, err error) {
	if err := l.enter(bridge.PathChat, a.token(), 1<<40); err != nil {
		return nil, err
	}
	if data, err = a.data(); err == nil {
		go data.hold()
	}
	return data, err
}

// beyondAllowance sends a message and then offers a file under its key, again and
// again, and sends all but one byte of each file.
func beyondAllowance(a *attacker, l *line) error {
	data, err := a.enterBoth(l)
	if err != nil {
		return err
	}
	defer data.Close()
	const size = 2 << 20
	piece := make([]byte, 512<<10)
	for range 500 {
		key := newKey()
		if err := l.say(&bridge.Say{Ref: 1, Key: key, Text: "x"}); err != nil {
			return err
		}
		if err := l.say(&bridge.Offer{Key: key, Name: "a.bin", Size: size}); err != nil {
			return err
		}
		fail, err := l.answer()
		for err == nil && fail != nil && fail.Key != key {
			fail, err = l.answer()
		}
		if err != nil {
			return err
		}
		if fail != nil {
			a.refused.Add(1)
		}
		for offset := 0; offset < size; offset += len(piece) {
			p := piece
			if offset+len(p) == size {
				p = p[1:]
			}
			if _, err := data.Write(masked(0x82, frame(key, int64(offset), p))); err != nil {
				return err
			}
		}
	}
	return l.hold()
}

// unfinishedUploads offers one file after another and sends all but the last byte of
// each.
func unfinishedUploads(a *attacker, l *line) error {
	data, err := a.enterBoth(l)
	if err != nil {
		return err
	}
	defer data.Close()
	const size = 8 << 20
	piece := make([]byte, 512<<10)
	for {
		key := newKey()
		if err := l.say(&bridge.Offer{Key: key, Name: "a.bin", Size: size}); err != nil {
			return err
		}
		fail, err := l.answer()
		if err != nil {
			return err
		}
		if fail != nil {
			return errRefused
		}
		for offset := 0; offset < size; offset += len(piece) {
			if _, err := data.Write(masked(0x82, frame(key, int64(offset), piece[:min(len(piece), size-1-offset)]))); err != nil {
				return err
			}
		}
	}
}

func words(a *attacker, l *line) error {
	if err := l.enter(bridge.PathChat, a.token(), 1<<40); err != nil {
		return err
	}
	go l.hold()
	many := masked(0x81, bridge.AppendMessage(nil, &bridge.Say{Ref: 1, Key: newKey(), Text: strings.Repeat("x", 14<<10)}))
	at := bytes.Index(many, []byte(`"key":"`)) + len(`"key":"`)
	for {
		copy(many[at:], newKey())
		if _, err := io.Copy(l, bytes.NewReader(many)); err != nil {
			return err
		}
	}
}
