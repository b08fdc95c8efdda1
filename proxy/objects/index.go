package objects

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"sort"
)

// headerIndex on a meta message lists the positions of the chunks in the stream. The
// server finds an object's next chunk by going through every block up to it, and reads the
// blocks whose subjects it has dropped from memory: to read a document that was uploaded
// slowly beside many others, it would read all of theirs. The index is optional:
// reader.search finds the
// chunks that it does not cover.
const (
	headerIndex = "Attache-Chunks"
	maxIndex    = 32 << 10 // of base64; the server takes 64 KiB of headers
)

// span is a chunk's position: its sequence in the stream and its bytes in the object.
type span struct {
	seq         uint64
	offset, end int64
}

func (s span) holds(pos int64) bool { return s.offset <= pos && pos < s.end }

// index lists the last chunks of an object, without a gap up to its end. A writer that
// continues another's content may not know the first ones.
type index []span

func (x index) partial() bool { return len(x) > 0 && x[0].offset > 0 }

func (x index) at(pos int64) (span, bool) {
	i := sort.Search(len(x), func(i int) bool { return pos < x[i].end })
	if i == len(x) || !x[i].holds(pos) {
		return span{}, false
	}
	return x[i], true
}

// encode writes the first offset, then for each chunk the distance of its sequence from the
// previous one's, doubled, and odd if a length follows because it differs. That is one or
// two bytes for most chunks. An index that is too long becomes "".
func (x index) encode() string {
	if len(x) == 0 {
		return ""
	}
	b := binary.AppendUvarint(nil, uint64(x[0].offset))
	var seq uint64
	var length int64
	for _, s := range x {
		step := (s.seq - seq) << 1
		seq = s.seq
		if s.end-s.offset == length {
			b = binary.AppendUvarint(b, step)
			continue
		}
		length = s.end - s.offset
		b = binary.AppendUvarint(b, step|1)
		b = binary.AppendUvarint(b, uint64(length))
	}
	if base64.RawStdEncoding.EncodedLen(len(b)) > maxIndex {
		return ""
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

// decodeIndex returns nil if the text is not an index of an object of that size.
func decodeIndex(text string, size int64) index {
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(text) > maxIndex {
		return nil
	}
	number := func() (n uint64, ok bool) {
		n, used := binary.Uvarint(b)
		b = b[max(used, 0):]
		return n, used > 0 && n < 1<<62
	}
	offset, ok := number()
	if !ok {
		return nil
	}
	var x index
	var length uint64
	s := span{offset: int64(offset), end: int64(offset)}
	for len(b) > 0 {
		step, ok := number()
		if ok && step&1 == 1 {
			length, ok = number()
		}
		seq := s.seq + step>>1
		if !ok || seq <= s.seq || length == 0 || int64(length) > size-s.end {
			return nil
		}
		s = span{seq: seq, offset: s.end, end: s.end + int64(length)}
		x = append(x, s)
	}
	if s.end != size {
		return nil
	}
	return x
}

// after prepends the chunks of old, an earlier writer's index, to x if the two meet.
func (x index) after(old index) index {
	if len(x) == 0 || len(old) == 0 {
		return x
	}
	last := old[len(old)-1]
	switch {
	case last == x[0]:
		return append(slices.Clip(old), x[1:]...)
	case last.end == x[0].offset && last.seq < x[0].seq:
		return append(slices.Clip(old), x...)
	}
	return x
}
