package bridge

import (
	"strconv"
	"strings"
)

// Data is a key-value collection as Chat Server carries it in userData and in
// eventAttributes: an ordered list of items, each a string, an integer, bytes or a
// list of its own (PSDK types utf/string, int, binary and kvlist). The vendor's other
// types cross as text.
type Data []Item

// Item is one entry of Data.
type Item struct {
	Key  string
	Type ItemType
	Text string // the value; of an integer, its digits; of bytes, base64; of a list, empty
	List Data   // of a list
}

// ItemType is the type of a value, by its token in Chat Server's XML.
type ItemType string

// A string is the zero value, because older servers write no type for it.
const (
	TypeString ItemType = ""
	TypeInt    ItemType = "int"
	TypeBinary ItemType = "binary"
	TypeList   ItemType = "kvlist"
)

// Bounds of a collection. They keep a notice far below Chat Server's 32,768 bytes
// for an incoming packet, of which about 0.45 is usable text.
const (
	MaxItems     = 49   // nested ones included
	MaxDataDepth = 4    // lists in lists; GCTI_SYSTEM.party-info.style needs 3
	MaxKeyLength = 128  // bytes
	MaxValue     = 2048 // bytes
	MaxData      = 8192 // bytes, keys and values together
)

func Text(key, value string) Item { return Item{Key: key, Text: value} }

func Int(key string, value int64) Item {
	return Item{Key: key, Type: TypeInt, Text: strconv.FormatInt(value, 10)}
}

func Binary(key string, value []byte) Item {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var text []byte
	for ; len(value) > 0; value = value[min(3, len(value)):] {
		var three [3]byte
		n := copy(three[:], value)
		group := []byte{
			digits[three[0]>>2], digits[three[0]&3<<4|three[1]>>4], digits[three[1]&15<<2|three[2]>>6], digits[three[2]&63],
		}
		text = append(append(text, group[:n+1]...), "=="[n-1:]...)
	}
	return Item{Key: key, Type: TypeBinary, Text: string(text)}
}

func List(key string, list Data) Item { return Item{Key: key, Type: TypeList, List: list} }

// In returns the list of that key; nil if it is absent or not a list.
func (d Data) In(key string) Data {
	if i := d.index(key); i >= 0 {
		return d[i].List
	}
	return nil
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

// Without returns the collection without those keys.
func (d Data) Without(keys ...string) (out Data) {
	for _, item := range d {
		if !oneOf(item.Key, keys) {
			out = append(out, item)
		}
	}
	return out
}

// Set replaces the item of that key, or appends it.
func (d Data) Set(item Item) Data {
	if i := d.index(item.Key); i >= 0 {
		d[i] = item
		return d
	}
	return append(d, item)
}

// without returns the collection without those keys: itself, if it has none of them.
func (d Data) without(keys ...string) Data {
	var out Data
	for i, item := range d {
		switch hidden := oneOf(item.Key, keys); {
		case hidden && out == nil:
			out = append(make(Data, 0, len(d)-1), d[:i]...)
		case !hidden && out != nil:
			out = append(out, item)
		}
	}
	if out == nil {
		return d
	}
	return out
}

// Check reports whether the collection is within its bounds: codes
// custom-key-refused and message-too-large.
func (d Data) Check() error {
	items, total, err := d.measure(1)
	switch {
	case err != nil:
		return err
	case items > MaxItems:
		return NewError(CodeMessageSize, "there are more than "+strconv.Itoa(MaxItems)+" keys")
	case total > MaxData:
		return NewError(CodeMessageSize, "keys and values are longer than "+strconv.Itoa(MaxData)+" bytes together")
	}
	return nil
}

// Size is how many bytes the keys and values of the collection have together.
func (d Data) Size() (total int) {
	for _, item := range d {
		total += len(item.Key) + len(item.Text) + item.List.Size()
	}
	return total
}

// measure counts the items and the bytes of a collection at that depth and of all lists
// in it, and checks each key and value.
func (d Data) measure(depth int) (items, total int, err error) {
	if depth > MaxDataDepth {
		return 0, 0, NewError(CodeMessageSize, "lists are nested deeper than "+strconv.Itoa(MaxDataDepth))
	}
	for _, item := range d {
		items++
		total += len(item.Key) + len(item.Text)
		if item.Key == "" || len(item.Key) > MaxKeyLength || !printable(item.Key) || item.Key == binaryMember {
			return 0, 0, NewError(CodeCustomKey, "a key is empty, "+binaryMember+", longer than "+strconv.Itoa(MaxKeyLength)+" bytes, or holds control characters")
		}
		if len(item.Text) > MaxValue {
			return 0, 0, NewError(CodeMessageSize, "the value of "+item.Key+" is longer than "+strconv.Itoa(MaxValue)+" bytes")
		}
		inner, size, err := item.List.measure(depth + 1)
		if item.Type == TypeList && err != nil {
			return 0, 0, err
		}
		items, total = items+inner, total+size
	}
	return items, total, nil
}

// XMLText returns a copy in which [XMLText] has replaced what XML cannot carry in keys
// and values.
func (d Data) XMLText() Data {
	if len(d) == 0 {
		return nil
	}
	out := make(Data, len(d))
	for i, item := range d {
		out[i] = Item{Key: XMLText(item.Key), Type: item.Type, Text: XMLText(item.Text), List: item.List.XMLText()}
	}
	return out
}

func printable(s string) bool {
	for _, r := range s {
		if r < 0x20 || r == 0x7F {
			return false
		}
	}
	return xmlClean(s)
}

// undirected reports whether s is text on one line that changes the direction of nothing after it,
// as a nickname and an address must be.
func undirected(s string) bool {
	for _, r := range s {
		switch {
		case r >= 0x80 && r < 0xA0, r == 0x2028, r == 0x2029, r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
			return false
		}
	}
	return printable(s)
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
		out = item.append(append(appendText(out, item.Key), ':'))
	}
	return append(out, '}')
}

