package bridge_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
)

// malformed are messages that break the protocol below the level of members.
var malformed = map[string]string{
	"nothing":                    ``,
	"blanks":                     " \t\r\n",
	"null":                       `null`,
	"a number":                   `1`,
	"a string":                   `"hello"`,
	"true":                       `true`,
	"a list":                     `[{"type":"ping","ref":1}]`,
	"an empty object":            `{}`,
	"an open object":             `{`,
	"an open key":                `{"type`,
	"no colon":                   `{"type"`,
	"no value":                   `{"type":`,
	"an open value":              `{"type":"ping`,
	"no end":                     `{"type":"ping","ref":1`,
	"no second key":              `{"type":"ping",`,
	"a comma at the end":         `{"type":"ping","ref":1,}`,
	"a comma at the start":       `{,"type":"ping","ref":1}`,
	"two commas":                 `{"type":"ping",,"ref":1}`,
	"no comma":                   `{"type":"ping" "ref":1}`,
	"two colons":                 `{"type"::"ping","ref":1}`,
	"equals for a colon":         `{"type"="ping","ref":1}`,
	"a semicolon":                `{"type":"ping";"ref":1}`,
	"single quotes":              `{'type':'ping','ref':1}`,
	"no quotes":                  `{type:"ping",ref:1}`,
	"a comment":                  `{"type":"ping",/* */"ref":1}`,
	"a line comment":             "{\"type\":\"ping\",// x\n\"ref\":1}",
	"two objects":                `{"type":"ping","ref":1}{"type":"ping","ref":2}`,
	"a second closing brace":     `{"type":"ping","ref":1}}`,
	"the wrong closing bracket":  `{"type":"ping","ref":1]`,
	"text after it":              `{"type":"ping","ref":1} x`,
	"NUL after it":               "{\"type\":\"ping\",\"ref\":1}\x00",
	"a comma after it":           `{"type":"ping","ref":1},`,
	"a byte order mark":          "\ufeff{\"type\":\"ping\",\"ref\":1}",
	"a form feed between":        "{\"type\":\"ping\",\f\"ref\":1}",
	"a no-break space between":   "{\"type\":\"ping\",\u00a0\"ref\":1}",
	"a key that is a number":     `{1:"ping"}`,
	"type is second":             `{"ref":1,"type":"ping"}`,
	"no type":                    `{"ref":1}`,
	"type is a number":           `{"type":1,"ref":1}`,
	"type is null":               `{"type":null,"ref":1}`,
	"type is empty":              `{"type":"","ref":1}`,
	"type in capitals":           `{"Type":"ping","ref":1}`,
	"an unknown type":            `{"type":"pong","ref":1}`,
	"a type in capitals":         `{"type":"PING","ref":1}`,
	"a type with a blank":        `{"type":"ping ","ref":1}`,
	"a type with NUL":            `{"type":"ping\u0000","ref":1}`,
	"a type that is a prototype": `{"type":"__proto__","ref":1}`,
	"type twice":                 `{"type":"ping","type":"ping","ref":1}`,
	"ref twice":                  `{"type":"ping","ref":1,"ref":1}`,
	"ref twice, once escaped":    `{"type":"ping","ref":1,"r\u0065f":2}`,
	"a key in capitals":          `{"type":"ping","Ref":1}`,
	"two spellings of a key":     `{"type":"ping","ref":1,"REF":2}`,
	"an unknown key":             `{"type":"ping","ref":1,"x":1}`,
	"an empty unknown key":       `{"type":"ping","ref":1,"":1}`,
	"the key __proto__":          `{"type":"ping","ref":1,"__proto__":{}}`,
	"minus one":                  `{"type":"ping","ref":-1}`,
	"minus zero":                 `{"type":"ping","ref":-0}`,
	"plus one":                   `{"type":"ping","ref":+1}`,
	"a fraction":                 `{"type":"ping","ref":1.5}`,
	"a fraction of zero":         `{"type":"ping","ref":1.0}`,
	"a point and nothing":        `{"type":"ping","ref":1.}`,
	"nothing and a point":        `{"type":"ping","ref":.5}`,
	"an exponent":                `{"type":"ping","ref":1e3}`,
	"a large exponent":           `{"type":"ping","ref":1E400}`,
	"zero at the start":          `{"type":"ping","ref":01}`,
	"two zeros":                  `{"type":"ping","ref":00}`,
	"hexadecimal":                `{"type":"ping","ref":0x10}`,
	"an underscore":              `{"type":"ping","ref":1_000}`,
	"Arabic digits":              `{"type":"ping","ref":١}`,
	"2^53":                       `{"type":"ping","ref":9007199254740992}`,
	"2^63":                       `{"type":"ping","ref":9223372036854775808}`,
	"2^64":                       `{"type":"ping","ref":18446744073709551616}`,
	"1000 digits":                `{"type":"ping","ref":` + strings.Repeat("9", 1000) + `}`,
	"NaN":                        `{"type":"ping","ref":NaN}`,
	"Infinity":                   `{"type":"ping","ref":Infinity}`,
	"undefined":                  `{"type":"ping","ref":undefined}`,
	"half of true":               `{"type":"ping","ref":tru}`,
	"more than true":             `{"type":"ping","ref":truee}`,
	"true in capitals":           `{"type":"ping","ref":TRUE}`,
	"half of null":               `{"type":"ping","ref":nul`,
	"a raw line end":             "{\"type\":\"say\",\"ref\":1,\"key\":\"k\",\"text\":\"a\nb\"}",
	"a raw tab":                  "{\"type\":\"say\",\"ref\":1,\"key\":\"k\",\"text\":\"a\tb\"}",
	"a raw NUL":                  "{\"type\":\"say\",\"ref\":1,\"key\":\"k\",\"text\":\"a\x00b\"}",
	"a raw NUL after an escape":  "{\"type\":\"say\",\"ref\":1,\"key\":\"k\",\"text\":\"\\n\x00\"}",
	"an unknown escape":          `{"type":"say","ref":1,"key":"k","text":"\x41"}`,
	"an escaped quote mark":      `{"type":"say","ref":1,"key":"k","text":"\'"}`,
	"an escape at the end":       `{"type":"say","ref":1,"key":"k","text":"\`,
	"three hex digits":           `{"type":"say","ref":1,"key":"k","text":"\u123"}`,
	"no hex digits":              `{"type":"say","ref":1,"key":"k","text":"\uzzzz"}`,
	"a signed escape":            `{"type":"say","ref":1,"key":"k","text":"\u+123"}`,
	"an escape with underscores": `{"type":"say","ref":1,"key":"k","text":"\u1_23"}`,
	"an escape cut off":          `{"type":"say","ref":1,"key":"k","text":"\u12`,
	"an upper half alone":        `{"type":"say","ref":1,"key":"k","text":"\ud800"}`,
	"a lower half alone":         `{"type":"say","ref":1,"key":"k","text":"\udc00"}`,
	"two upper halves":           `{"type":"say","ref":1,"key":"k","text":"\ud800\ud800"}`,
	"halves in the wrong order":  `{"type":"say","ref":1,"key":"k","text":"\udc00\ud800"}`,
	"an upper half and a letter": `{"type":"say","ref":1,"key":"k","text":"\ud800x"}`,
	"an upper half cut off":      `{"type":"say","ref":1,"key":"k","text":"\ud800\u`,
	"UTF-8 cut off":              "{\"type\":\"say\",\"ref\":1,\"key\":\"k\",\"text\":\"a\xe2\x80\"}",
	"UTF-8 overlong":             "{\"type\":\"say\",\"ref\":1,\"key\":\"k\",\"text\":\"\xc0\xaf\"}",
	"UTF-8 of a surrogate":       "{\"type\":\"say\",\"ref\":1,\"key\":\"k\",\"text\":\"\xed\xa0\x80\"}",
	"UTF-8 beyond Unicode":       "{\"type\":\"say\",\"ref\":1,\"key\":\"k\",\"text\":\"\xf4\x90\x80\x80\"}",
	"Latin-1":                    "{\"type\":\"say\",\"ref\":1,\"key\":\"k\",\"text\":\"caf\xe9\"}",
	"UTF-16":                     "{\x00\"\x00t\x00y\x00p\x00e\x00\"\x00",
	"Latin-1 in a key":           "{\"type\":\"ping\",\"ref\":1,\"caf\xe9\":1}",
	"bytes":                      "\x80\x81\x82\x83",
	"a frame as text":            "\x01\x00\x00\x00",
	"a deep list":                strings.Repeat("[", 10_000),
	"a deep object":              strings.Repeat(`{"a":`, 5_000),
	"depth 6":                    `{"type":"ping","ref":[[[[[1]]]]]}`,
	"depth 6 of nothing":         `{"type":"ping","ref":[[[[[]]]]]}`,
	"129 keys":                   `{"type":"ping","ref":1` + strings.Join(numbered(127), "") + `}`,
	"a long list of nothing":     `{"type":"ping","ref":[` + strings.Repeat("0,", 10_000) + `0]}`,
}

func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(`,"k%d":0`, i)
	}
	return out
}

