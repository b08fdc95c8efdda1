package main

import (
	"time"

	"github.com/hack-pad/safejs"

	"attache/bridge"
)

// page is everything the module holds.
type page struct {
	turns    turns
	sessions map[int64]*session
	scratch  []byte // one frame; only within a turn
	live     int    // callbacks not yet released
}

func newPage(c clock) *page {
	return &page{turns: turns{clock: c}, sessions: map[int64]*session{}}
}

func (p *page) now() time.Duration { return p.turns.clock.now() }

// room is where a frame lies while its checksum is computed. It is allocated
// once, with the first upload: WebAssembly memory never shrinks.
func (p *page) room(length int64) []byte {
	if p.scratch == nil {
		p.scratch = make([]byte, bridge.FrameHeader+bridge.MaxFrame)
	}
	return p.scratch[:length]
}

// seal turns a view over header room and payload into the frame that is sent.
// The payload is only looked at; Go keeps nothing of it.
func (p *page) seal(view safejs.Value, key bridge.Key, offset, length int64) error {
	room := p.room(bridge.FrameHeader + length)
	view, err := whole(view, len(room))
	if err != nil {
		return bridge.WrapError(bridge.CodeFileUnreadable, err)
	}
	n, err := safejs.CopyBytesToGo(room, view)
	if err != nil || n != len(room) {
		return bridge.WrapError(bridge.CodeFileUnreadable, err)
	}
	bridge.PutFrame(room, bridge.Frame{
		Key:      key,
		Offset:   offset,
		Checksum: bridge.Checksum(room[bridge.FrameHeader:]),
	})
	_, err = safejs.CopyBytesToJS(view, room[:bridge.FrameHeader])
	return err
}

// whole returns the first n bytes of a view, and an error where it is none or
// its buffer is gone: copying from that would end the program.
func whole(view safejs.Value, n int) (safejs.Value, error) {
	constructor, err := safejs.Global().Get("Uint8Array")
	if err != nil {
		return view, err
	}
	prototype, err := constructor.Get("prototype")
	if err != nil {
		return view, err
	}
	subarray, err := prototype.Get("subarray")
	if err != nil {
		return view, err
	}
	return subarray.Call("call", view, 0, n)
}
