package bridge_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"attache/bridge"

	"github.com/stretchr/testify/require"
)

// hostileInputs is how many inputs of a kind the oracles check: some thousands in
// the tests, 100,000 if ATTACHE_HOSTILE says so.
func hostileInputs(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("ATTACHE_HOSTILE"))
	if err != nil {
		return 4000
	}
	return n
}

// The oracle of messages shares nothing with the package that it checks: it reads
// with encoding/json and has its own copy of the members in docs/protocol.md.
type memberRule struct {
	kind     byte // s: text, n: number, o: object of texts and numbers
	required bool
	max      int      // bytes of a text
	allowed  []string // values of a text
}

var (
	anyone   = []string{"ALL", "INT", "VIP"}
	pageRule = map[string]map[string]memberRule{
		"hello":  {"token": {'s', true, 4096, nil}, "position": {'n', false, 0, nil}, "clientVersion": {'n', false, 0, nil}, "agent": {'s', false, 64, nil}, "ping": {'n', false, 0, nil}, "secureKey": {'s', false, 256, nil}},
		"say":    {"ref": {'n', true, 0, nil}, "key": {'s', true, 32, nil}, "text": {'s', true, 14 << 10, nil}, "visibility": {'s', false, 64, anyone}, "receiver": {'r', false, 64, nil}, "messageType": {'s', false, 64, nil}, "treatAs": {'s', false, 64, []string{"NORMAL", "SYSTEM"}}},
		"notify": {"ref": {'n', true, 0, nil}, "key": {'s', false, 32, nil}, "notice": {'s', true, 64, nil}, "text": {'s', false, 14 << 10, nil}, "data": {'o', false, 0, nil}, "visibility": {'s', false, 64, anyone}, "receiver": {'r', false, 64, nil}},
		"find":   {"ref": {'n', true, 0, nil}, "words": {'s', false, 256, nil}, "after": {'s', false, 2048, nil}},
		"cancel": {"key": {'s', true, 32, nil}},
		"ask":    {"ref": {'n', true, 0, nil}, "file": {'s', true, 64, nil}, "attempt": {'s', true, 32, nil}},
		"leave":  {"ref": {'n', true, 0, nil}, "after": {'s', false, 64, []string{"keep-alive", "close-if-no-agents", "force-close"}}},
		"ping":   {"ref": {'n', true, 0, nil}},
		"offer": {
			"key": {'s', true, 32, nil}, "name": {'s', true, 32 << 10, nil}, "size": {'n', true, 0, nil}, "mime": {'s', false, 256, nil},
			"uploadType": {'s', false, 64, []string{"file-system", "standard-response"}}, "description": {'s', false, 2048, nil},
			"digest": {'s', false, 64, nil}, "visibility": {'s', false, 64, anyone}, "custom": {'o', false, 0, nil},
			"after": {'s', false, 32, nil}, "acked": {'n', false, 0, nil},
		},
	}
)