// binaryMember is the only member of an object that holds bytes, in base64. It cannot be
// a key, so a list never looks like bytes.
const binaryMember = "$binary"

func (i Item) append(out []byte) []byte {
	switch {
	case i.Type == TypeList:
		return i.List.append(out)
	case i.Type == TypeBinary && i.isBinary():
		out = append(appendText(append(out, '{'), binaryMember), ':')
		return append(appendText(out, i.Text), '}')
	case i.isNumber():
		return append(out, i.Text...)
	}
	return appendText(out, i.Text)
}

// isBinary reports whether the value is base64 with padding. Here and in [Binary] that is
// done by hand, because encoding/base64 would make the module larger.
func (i Item) isBinary() bool {
	digits := strings.TrimRight(i.Text, "=")
	if len(i.Text)%4 != 0 || len(i.Text)-len(digits) > 2 {
		return false
	}
	for _, c := range []byte(digits) {
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '+', c == '/':
		default:
			return false
		}
	}
	return true
}

// isNumber reports whether the item can be a number on the wire. An integer
// below 0 or above 2^53-1 crosses as text.
func (i Item) isNumber() bool {
	v, err := strconv.ParseInt(i.Text, 10, 64)
	return i.Type == TypeInt && err == nil && v >= 0 && v <= MaxInteger && i.Text == strconv.FormatInt(v, 10)
}

func (d *Data) take(n node) error {
	if err := d.takeAll(n); err != nil {
		return err
	}
	return d.Check()
}

func (d *Data) takeAll(n node) error {
	for _, m := range n.members {
		switch m.value.kind {
		case '"':
			*d = append(*d, Text(m.key, m.value.str))
		case '0':
			*d = append(*d, Int(m.key, m.value.num))
		case '{':
			item, err := takeObject(m.key, m.value)
			if err != nil {
				return err
			}
			*d = append(*d, item)
		default:
			return invalid(strconv.Quote(m.key) + " is not a string, a number or an object")
		}
	}
	return nil
}

// takeObject reads bytes or a list.
func takeObject(key string, n node) (Item, error) {
	if len(n.members) == 1 && n.members[0].key == binaryMember && n.members[0].value.kind == '"' {
		item := Item{Key: key, Type: TypeBinary, Text: n.members[0].value.str}
		if !item.isBinary() {
			return item, invalid(strconv.Quote(key) + " is not base64")
		}
		return item, nil
	}
	item := Item{Key: key, Type: TypeList}
	return item, item.List.takeAll(n)
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

// CheckFree checks data of the application's, at any depth: code custom-key-refused for a
// key that is the vendor's or ours, and for text that Chat Server's XML cannot carry.
func CheckFree(d Data) error {
	for _, item := range d {
		if reserved(item.Key) {
			return NewError(CodeCustomKey, "the key "+item.Key+" is reserved")
		}
		if !xmlClean(item.Text) {
			return NewError(CodeCustomKey, "the value of "+item.Key+" holds characters that XML cannot carry")
		}
		if err := CheckFree(item.List); err != nil {
			return err
		}
	}
	return nil
}

// reserved reports whether a key says something about a file.
func reserved(key string) bool {
	return strings.HasPrefix(key, reservedPrefix) || key == KeyFileKey || key == KeyFileAsSent
}

// CheckCustom checks an upload's custom keys: code custom-key-refused for a key that
// is the vendor's or ours and for text that Chat Server's XML cannot carry,
// message-too-large for too many.
func CheckCustom(d Data) error {
	if err := d.Check(); err != nil {
		return err
	}
	if err := CheckFree(d); err != nil {
		return err
	}
	total := 0
	for _, item := range d {
		if item.Type == TypeList || item.Type == TypeBinary {
			return NewError(CodeCustomKey, "the value of "+item.Key+" is neither a string nor a number")
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
