package main

import (
	"github.com/hack-pad/safejs"

	"attache/bridge"
	"attache/wasm/client"
)

// pump is an object of web/session/pump.js: prepare(header, longest, digest), read(offset,
// length), release().
func (p *page) pump(value safejs.Value) client.Pump {
	return client.Pump{
		Prepare: func(header, longest int64, digest string) error {
			_, err := value.Call("prepare", header, longest, digest)
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

// seal writes the header of a frame into the headroom of its view. The payload is only
// read; Go keeps nothing of it.
func (p *page) seal(v client.View, key bridge.Key, offset, length int64) error {
	view, _ := v.(safejs.Value)
	frame := p.buffer(bridge.FrameHeader + length)
	view, err := first(view, len(frame))
	if err != nil {
		return bridge.WrapError(bridge.CodeFileUnreadable, err)
	}
	n, err := safejs.CopyBytesToGo(frame, view)
	if err != nil || n != len(frame) {
		return bridge.WrapError(bridge.CodeFileUnreadable, err)
	}
	bridge.PutFrame(frame, bridge.Frame{
		Key:      key,
		Offset:   offset,
		Checksum: bridge.Checksum(frame[bridge.FrameHeader:]),
	})
	_, err = safejs.CopyBytesToJS(view, frame[:bridge.FrameHeader])
	return err
}

// first returns the first n bytes of a view, and an error if it is not a view or its
// buffer is detached: copying from that would end the program.
func first(view safejs.Value, n int) (safejs.Value, error) {
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