var (
	wholeNumber = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)
	// Every escape, so that an escaped backslash does not begin another; halves of a pair apart.
	surrogate = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\.`)
)

// understood is the oracle's verdict on a page's message.
func understood(in []byte) bool {
	if len(in) > 32<<10 || !utf8.Valid(in) || !json.Valid(in) {
		return false
	}
	for _, escape := range surrogate.FindAllString(string(in), -1) {
		if strings.HasPrefix(escape, `\u`) && len(escape) == 6 && (escape[2] == 'd' || escape[2] == 'D') && strings.ContainsRune("89abcdefABCDEF", rune(escape[3])) {
			return false // half a pair
		}
	}
	members, order, ok := flat(in, 1)
	if !ok || len(order) == 0 || order[0] != "type" {
		return false
	}
	kind, isText := members["type"].(string)
	rules, known := pageRule[kind]
	if !isText || !known {
		return false
	}
	for key, value := range members {
		if key != "type" && !rules[key].fits(value) {
			return false
		}
	}
	for key, rule := range rules {
		if value, there := members[key]; rule.required && (!there || value == "") {
			return false
		}
	}
	if acked, there := members["acked"].(json.Number); there {
		at, _ := acked.Int64()
		size, _ := members["size"].(json.Number).Int64()
		return at <= size
	}
	return true
}

// fits checks a member's value; the zero rule is for an unknown member.
func (r memberRule) fits(value any) bool {
	switch v := value.(type) {
	case string:
		if r.kind == 'r' {
			return v != "" && len(v) <= r.max
		}
		if r.kind != 's' || len(v) > r.max {
			return false
		}
		return v == "" || r.allowed == nil || strings.Contains("|"+strings.Join(r.allowed, "|")+"|", "|"+v+"|") && !strings.Contains(v, "|")
	case json.Number:
		return r.kind == 'n'
	case map[string]any:
		return r.kind == 'o' && dataFits(v)
	}
	return false
}

func dataFits(items map[string]any) bool {
	count, total, ok := measured(items, 1)
	return ok && count <= 49 && total <= 8192
}

// measured counts the items and bytes of a collection and of the lists in it.
func measured(items map[string]any, depth int) (count, total int, ok bool) {
	for key, value := range items {
		text, inner, size := fmt.Sprint(value), 0, 0
		if list, isList := value.(map[string]any); isList {
			text = ""
			if raw, isBytes := list["$binary"].(string); isBytes && len(list) == 1 {
				if _, err := base64.StdEncoding.DecodeString(raw); err != nil || strings.ContainsAny(raw, "\r\n") {
					return 0, 0, false
				}
				text = raw
			} else if inner, size, ok = measured(list, depth+1); !ok {
				return 0, 0, false
			}
		}
		switch value.(type) {
		case string, json.Number, map[string]any:
		default:
			return 0, 0, false
		}
		count, total = count+1+inner, total+len(key)+len(text)+size
		if key == "" || key == "$binary" || len(key) > 128 || len(text) > 2048 || strings.IndexFunc(key, func(r rune) bool {
			return r < ' ' || r == 0x7f || r == 0xfffe || r == 0xffff
		}) >= 0 {
			return 0, 0, false
		}
	}
	return count, total, depth <= 4
}

// flat reads an object whose keys are unique at each depth, whose numbers are integers
// below 2^53, and which nests at most 7 deep.
func flat(in []byte, depth int) (members map[string]any, order []string, ok bool) {
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') || depth > 7 {
		return nil, nil, false
	}
	members = map[string]any{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, nil, false
		}
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return nil, nil, false
		}
		name := key.(string)
		if _, twice := members[name]; twice {
			return nil, nil, false
		}
		value, ok := plainValue(raw, depth)
		if !ok {
			return nil, nil, false
		}
		members[name], order = value, append(order, name)
	}
	return members, order, true
}

func plainValue(raw json.RawMessage, depth int) (any, bool) {
	switch raw[0] {
	case '{':
		inner, _, ok := flat(raw, depth+1)
		return inner, ok
	case '[':
		var items []json.RawMessage
		if depth >= 7 || json.Unmarshal(raw, &items) != nil {
			return nil, false
		}
		for _, item := range items {
			if _, ok := plainValue(item, depth+1); !ok {
				return nil, false
			}
		}
		return items, true
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case 't', 'f', 'n':
		return raw[0] == 't', true
	}
	n, err := strconv.ParseUint(string(raw), 10, 64)
	return json.Number(raw), err == nil && wholeNumber.Match(raw) && n <= 1<<53-1
}

func TestT9OracleOfMessages(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	accepted := 0
	for range hostileInputs(t) {
		in := hostileMessage(r)
		_, err := bridge.FromPage(in)
		require.Equal(t, understood(in), err == nil, "%q: %v", in, err)
		if err == nil {
			accepted++
		}
	}
	require.Positive(t, accepted, "the generator makes valid messages too")
}

// hostileMessage is a page's message with up to three members, or a few bytes, changed.
func hostileMessage(r *rand.Rand) []byte {
	kinds := []string{"hello", "say", "cancel", "ask", "leave", "ping", "offer", "notify", "find", "welcome", "", "Hello", "event"}
	kind := kinds[r.IntN(len(kinds))]
	keys := []string{}
	values := map[string]string{}
	for _, rule := range sortedRules(pageRule[kind]) {
		if rule.required || r.IntN(2) == 0 {
			keys = append(keys, rule.name)
			values[rule.name] = goodValue(r, rule.memberRule)
		}
	}
	for range r.IntN(3) {
		name := hostileKeys[r.IntN(len(hostileKeys))]
		if len(keys) > 0 && r.IntN(3) > 0 {
			name = keys[r.IntN(len(keys))]
		}
		switch r.IntN(4) {
		case 0: // once more
			keys = append(keys, name)
		case 1: // not at all
			keys = slices.DeleteFunc(keys, func(key string) bool { return key == name })
		default:
			if _, there := values[name]; !there {
				keys = append(keys, name)
			}
			values[name] = hostileValues[r.IntN(len(hostileValues))]
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"type":%q`, kind)
	for _, key := range keys {
		value := values[key]
		if value == "" {
			value = `"x"`
		}
		fmt.Fprintf(&b, "%s%q%s:%s", []string{",", ", ", ",\n\t"}[r.IntN(3)], key, []string{"", " "}[r.IntN(2)], value)
	}
	b.WriteString("}")
	out := []byte(b.String())
	for range r.IntN(3) * r.IntN(2) {
		i := r.IntN(len(out))
		switch r.IntN(3) {
		case 0:
			out[i] = byte(r.IntN(256))
		case 1:
			out = append(out[:i:i], out[i+1:]...)
		case 2:
			out = append(out[:i:i], append([]byte{"{}[]\",:\\ue0"[r.IntN(11)]}, out[i:]...)...)
		}
		if len(out) == 0 {
			return out
		}
	}
	return out
}

