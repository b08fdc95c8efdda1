package main

import (
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

func newPage() *page { return &page{sessions: map[int64]*session{}} }

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
