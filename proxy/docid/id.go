// Package docid makes document ids in the form of Genesys UCS, which has 16 characters at
// most: four digits count the days since the epoch, so that a store finds the day's
// documents without an index, and twelve random characters of 62 make the id unguessable.
package docid

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strconv"
	"time"

	"attache/bridge"
)

const (
	length  = 16
	dayLen  = 4
	letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Epoch is day 0.
var Epoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// New makes an id of that day, and of the epoch's if the clock is before it.
func New(now time.Time) string {
	return make16(now, func(random []byte) { rand.Read(random) })
}

// Of makes an id of that day which is always the same for the same digest.
func Of(day time.Time, digest [32]byte) string {
	return make16(day, func(random []byte) {
		copy(random, digest[:])
		digest = sha256.Sum256(digest[:])
	})
}

// make16 makes an id of bytes that look random.
func make16(day time.Time, fill func([]byte)) string {
	id := fmt.Appendf(make([]byte, 0, length), "%04d", max(0, Day(day)))
	for len(id) < length {
		var random [length]byte
		fill(random[:])
		for _, r := range random {
			// 248 is a multiple of 62: the rest would favour some letters.
			if r < 248 && len(id) < length {
				id = append(id, letters[r%62])
			}
		}
	}
	return string(id)
}

// Day is the number of days from the epoch to t, in UTC.
func Day(t time.Time) int { return int(t.UTC().Sub(Epoch) / (24 * time.Hour)) }

// Date writes a day as 2006-01-02.
func Date(day int) string { return Epoch.AddDate(0, 0, day).Format(time.DateOnly) }

// ParseDate reads what Date writes; ok is false for anything else.
func ParseDate(s string) (day int, ok bool) {
	t, err := time.Parse(time.DateOnly, s)
	return Day(t), err == nil && t.Format(time.DateOnly) == s
}

// DayOf returns the day in an id, or an error of code document-unknown if New cannot have
// made the id. An id without an error consists of digits and letters and is safe as a file
// name.
func DayOf(id string) (int, error) {
	if len(id) != length {
		return 0, bridge.NewError(bridge.CodeDocument, "")
	}
	for i := range len(id) {
		c := id[i]
		digit := '0' <= c && c <= '9'
		if !digit && (i < dayLen || c|0x20 < 'a' || c|0x20 > 'z') {
			return 0, bridge.NewError(bridge.CodeDocument, "")
		}
	}
	return strconv.Atoi(id[:dayLen])
}
