package objects

import (
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"fmt"
	"hash"
	"math"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Each chunk has its position and the hash's state after it, so that a writer can continue
// from the last chunk, and detect a missing one.
const (
	headerOffset = "Attache-Offset"
	headerNumber = "Attache-Chunk"
	headerLease  = "Attache-Lease"
	headerSHA256 = "Attache-Sha256" // the hash's state, in base64
)

// tail is the end of staged content.
type tail struct {
	size   int64
	chunks uint64
	state  []byte // of the hash; nil if empty
	index  index  // as far as it is known
}

// chunk is a chunk's data and headers.
type chunk struct {
	offset int64
	number uint64
	lease  uint64
	seq    uint64
	data   []byte
	header nats.Header
}

func (c *chunk) span() span { return span{c.seq, c.offset, c.offset + int64(len(c.data))} }

func parseChunk(m *jetstream.RawStreamMsg) (*chunk, error) {
	offset, err := strconv.ParseInt(m.Header.Get(headerOffset), 10, 64)
	if err != nil || offset < 0 || offset > math.MaxInt64-int64(len(m.Data)) {
		return nil, fmt.Errorf("chunk %d has no offset", m.Sequence)
	}
	number, err := strconv.ParseUint(m.Header.Get(headerNumber), 10, 63)
	if err != nil {
		return nil, fmt.Errorf("chunk %d has no number", m.Sequence)
	}
	lease, err := strconv.ParseUint(m.Header.Get(headerLease), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("chunk %d has no lease", m.Sequence)
	}
	return &chunk{offset: offset, number: number, lease: lease, seq: m.Sequence, data: m.Data, header: m.Header}, nil
}

func (c *chunk) tail() (tail, error) {
	state, err := base64.StdEncoding.DecodeString(c.header.Get(headerSHA256))
	if err != nil {
		return tail{}, fmt.Errorf("chunk %d has no hash: %w", c.seq, err)
	}
	return tail{size: c.span().end, chunks: c.number + 1, state: state, index: index{c.span()}}, nil
}

// hash returns the SHA-256 that continues after t.
func (t tail) hash() (hash.Hash, error) {
	h := sha256.New()
	if t.state == nil {
		return h, nil
	}
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(t.state); err != nil {
		return nil, fmt.Errorf("continue the hash: %w", err)
	}
	return h, nil
}

func (t tail) sum() (sum [32]byte, err error) {
	h, err := t.hash()
	if err == nil {
		h.Sum(sum[:0])
	}
	return sum, err
}
