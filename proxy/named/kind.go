package named

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"attache/bridge"
)

// Bool is an option whose default is false.
func Bool[O any](field func(*O) *bool, n Option[O]) Option[O] {
	n.Default, n.Values = "false", "true or false"
	n.preset = func(*O) {}
	n.set = func(o *O, value string) error {
		switch value {
		case "true", "false":
			*field(o) = value == "true"
			return nil
		}
		return errors.New("it takes true or false")
	}
	return n
}

// Number is an integer of a range. A field of 0 means the default, so 0 may be in the
// range only if it is the default.
func Number[O any, T ~int | ~int64](field func(*O) *T, least, most int64, n Option[O]) Option[O] {
	n.Values = fmt.Sprintf("%d to %d", least, most)
	return scaled(field, least, most, 1, n)
}

// Seconds is a time in whole seconds, as all of the vendor's are. The same is true of 0.
func Seconds[O any](field func(*O) *time.Duration, least, most int64, n Option[O]) Option[O] {
	n.Values = fmt.Sprintf("%d to %d seconds", least, most)
	return scaled(field, least, most, time.Second, n)
}

func scaled[O any, T ~int | ~int64](field func(*O) *T, least, most int64, unit T, n Option[O]) Option[O] {
	n.set = func(o *O, value string) error {
		v, err := strconv.ParseInt(value, 10, 64)
		if err != nil || v < least || v > most {
			return errors.New("it takes " + n.Values)
		}
		*field(o) = T(v) * unit
		return nil
	}
	n.preset = func(o *O) {
		if *field(o) == 0 {
			n.set(o, n.Default)
		}
	}
	return n
}

// Choice is one of a list of words, the first of which is the default.
func Choice[O any, T ~string](field func(*O) *T, n Option[O], words ...T) Option[O] {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	n.Default, n.Values = list[0], strings.Join(list, ", ")
	n.preset = func(o *O) { *field(o) = cmp.Or(*field(o), words[0]) }
	n.set = func(o *O, value string) error {
		if !slices.Contains(list, value) {
			return errors.New("it takes one of " + n.Values)
		}
		*field(o) = T(value)
		return nil
	}
	return n
}

// Text is any text that XML can carry.
func Text[O any](field func(*O) *string, most int, n Option[O]) Option[O] {
	n.Values = fmt.Sprintf("text of 1 to %d bytes", most)
	n.preset = func(o *O) { *field(o) = cmp.Or(*field(o), n.Default) }
	n.set = func(o *O, value string) error {
		if value == "" || len(value) > most || bridge.XMLText(value) != value {
			return fmt.Errorf("it takes a %s that XML can carry", n.Values)
		}
		*field(o) = value
		return nil
	}
	return n
}
