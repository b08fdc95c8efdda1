package bridge_test

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDataKeepsOrderAndTypes(t *testing.T) {
	d := bridge.Data{bridge.Text("b", "two"), bridge.Int("a", 1)}
	d = d.Set(bridge.Text("b", "2")).Set(bridge.Int("c", 0))
	out, err := d.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, `{"b":"2","a":1,"c":0}`, string(out))

	v, ok := d.Lookup("c")
	require.True(t, ok)
	require.Equal(t, "0", v)
	_, ok = d.Lookup("d")
	require.False(t, ok)
	require.Empty(t, d.Get("d"))
}

func TestDataThroughEncodingJSON(t *testing.T) {
	type record struct{ Custom bridge.Data }
	for name, d := range map[string]bridge.Data{
		"none":      nil,
		"everyday":  {bridge.Text("order", "4711"), bridge.Int("copies", 2)},
		"for HTML":  {bridge.Text("<a>&", "</script>\u2028")},
		"a control": {bridge.Text("note", "\x00\n\f")},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := json.Marshal(record{d})
			require.NoError(t, err)
			var have record
			require.NoError(t, json.Unmarshal(out, &have))
			require.Equal(t, record{d}, have)
		})
	}
	var have record
	require.NoError(t, json.Unmarshal([]byte(`{"Custom":null}`), &have))
	require.Nil(t, have.Custom)
}

func TestDataNests(t *testing.T) {
	style := bridge.Data{bridge.List("GCTI_SYSTEM", bridge.Data{bridge.List("party-info", bridge.Data{bridge.Text("style", "BOT")})}), bridge.Binary("raw", []byte{0, 1})}
	require.NoError(t, style.Check())
	require.Equal(t, "BOT", style.In("GCTI_SYSTEM").In("party-info").Get("style"))
	out, err := style.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, `{"GCTI_SYSTEM":{"party-info":{"style":"BOT"}},"raw":{"$binary":"AAE="}}`, string(out))
	var back bridge.Data
	require.NoError(t, back.UnmarshalJSON(out))
	require.Equal(t, style, back)

	deep := bridge.Data{bridge.Text("k", "v")}
	for depth := 2; depth <= bridge.MaxDataDepth; depth++ {
		deep = bridge.Data{bridge.List("l", deep)}
		require.NoError(t, deep.Check())
	}
	require.Equal(t, bridge.CodeMessageSize, bridge.CodeOf(bridge.Data{bridge.List("l", deep)}.Check()))
	many := bridge.Data{}
	for i := range bridge.MaxItems {
		many = append(many, bridge.Int(strconv.Itoa(i), 0))
	}
	require.NoError(t, many.Check())
	require.Equal(t, bridge.CodeMessageSize, bridge.CodeOf(bridge.Data{bridge.List("l", many)}.Check()), "nested items count")
	require.Equal(t, bridge.CodeCustomKey, bridge.CodeOf(bridge.Data{bridge.List("l", bridge.Data{bridge.Text("$binary", "AA==")})}.Check()))
	require.Equal(t, bridge.CodeCustomKey, bridge.CodeOf(bridge.CheckCustom(style)), "an upload's custom keys are flat")
	require.Equal(t, bridge.Data{bridge.List("l", bridge.Data{bridge.Text("k", "a\uFFFD")})}, bridge.Data{bridge.List("l", bridge.Data{bridge.Text("k", "a\x01")})}.XMLText())
}

func TestBinaryIsBase64(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SliceOf(rapid.Byte()).Draw(t, "value")
		require.Equal(t, base64.StdEncoding.EncodeToString(value), bridge.Binary("k", value).Text)
	})
}

// Chat Server's integers may be negative and its lists may repeat a key; messages
// allow neither.
func TestForeignDataEncodesReadably(t *testing.T) {
	d := bridge.Data{
		bridge.Int("low", -5), bridge.Int("high", math.MaxInt64), bridge.Int("max", bridge.MaxInteger),
		bridge.Text("twice", "first"), bridge.Text("twice", "second"),
		{Key: "lies", Text: `1,"x":2`, Type: bridge.TypeInt}, {Key: "zeros", Text: "007", Type: bridge.TypeInt}, {Key: "empty", Type: bridge.TypeInt},
	}
	out, err := d.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, `{"low":"-5","high":"9223372036854775807","max":9007199254740991,"twice":"first","lies":"1,\"x\":2","zeros":"007","empty":""}`, string(out))
	require.Equal(t, "first", d.Get("twice"))
	var back bridge.Data
	require.NoError(t, back.UnmarshalJSON(out))
}

