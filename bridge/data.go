package bridge

import (
	"strconv"
	"strings"
)

// Data is a key-value collection as Chat Server carries it in userData: an
// ordered list of items, each a string or an integer (PSDK types utf/string and
// int). The vendor's other types cross as text.
type Data []Item

// Item is one entry of Data.
type Item struct {
	Key   string
	Text  string // the value; of an integer, its digits
	IsInt bool
}

// Bounds of a collection. They keep a notice far below Chat Server's 32,768 bytes
// for an incoming packet, of which about 0.45 is usable text.
const (
	MaxItems     = 49
	MaxKeyLength = 128  // bytes
	MaxValue     = 2048 // bytes
	MaxData      = 8192 // bytes, keys and values together
)

func Text(key, value string) Item { return Item{Key: key, Text: value} }

func Int(key string, value int64) Item {
	return Item{Key: key, Text: strconv.FormatInt(value, 10), IsInt: true}
}

// Get returns the value of key as text; "" when it is absent.
func (d Data) Get(key string) string {
	v, _ := d.Lookup(key)
	return v
}

// Lookup returns the value of key as text, and whether key is present.
func (d Data) Lookup(key string) (string, bool) {
	if i := d.index(key); i >= 0 {
		return d[i].Text, true
	}
	return "", false
}

func (d Data) index(key string) int {
	for i := range d {
		if d[i].Key == key {
			return i
		}
	}
	return -1
}

// Set replaces the item of that key, or appends it.
func (d Data) Set(item Item) Data {
	if i := d.index(item.Key); i >= 0 {
		d[i] = item
		return d
	}
	return append(d, item)
}

// Check reports whether the collection is within its bounds: codes
// custom-key-refused and message-too-large.
func (d Data) Check() error {
	total := 0
	for _, item := range d {
		total += len(item.Key) + len(item.Text)
		if item.Key == "" || len(item.Key) > MaxKeyLength || !printable(item.Key) {
			return NewError(CodeCustomKey, "a key is empty, longer than "+strconv.Itoa(MaxKeyLength)+" bytes, or holds control characters")
		}
		if len(item.Text) > MaxValue {
			return NewError(CodeMessageSize, "the value of "+item.Key+" is longer than "+strconv.Itoa(MaxValue)+" bytes")
		}
	}
	if len(d) > MaxItems {
		return NewError(CodeMessageSize, "there are more than "+strconv.Itoa(MaxItems)+" keys")
	}
	if total > MaxData {
		return NewError(CodeMessageSize, "keys and values are longer than "+strconv.Itoa(MaxData)+" bytes together")
	}
	return nil
}

func printable(s string) bool {
	for _, r := range s {
		if r < 0x20 || r == 0x7F {
			return false
		}
	}
	return xmlClean(s)
}

func (d Data) append(out []byte) []byte {
	out = append(out, '{')
	for i, item := range d {
		if d.index(item.Key) != i {
			continue // another sender's list may repeat a key, an object may not
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendText(out, item.Key), ':')
		if item.isNumber() {
			out = append(out, item.Text...)
			continue
		}
		out = appendText(out, item.Text)
	}
	return append(out, '}')
}

// isNumber reports whether the item can be a number on the wire. An integer
// below 0 or above 2^53-1 crosses as text.
func (i Item) isNumber() bool {
	v, err := strconv.ParseInt(i.Text, 10, 64)
	return i.IsInt && err == nil && v >= 0 && v <= MaxInteger && i.Text == strconv.FormatInt(v, 10)
}

func (d *Data) take(n node) error {
	for _, m := range n.members {
		switch m.value.kind {
		case '"':
			*d = append(*d, Text(m.key, m.value.str))
		case '0':
			*d = append(*d, Int(m.key, m.value.num))
		default:
			return invalid(strconv.Quote(m.key) + " is neither a string nor a number")
		}
	}
	return d.Check()
}

// MarshalJSON writes the collection as an object, in order.
func (d Data) MarshalJSON() ([]byte, error) { return d.append(nil), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Data) UnmarshalJSON(in []byte) error {
	n, err := parse(in)
	if err != nil {
		return err
	}
	*d = nil
	switch n.kind {
	case 'n':
		return nil
	case '{':
		return d.take(n)
	}
	return invalid("an object was expected")
}

// Bounds of an upload's custom keys. With the keys that every file has they stay
// within the bounds of a collection.
const (
	MaxCustomItems = MaxItems - 9
	MaxCustom      = MaxData / 2 // bytes, keys and values together
)

// CheckCustom checks an upload's custom keys: code custom-key-refused for a key that
// is the vendor's or ours and for text that Chat Server's XML cannot carry,
// message-too-large for too many.
func CheckCustom(d Data) error {
	if err := d.Check(); err != nil {
		return err
	}
	total := 0
	for _, item := range d {
		if strings.HasPrefix(item.Key, reservedPrefix) || item.Key == KeyFileKey || item.Key == KeyFileAsSent {
			return NewError(CodeCustomKey, "the key "+item.Key+" is reserved")
		}
		if !xmlClean(item.Text) {
			return NewError(CodeCustomKey, "the value of "+item.Key+" holds characters that XML cannot carry")
		}
		total += len(item.Key) + len(item.Text)
	}
	if len(d) > MaxCustomItems {
		return NewError(CodeMessageSize, "there are more than "+strconv.Itoa(MaxCustomItems)+" custom keys")
	}
	if total > MaxCustom {
		return NewError(CodeMessageSize, "custom keys and values are longer than "+strconv.Itoa(MaxCustom)+" bytes together")
	}
	return nil
}