// bounds are members of the right type whose values are out of bounds.
var bounds = map[string]struct{ from, message string }{
	"an empty token":                    {"page", `{"type":"hello","token":""}`},
	"a token of 4097 bytes":             {"page", `{"type":"hello","token":"` + strings.Repeat("x", 4097) + `"}`},
	"a text of one byte too many":       {"page", `{"type":"say","ref":1,"key":"k","text":"` + strings.Repeat("x", bridge.MaxText+1) + `"}`},
	"an empty text":                     {"page", `{"type":"say","ref":1,"key":"k","text":""}`},
	"a key of 33 bytes":                 {"page", `{"type":"cancel","key":"` + strings.Repeat("0", 33) + `"}`},
	"a receiver that is empty":          {"page", `{"type":"say","ref":1,"key":"k","text":"x","receiver":""}`},
	"a notice's receiver that is empty": {"page", `{"type":"notify","ref":1,"notice":"TYPING_STARTED","receiver":""}`},
	"an unknown visibility":             {"page", `{"type":"say","ref":1,"key":"k","text":"x","visibility":"all"}`},
	"a long visibility":                 {"page", `{"type":"say","ref":1,"key":"k","text":"x","visibility":"` + strings.Repeat("A", 65) + `"}`},
	"an unknown upload type":            {"page", `{"type":"offer","key":"k","name":"a","size":0,"uploadType":"clipboard"}`},
	"a media type of 257 bytes":         {"page", `{"type":"offer","key":"k","name":"a","size":0,"mime":"` + strings.Repeat("x", 257) + `"}`},
	"a description of 2049 bytes":       {"page", `{"type":"offer","key":"k","name":"a","size":0,"description":"` + strings.Repeat("x", 2049) + `"}`},
	"a digest of 65 bytes":              {"page", `{"type":"offer","key":"k","name":"a","size":0,"digest":"` + strings.Repeat("0", 65) + `"}`},
	"a custom value that is true":       {"page", `{"type":"offer","key":"k","name":"a","size":0,"custom":{"a":true}}`},
	"a custom value that is null":       {"page", `{"type":"offer","key":"k","name":"a","size":0,"custom":{"a":null}}`},
	"a custom value that is a list":     {"page", `{"type":"offer","key":"k","name":"a","size":0,"custom":{"a":[]}}`},
	"nested bytes that are not base64":  {"page", `{"type":"offer","key":"k","name":"a","size":0,"custom":{"a":{"$binary":"-"}}}`},
	"a custom key twice":                {"page", `{"type":"offer","key":"k","name":"a","size":0,"custom":{"a":1,"a":1}}`},
	"acked beyond the size":             {"page", `{"type":"offer","key":"k","name":"a","size":5,"acked":6}`},
	"acked, before the size":            {"page", `{"type":"offer","acked":6,"key":"k","name":"a","size":5}`},
	"acked beyond an empty file":        {"page", `{"type":"offer","key":"k","name":"a","size":0,"acked":1}`},
	"acked, without a size":             {"page", `{"type":"offer","key":"k","name":"a","acked":0}`},
	"acked below zero":                  {"page", `{"type":"offer","key":"k","name":"a","size":5,"acked":-1}`},
	"acked as a string":                 {"page", `{"type":"offer","key":"k","name":"a","size":5,"acked":"5"}`},
	"acked as null":                     {"page", `{"type":"offer","key":"k","name":"a","size":5,"acked":null}`},
	"an unknown action":                 {"page", `{"type":"leave","ref":1,"after":"explode"}`},
	"a file-id of 65 bytes":             {"page", `{"type":"ask","ref":1,"file":"` + strings.Repeat("f", 65) + `","attempt":"a"}`},
	"17 rights":                         {"proxy", `{"type":"welcome","session":"s","party":{"userId":"u","userType":"AGENT"},"rights":["a"` + strings.Repeat(`,"a"`, 16) + `],"limits":{},"maxFrame":1}`},
	"a right that is a number":          {"proxy", `{"type":"welcome","session":"s","party":{"userId":"u","userType":"AGENT"},"rights":[1],"limits":{},"maxFrame":1}`},
	"a right of 65 bytes":               {"proxy", `{"type":"welcome","session":"s","party":{"userId":"u","userType":"AGENT"},"rights":["` + strings.Repeat("r", 65) + `"],"limits":{},"maxFrame":1}`},
	"a party that is empty":             {"proxy", `{"type":"welcome","session":"s","party":{},"limits":{},"maxFrame":1}`},
	"an unknown user type":              {"proxy", `{"type":"welcome","session":"s","party":{"userId":"u","userType":"BOT"},"limits":{},"maxFrame":1}`},
	"a limit below zero":                {"proxy", `{"type":"limits","limits":{"maxFiles":-1}}`},
	"257 types":                         {"proxy", `{"type":"limits","limits":{"types":["a"` + strings.Repeat(`,"a"`, 256) + `]}}`},
	"a file type of 33 bytes":           {"proxy", `{"type":"limits","limits":{"types":["` + strings.Repeat("a", 33) + `"]}}`},
	"an unknown event type":             {"proxy", `{"type":"event","event":{"id":1,"type":"typing","at":0,"from":{"userId":"u","userType":"AGENT"},"visibility":"ALL"}}`},
	"an event without a sender":         {"proxy", `{"type":"event","event":{"id":1,"type":"message","at":0,"visibility":"ALL"}}`},
	"an event with a key too many":      {"proxy", `{"type":"event","event":{"id":1,"type":"message","at":0,"from":{"userId":"u","userType":"AGENT"},"visibility":"ALL","own":true}}`},
	"a party with a key too many":       {"proxy", `{"type":"event","event":{"id":1,"type":"message","at":0,"from":{"userId":"u","userType":"AGENT","trusted":true},"visibility":"ALL"}}`},
	"a reason that is a string":         {"proxy", `{"type":"event","event":{"id":1,"type":"party-left","at":0,"from":{"userId":"u","userType":"AGENT"},"visibility":"ALL","reason":"left"}}`},
	"a reason without a code":           {"proxy", `{"type":"event","event":{"id":1,"type":"party-left","at":0,"from":{"userId":"u","userType":"AGENT"},"visibility":"ALL","reason":{"text":"left"}}}`},
	"an unknown state":                  {"proxy", `{"type":"upload","key":"k","state":"done"}`},
	"an error without a code":           {"proxy", `{"type":"fail","error":{"message":"x"}}`},
	"a path of 4097 bytes":              {"proxy", `{"type":"ticket","ref":1,"path":"` + strings.Repeat("/", 4097) + `","expires":1}`},
	"an offset that is a string":        {"proxy", `{"type":"accept","key":"k","offset":"0"}`},
	"an ack below zero":                 {"proxy", `{"type":"ack","key":"k","stored":-1}`},
	"an ack beyond 2^53":                {"proxy", `{"type":"ack","key":"k","stored":9007199254740992}`},
	"a ready without a frame length":    {"proxy", `{"type":"ready"}`},
}