type namedRule struct {
	name string
	memberRule
}

func sortedRules(rules map[string]memberRule) (out []namedRule) {
	for _, name := range []string{"ref", "key", "token", "position", "clientVersion", "agent", "ping", "text", "visibility", "file", "attempt", "after", "name", "size", "mime", "uploadType", "description", "digest", "custom", "acked"} {
		if rule, ok := rules[name]; ok {
			out = append(out, namedRule{name, rule})
		}
	}
	return out
}

func goodValue(r *rand.Rand, rule memberRule) string {
	switch {
	case rule.kind == 'r':
		return `"bo"`
	case rule.kind == 'n':
		return []string{"1", "0", "42", "9007199254740991"}[r.IntN(4)]
	case rule.kind == 'o':
		return []string{`{}`, `{"a":"b"}`, `{"a":1,"é":""}`}[r.IntN(3)]
	case rule.allowed != nil:
		return strconv.Quote(rule.allowed[r.IntN(len(rule.allowed))])
	}
	return []string{`"x"`, `"\u00e9\ud83d\ude00"`, `"` + strings.Repeat("y", rule.max) + `"`, `"a\\\"\/b"`}[r.IntN(4)]
}

var hostileKeys = []string{"type", "Type", "ref", "key", "text", "admin", "__proto__", "custom", "size", "\u00e9", "visibility", "a b"}

var hostileValues = []string{
	`null`, `true`, `-1`, `-0`, `01`, `1.0`, `1e3`, `9007199254740992`, `18446744073709551616`, `""`, `"ALL"`, `"all"`, `[]`, `["a"]`, `{}`, `{"a":{}}`, `{"a":"b","a":"b"}`, `{"":"x"}`,
	`[[[[[]]]]]`, `[[[[]]]]`, `{"a":[[[1]]]}`, `"\ud83d"`, `"\ude00\ud83d"`, `"\\ud83d"`, `"\u0000"`, `"\x"`, "\"\t\"", "\"\x00\"", "\"\xff\"", `"` + strings.Repeat("z", 40<<10) + `"`, `"` + strings.Repeat("é", 600) + `"`,
	`{"\u0001":"x"}`, `{"` + strings.Repeat("k", 129) + `":"x"}`, `{"a":"` + strings.Repeat("v", 2049) + `"}`, `{"a":1.5}`, `{"a":-1}`, `'x'`, `x`, `"x`, ``, `NaN`, `+1`, `0x1`, "\u00a01",
}

