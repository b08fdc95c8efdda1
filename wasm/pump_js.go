package main

import (
	"github.com/hack-pad/safejs"

	"attache/bridge"
	"attache/wasm/client"
)

// pump is an object of web/session/pump.js: prepare(header, longest, digest, whole),
// read(offset, length), release().
func (p *page) pump(value safejs.Value) client.Pump {
	return client.Pump{
		Prepare: func(header, longest int64, digest string) error {
			_, err := value.Call("prepare", header, longest, digest, header > bridge.FrameHeader)
			return err
		},
		Read: func(offset, length int64) error {
			_, err := value.Call("read", offset, length)
			return err
		},
		Seal:    p.seal,
		Release: func() { _, _ = value.Call("release") },
	}
}

// seal writes the header of a frame, and its offer, into the headroom of its view. The
// piece is only read, for its checksum; Go keeps nothing of it.
func (p *page) seal(v client.View, f bridge.Frame, offer []byte, length int64) error {
	view, _ := v.(safejs.Value)
	head := bridge.FrameHeader + len(offer)
	all := head + int(length)
	view, err := p.first(view, all)
	if err != nil {
		return bridge.WrapError(bridge.CodeFileUnreadable, err)
	}
	frame := p.buffer(head)
	if n, err := view.Length(); err != nil || n != all {
		return bridge.WrapError(bridge.CodeFileUnreadable, err)
	}
	if !f.Unchecked {
		frame = p.buffer(all)
		if n, err := safejs.CopyBytesToGo(frame, view); err != nil || n != all {
			return bridge.WrapError(bridge.CodeFileUnreadable, err)
		}
	}
	copy(frame[bridge.FrameHeader:], offer)
	if !f.Unchecked {
		f.Checksum = bridge.Checksum(frame[bridge.FrameHeader:])
	}
	bridge.PutFrame(frame, f)
	if n, err := safejs.CopyBytesToJS(view, frame[:head]); err != nil || n != head {
		return bridge.WrapError(bridge.CodeFileUnreadable, err)
	}
	return nil
}

// first returns the first n bytes of a view, and an error if it is not a view, is shorter, or
// its buffer is detached: copying from that would end the program.
func (p *page) first(view safejs.Value, n int) (safejs.Value, error) {
	subarray, err := p.subarray()
	if err != nil {
		return view, err
	}
	return subarray.Call("call", view, 0, n)
}