func TestT9_MalformedMessagesAreRefused(t *testing.T) {
	tried := 0
	refuse := func(t *testing.T, from, message string) {
		t.Helper()
		requireCode(t, readers[from]([]byte(message)), bridge.CodeMessage)
		tried++
	}
	for name, message := range malformed {
		t.Run(name, func(t *testing.T) {
			refuse(t, "page", message)
			refuse(t, "proxy", message)
			requireCode(t, readers["event"]([]byte(message)), bridge.CodeMessage)
			if message != `{}` { // no limits at all
				requireCode(t, readers["limits"]([]byte(message)), bridge.CodeMessage)
			}
		})
	}
	for name, tc := range bounds {
		t.Run(name, func(t *testing.T) { refuse(t, tc.from, tc.message) })
	}
	for _, v := range loadMessages(t).Vectors {
		t.Run("wrong types in "+v.Name, func(t *testing.T) {
			for _, message := range mistyped(t, v.written()) {
				refuse(t, v.From, message)
			}
		})
		t.Run("cut short: "+v.Name, func(t *testing.T) {
			for cut := range len(v.written()) {
				requireCode(t, readers[v.From]([]byte(v.written()[:cut])), bridge.CodeMessage)
			}
		})
	}
	require.GreaterOrEqual(t, tried, 200)
}