func TestT7OracleOfFrames(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	good := 0
	for range hostileInputs(t) {
		in := make([]byte, r.IntN(80))
		for i := range in {
			in[i] = byte(r.IntN(256))
		}
		if len(in) >= 32 && r.IntN(4) > 0 {
			copy(in, []byte{1, 0, 0, 0})
			copy(in[8:], make([]byte, 3))
			if r.IntN(3) == 0 {
				copy(in[8:], make([]byte, 8))
				in[3] = byte(r.IntN(60))
			}
			sum := crc32.Checksum(in[32:], crc32.MakeTable(crc32.Castagnoli))
			binary.BigEndian.PutUint32(in[4:], sum)
			if r.IntN(4) == 0 {
				binary.BigEndian.PutUint32(in[4:], uint32(len(in)-32))
				in[1] = 1
			}
			for range r.IntN(2) {
				in[r.IntN(len(in))] ^= 1 << r.IntN(8)
			}
		}
		f, payload, err := bridge.ParseFrame(in)
		offset := uint64(0)
		if len(in) >= 16 {
			offset = binary.BigEndian.Uint64(in[8:])
		}
		whole := len(in) > 32 && in[0] == 1 && offset <= 1<<53-1
		if whole {
			offer := int(binary.BigEndian.Uint16(in[2:]))
			whole = in[1] <= 1 && (offer == 0 || offset == 0 && 32+offer < len(in))
		}
		require.Equal(t, whole, err == nil, "%x: %v", in, err)
		if err != nil {
			continue
		}
		require.Equal(t, in[32:], payload)
		require.EqualValues(t, offset, f.Offset)
		right := in[1] == 1 && binary.BigEndian.Uint32(in[4:]) == uint32(len(in)-32) || in[1] == 0 && binary.BigEndian.Uint32(in[4:]) == crc32.Checksum(in[32:], crc32.MakeTable(crc32.Castagnoli))
		require.Equal(t, right, f.Verify(payload) == nil, "%x", in)
		if right {
			good++
		}
	}
	require.Positive(t, good)
}

// namePieces are the pieces of hostile and ordinary names.
var namePieces = []string{
	"report", "Übersicht", "報告書", "חשבונית", "تقرير", "हिन्दी", "👩‍👩‍👧", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "a\u0301", "CON", "nul", "com1", "LPT¹", "-", "_", " ", "  ", ".", "..", "...", "/", `\`, ":", "::$DATA", "*", "?", `"`, "<", ">", "|", "%2e%2e", "~",
	"\x00", "\x1b[2J", "\r\n", "\t", "\x7f", "\u0085", "\u2028", "\u202e", "\u202d", "\u2066", "\u2069", "\u200e", "\u200f", "\u061c", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u180e", "\ufe0f", "\u3164", "\u115f", "\ufffd", "\ufffe",
	"\u2024", "\uff0e", "\u2215", "\uff0f", "\u29f8", "\u0430", "\u212a", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\U000e0041", "\U0010ffff", "e\u0315\u0300\u05ae",
	".pdf", ".exe", ".PDF", ".tar.gz", ".scr", ".\u202ecod", ".p\u200bdf", ".html", ".lnk ", ".js.", ".ex\u0435", ".docx", ".d\u2024exe", strings.Repeat("x", 300), strings.Repeat("字", 90), strings.Repeat(" ", 80),
}

// TestT23OracleOfNames checks the results of SafeName by Unicode's own tables.
func TestT23OracleOfNames(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 1))
	types := []string{"", "application/pdf", "application/x-msdownload", "image/png", "text/html"}
	for range hostileInputs(t) {
		var name strings.Builder
		for range 1 + r.IntN(6) {
			name.WriteString(namePieces[r.IntN(len(namePieces))])
		}
		requireSafe(t, name.String(), types[r.IntN(len(types))])
	}
}
