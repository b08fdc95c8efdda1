package bridge

import (
	"encoding/json"
	"strconv"
)

// Keys returns the names of v's members on the wire, in order.
func Keys(v any) []string {
	var k keys
	v.(described).fields(&k)
	return k
}

// keys is a visitor that only collects names.
type keys []string

func (s *keys) add(k string)                                               { *s = append(*s, k) }
func (s *keys) text(k string, _ *string, _ int)                            { s.add(k) }
func (s *keys) optional(k string, _ *string, _ int)                        { s.add(k) }
func (s *keys) receiver(k string, _ *string)                               { s.add(k) }
func (s *keys) number(k string, _ *int64)                                  { s.add(k) }
func (s *keys) count(k string, _ *int64)                                   { s.add(k) }
func (s *keys) limit(k string, _ *int64)                                   { s.add(k) }
func (s *keys) position(k string, _ **int64, _ *int64)                     { s.add(k) }
func (s *keys) signed(k string, _ *int64)                                  { s.add(k) }
func (s *keys) objects(k string, _ []described, _ int, _ func() described) { s.add(k) }
func (s *keys) flag(k string, _ *bool)                                     { s.add(k) }
func (s *keys) texts(k string, _ *[]string, _, _ int)                      { s.add(k) }
func (s *keys) object(k string, _ described, _ *bool)                      { s.add(k) }
func (s *keys) data(k string, _ *Data)                                     { s.add(k) }
func (s *keys) choice(k string, _ *string, _ []string)                     { s.add(k) }
func (s *keys) choiceOr(k string, _ *string, _ []string)                   { s.add(k) }

// KindOfMessage returns m's "type".
func KindOfMessage(m Wire) string { return m.kind() }

// PageMessage and ProxyMessage return an empty message of that type; nil if that
// side does not send it.
var PageMessage, ProxyMessage = pageMessage, proxyMessage

// Parse returns the value as encoding/json does with UseNumber.
func Parse(in []byte) (any, error) {
	n, err := parse(in)
	if err != nil {
		return nil, err
	}
	return n.plain(), nil
}

func (n node) plain() any {
	switch n.kind {
	case '{':
		out := map[string]any{}
		for _, m := range n.members {
			out[m.key] = m.value.plain()
		}
		return out
	case '[':
		out := []any{}
		for _, item := range n.items {
			out = append(out, item.plain())
		}
		return out
	case '"':
		return n.str
	case '0':
		return json.Number(strconv.FormatInt(n.num, 10))
	case 'n':
		return nil
	}
	return n.kind == 't'
}

// AppendText writes a JSON string.
func AppendText(out []byte, s string) []byte { return appendText(out, s) }

// Extensions, CautionedExtensions and MimePrefixes are the tables of KindOf
// and SafeName.
var Extensions, CautionedExtensions = extensions, cautions

func MimePrefixes() (prefixes []string, kinds []Kind) {
	for _, m := range mimeKinds {
		prefixes, kinds = append(prefixes, m.prefix), append(kinds, m.kind)
	}
	return prefixes, kinds
}