// mistyped returns the message with each member, at any depth, replaced by a
// value of every other type, and with an unknown member added.
func mistyped(t *testing.T, message string) []string {
	var object map[string]any
	require.NoError(t, json.Unmarshal([]byte(message), &object))
	var out []string
	var walk func(map[string]any)
	render := func() {
		kind, _ := json.Marshal(object["type"])
		rest := maps.Clone(object)
		delete(rest, "type")
		members, err := json.Marshal(rest)
		require.NoError(t, err)
		text := `{"type":` + string(kind)
		if len(rest) > 0 {
			text += "," + string(members[1:len(members)-1])
		}
		out = append(out, text+"}")
	}
	walk = func(o map[string]any) {
		for _, key := range slices.Sorted(maps.Keys(o)) {
			good := o[key]
			for _, bad := range []any{nil, true, 7, "x", []any{}, map[string]any{}} {
				if sameType(good, bad) {
					continue
				}
				o[key] = bad
				render()
			}
			o[key] = good
			if inner, ok := good.(map[string]any); ok && key != "custom" && key != "data" && key != "attributes" {
				walk(inner)
			}
		}
		o["surplus"] = "x"
		render()
		delete(o, "surplus")
	}
	walk(object)
	return out
}

func sameType(a, b any) bool {
	if n, ok := b.(int); ok {
		b = float64(n)
	}
	return fmt.Sprintf("%T", a) == fmt.Sprintf("%T", b)
}

func TestT9_DepthIsCountedExactly(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	_, err := bridge.Parse(deep(bridge.MaxDepth))
	require.NoError(t, err)
	_, err = bridge.Parse(deep(bridge.MaxDepth + 1))
	requireCode(t, err, bridge.CodeMessage)
}
