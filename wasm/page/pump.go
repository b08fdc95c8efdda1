//go:build !js

package page

import (
	"crypto/sha256"
	"encoding/hex"

	"attache/bridge"
	"attache/wasm/client"
)

// pump reads a file from memory, as web/session/pump.js reads one from a disk.
type pump struct {
	p          *Page
	call       int64
	content    []byte
	header     int64  // bytes of headroom
	digest     string // of everything before the next piece, where it is to be compared
	known      bool   // what is before that was compared, or read
	generation int    // of reads
}

func (f *pump) client() client.Pump {
	return client.Pump{
		Prepare: func(header, _ int64, digest string) error { f.header, f.digest = header, digest; return nil },
		Read: func(offset, length int64) error {
			generation := f.generation
			f.p.loop.post(func() {
				if generation == f.generation {
					f.read(offset, length)
				}
			})
			return nil
		},
		Seal:    seal,
		Release: func() { f.generation++ },
	}
}

func (f *pump) read(offset, length int64) {
	if !f.known && f.digest != "" && offset > 0 {
		sum := sha256.Sum256(f.content[:offset])
		if hex.EncodeToString(sum[:]) != f.digest {
			f.p.do(func(s *client.Session) { s.Unread(f.call, true) })
			return
		}
	}
	f.known = true
	view := make([]byte, f.header, f.header+length)
	view = append(view, f.content[offset:offset+length]...)
	f.p.do(func(s *client.Session) { s.Filled(f.call, view) })
}

func seal(v client.View, f bridge.Frame, offer []byte, _ int64) error {
	frame := v.([]byte)
	copy(frame[bridge.FrameHeader:], offer)
	f.Unchecked = false // a wire of the tests may damage any frame
	f.Checksum = bridge.Checksum(frame[bridge.FrameHeader:])
	bridge.PutFrame(frame, f)
	return nil
}
