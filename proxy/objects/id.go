package objects

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"attache/bridge"
)

// A document id has 16 characters, UCS's limit: four digits count the days since the
// epoch, which names the bucket without an index, and twelve random characters of 62 make
// it unguessable.
const (
	idLength = 16
	idDay    = 4
	letters  = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

var epoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

func newID(now time.Time) string {
	id := fmt.Appendf(make([]byte, 0, idLength), "%04d", day(now))
	for len(id) < idLength {
		var random [idLength]byte
		rand.Read(random[:])
		for _, r := range random {
			// 248 is a multiple of 62: the rest would favour some letters.
			if r < 248 && len(id) < idLength {
				id = append(id, letters[r%62])
			}
		}
	}
	return string(id)
}

func day(t time.Time) int { return int(t.UTC().Sub(epoch) / (24 * time.Hour)) }

// dayOf returns the day in an id, or an error of code document-unknown if this store
// cannot have made the id.
func dayOf(id string) (int, error) {
	if len(id) != idLength {
		return 0, bridge.NewError(bridge.CodeDocument, "")
	}
	for i := range len(id) {
		c := id[i]
		digit := '0' <= c && c <= '9'
		if !digit && (i < idDay || c|0x20 < 'a' || c|0x20 > 'z') {
			return 0, bridge.NewError(bridge.CodeDocument, "")
		}
	}
	return strconv.Atoi(id[:idDay])
}
