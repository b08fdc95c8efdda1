package bridge

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
)

// The frame: one binary message of the data socket, up only. It carries a piece
// of a file after a header of fixed length, all numbers big endian.
//
//	0   1  version   FrameVersion
//	1   1  flags     flagUnchecked; the other bits are zero
//	2   2  offer     how many bytes of the payload are the offer; 0: it has none
//	4   4  checksum  CRC32C of the payload; its length with flagUnchecked
//	8   8  offset    of the payload's first byte in the file; zero with an offer
//	16  16 key       the upload's
//	32  …  payload   1 byte to MaxFrame; its length is the message's
//
// A proxy of the first release of this version knows neither flags nor offers, and
// refuses them; a proxy that does says so in Ready (see QueryData).
//
// A file frame is a frame with an offer: its payload is an Offer as the chat socket has
// it, and after that the whole file. The offer's key is the header's, and its size is how
// many bytes follow.
const (
	FrameVersion = 1
	FrameHeader  = 32

	flagUnchecked = 1 // nothing between page and proxy can damage the payload unnoticed

	MinFrame = 4 << 10 // the shortest payload a page sends, except in the last frame
	MaxFrame = 1 << 20 // the longest payload; a proxy may announce less
)

// Key is an upload's key: 128 random bits, one per user action, chosen by the
// page. It makes every step of an upload repeatable.
type Key [16]byte

// String returns the key as 32 hex digits, its form in messages and notices.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// ParseKey reads 32 lower-case hex digits: code message-invalid.
func ParseKey(s string) (Key, error) {
	var k Key
	if len(s) != 2*len(k) {
		return k, invalid("a key has 32 hex digits")
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return k, invalid("a key has 32 lower-case hex digits")
		}
	}
	_, err := hex.Decode(k[:], []byte(s))
	return k, err
}

// Frame is a frame's header.
type Frame struct {
	Key       Key
	Offset    int64
	Checksum  uint32
	Unchecked bool // Checksum is only the payload's length: for a proxy that is Ready for that
	Offer     int  // bytes of the offer that the payload begins with
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum returns the CRC32C of a payload. It detects faults of wires and
// memory; detecting attackers is TLS's work.
func Checksum(payload []byte) uint32 { return crc32.Checksum(payload, castagnoli) }

// PutFrame writes the header into the first FrameHeader bytes of buf.
func PutFrame(buf []byte, f Frame) {
	_ = buf[FrameHeader-1]
	buf[0], buf[1] = FrameVersion, 0
	if f.Unchecked {
		buf[1] = flagUnchecked
	}
	binary.BigEndian.PutUint16(buf[2:], uint16(f.Offer))
	binary.BigEndian.PutUint32(buf[4:], f.Checksum)
	binary.BigEndian.PutUint64(buf[8:], uint64(f.Offset))
	copy(buf[16:], f.Key[:])
}

// ParseFrame splits a message into header and payload. It does not compute the
// checksum: see [Frame.Verify]. Code frame-invalid.
func ParseFrame(message []byte) (Frame, []byte, error) {
	var f Frame
	if len(message) <= FrameHeader {
		return f, nil, NewError(CodeFrame, "a frame has no payload")
	}
	if len(message) > FrameHeader+MaxFrame {
		return f, nil, NewError(CodeFrame, "a frame's payload is longer than "+Bytes(MaxFrame))
	}
	if message[0] != FrameVersion || message[1]&^flagUnchecked != 0 {
		return f, nil, NewError(CodeFrame, "a frame has an unknown version")
	}
	f.Offer = int(binary.BigEndian.Uint16(message[2:]))
	f.Checksum = binary.BigEndian.Uint32(message[4:])
	offset := binary.BigEndian.Uint64(message[8:])
	f.Unchecked = message[1] == flagUnchecked
	switch {
	case offset > MaxInteger:
		return f, nil, NewError(CodeFrame, "a frame's offset is larger than 2^53-1")
	case f.Offer > 0 && offset != 0:
		return f, nil, NewError(CodeFrame, "a frame with an offer does not begin at the file's first byte")
	case f.Offer >= len(message)-FrameHeader:
		return f, nil, NewError(CodeFrame, "a frame with an offer has no file")
	}
	f.Offset = int64(offset)
	copy(f.Key[:], message[16:])
	return f, message[FrameHeader:], nil
}

// Verify returns an error of code frame-checksum unless the payload is the one that was
// sent, as far as the frame says. Without a checksum it says how long it was: of a message
// whose connection was cut a part may arrive, with bytes at its end that are any.
func (f Frame) Verify(payload []byte) error {
	sum := uint32(len(payload))
	if !f.Unchecked {
		sum = Checksum(payload)
	}
	if sum != f.Checksum {
		return NewError(CodeFrameChecksum, "")
	}
	return nil
}

// SplitOffer returns the offer and the file of a file frame's payload. An error is one of
// [FromPage], or has code frame-invalid.
func (f Frame) SplitOffer(payload []byte) (*Offer, []byte, error) {
	m, err := FromPage(payload[:f.Offer])
	if err != nil {
		return nil, nil, err
	}
	content := payload[f.Offer:]
	o, ok := m.(*Offer)
	switch {
	case !ok:
		return nil, nil, NewError(CodeFrame, "a file frame does not begin with an offer")
	case o.Key != f.Key.String():
		return nil, nil, NewError(CodeFrame, "the offer in a file frame has another key")
	case o.Size != int64(len(content)):
		return nil, nil, NewError(CodeFrame, "the offer in a file frame has another size")
	case o.Acked != nil:
		return nil, nil, NewError(CodeFrame, "the offer in a file frame says that bytes are acked")
	}
	return o, content, nil
}