func TestDataCheck(t *testing.T) {
	many := func(n int) bridge.Data {
		var d bridge.Data
		for i := range n {
			d = append(d, bridge.Int(strconv.Itoa(i), 0))
		}
		return d
	}
	wide := func(values ...int) bridge.Data {
		var d bridge.Data
		for i, n := range values {
			d = append(d, bridge.Text(strconv.Itoa(i), strings.Repeat("x", n)))
		}
		return d
	}
	for name, tc := range map[string]struct {
		data bridge.Data
		want bridge.Code
	}{
		"nothing":                 {nil, ""},
		"as many keys as allowed": {many(bridge.MaxItems), ""},
		"a key more":              {many(bridge.MaxItems + 1), bridge.CodeMessageSize},
		"the longest value":       {wide(bridge.MaxValue), ""},
		"a value too long":        {wide(bridge.MaxValue + 1), bridge.CodeMessageSize},
		"as much as allowed":      {wide(2048, 2048, 2048, 2044), ""},
		"a byte more":             {wide(2048, 2048, 2048, 2045), bridge.CodeMessageSize},
		"the longest key":         {bridge.Data{bridge.Text(strings.Repeat("k", 128), "")}, ""},
		"a key too long":          {bridge.Data{bridge.Text(strings.Repeat("k", 129), "")}, bridge.CodeCustomKey},
		"an empty key":            {bridge.Data{bridge.Text("", "x")}, bridge.CodeCustomKey},
		"a control in a key":      {bridge.Data{bridge.Text("a\x00", "x")}, bridge.CodeCustomKey},
		"a line end in a key":     {bridge.Data{bridge.Text("a\n", "x")}, bridge.CodeCustomKey},
		"no XML in a key":         {bridge.Data{bridge.Text("a\uffff", "x")}, bridge.CodeCustomKey},
		"no UTF-8 in a key":       {bridge.Data{bridge.Text("a\xff", "x")}, bridge.CodeCustomKey},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, bridge.CodeOf(tc.data.Check())) })
	}
}

func TestCheckCustom(t *testing.T) {
	items := func(n, value int) bridge.Data {
		var d bridge.Data
		for i := range n {
			d = append(d, bridge.Text("k"+strconv.Itoa(1000+i), strings.Repeat("x", value)))
		}
		return d
	}
	for name, tc := range map[string]struct {
		data bridge.Data
		want bridge.Code
	}{
		"nothing":                  {nil, ""},
		"everyday":                 {bridge.Data{bridge.Text("order", "4711"), bridge.Text("line", "a\nb")}, ""},
		"like one of the vendor's": {bridge.Data{bridge.Text("File-Name", "x")}, ""},
		"the vendor's":             {bridge.Data{bridge.Text("file-document-id", "x")}, bridge.CodeCustomKey},
		"the vendor's to come":     {bridge.Data{bridge.Text("file-anything", "x")}, bridge.CodeCustomKey},
		"ours":                     {bridge.Data{bridge.Text("attache-key", "x")}, bridge.CodeCustomKey},
		"ours, the name":           {bridge.Data{bridge.Text("attache-name", "x")}, bridge.CodeCustomKey},
		"a control in a value":     {bridge.Data{bridge.Text("k", "\x00")}, bridge.CodeCustomKey},
		"as many as allowed":       {items(bridge.MaxCustomItems, 1), ""},
		"one more":                 {items(bridge.MaxCustomItems+1, 1), bridge.CodeMessageSize},
		"as much as allowed":       {items(4, bridge.MaxCustom/4-5), ""},
		"a byte more":              {append(items(4, bridge.MaxCustom/4-5), bridge.Text("k", "")), bridge.CodeMessageSize},
		"beyond a collection":      {bridge.Data{bridge.Text("", "")}, bridge.CodeCustomKey},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, bridge.CodeOf(bridge.CheckCustom(tc.data))) })
	}
}

func FuzzData(f *testing.F) {
	for _, seed := range []string{`{}`, `null`, `{"a":"b","c":1}`, `{"a":null}`, `{"a":"\u0000"}`, `[]`, `{"a":1,"a":2}`, `{"a":9007199254740992}`, `{"a":-1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var d bridge.Data
		if err := d.UnmarshalJSON(in); err != nil {
			requireCode(t, err, bridge.CodeMessage, bridge.CodeCustomKey, bridge.CodeMessageSize)
			return
		}
		require.NoError(t, d.Check())
		out, err := d.MarshalJSON()
		require.NoError(t, err)
		require.LessOrEqual(t, len(out), max(len(in), len(`{}`)))
		var again bridge.Data
		require.NoError(t, again.UnmarshalJSON(out))
		require.Equal(t, d, again)

		var want map[string]any
		require.NoError(t, json.Unmarshal(in, &want))
		require.Len(t, d, len(want))
	})
}
