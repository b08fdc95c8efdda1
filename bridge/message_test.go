package bridge_test

import (
	_ "embed"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"attache/bridge"

	"github.com/stretchr/testify/require"
)

type messageVectors struct {
	Page, Proxy, Objects map[string][]string // documented keys, by message type or object
	Vectors              []messageVector
}

type messageVector struct {
	Name, From, Type, Text string
	Canonical              string          // how we write it; empty: as Text
	Value                  json.RawMessage // the message, by its Go names
}

func (v messageVector) written() string {
	if v.Canonical != "" {
		return v.Canonical
	}
	return v.Text
}

func loadMessages(t testing.TB) messageVectors {
	var v messageVectors
	load(t, "messages", &v)
	return v
}

func TestMessageVectors(t *testing.T) {
	readers := map[string]func([]byte) (bridge.Wire, error){"page": bridge.FromPage, "proxy": bridge.FromProxy}
	for _, v := range loadMessages(t).Vectors {
		t.Run(v.Name, func(t *testing.T) {
			have, err := readers[v.From]([]byte(v.Text))
			require.NoError(t, err)
			want := reflect.New(reflect.TypeOf(have).Elem())
			decode(t, v.Value, want.Interface())
			require.Equal(t, want.Interface(), have)
			require.Equal(t, v.Type, bridge.KindOfMessage(have))
			require.Equal(t, v.written(), string(bridge.AppendMessage(nil, have)))

			again, err := readers[v.From]([]byte(v.written()))
			require.NoError(t, err)
			require.Equal(t, have, again)

			for from, read := range readers {
				if from == v.From {
					continue
				}
				_, err := read([]byte(v.Text))
				require.Equal(t, bridge.CodeMessage, bridge.CodeOf(err), "a %s does not send this", from)
			}
		})
	}
}

//go:embed wire.go
var wireSource string

// messageTypes are the constants of wire.go that name a message.
func messageTypes(t *testing.T) []string {
	file, err := parser.ParseFile(token.NewFileSet(), "wire.go", wireSource, 0)
	require.NoError(t, err)
	var types []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "type") {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		types = append(types, text)
		return true
	})
	require.NotEmpty(t, types)
	return types
}

func TestEveryMessageHasVectorsForEveryKey(t *testing.T) {
	v := loadMessages(t)
	seen := map[string]map[string]bool{} // keys that vectors show, by message type or object
	note := func(what string, object map[string]any) {
		if seen[what] == nil {
			seen[what] = map[string]bool{}
		}
		for key := range object {
			seen[what][key] = true
		}
	}
	var nested func(key string, value any)
	nested = func(key string, value any) {
		if list, ok := value.([]any); ok && key == "responses" {
			for _, each := range list {
				nested("response", each)
			}
		}
		object, ok := value.(map[string]any)
		if !ok {
			return
		}
		switch key {
		case "custom", "data", "attributes":
			return // free keys
		case "from":
			key = "party"
		}
		note(key, object)
		for k, value := range object {
			nested(k, value)
		}
	}
	for _, vector := range v.Vectors {
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(vector.Text), &object))
		delete(object, "type")
		note(vector.From+" "+vector.Type, object)
		for key, value := range object {
			nested(key, value)
		}
	}

	for _, kind := range messageTypes(t) {
		page, proxy := bridge.PageMessage(kind), bridge.ProxyMessage(kind)
		require.True(t, page != nil || proxy != nil, "neither side sends %s", kind)
		for from, m := range map[string]bridge.Wire{"page": page, "proxy": proxy} {
			documented := map[string]map[string][]string{"page": v.Page, "proxy": v.Proxy}[from][kind]
			if m == nil {
				require.Nil(t, documented, "%s from %s is documented", kind, from)
				continue
			}
			require.Equal(t, documented, bridge.Keys(m), "keys of %s in testdata/messages.json", kind)
			require.NotNil(t, seen[from+" "+kind], "%s has no vector", kind)
			for _, key := range documented {
				require.True(t, seen[from+" "+kind][key], "no vector of %s shows %s", kind, key)
			}
		}
	}
	objects := map[string]any{
		"party": new(bridge.Party), "limits": new(bridge.Limits), "event": new(bridge.Event),
		"info": new(bridge.UserInfo), "access": new(bridge.Access), "response": new(bridge.Response), "reason": new(bridge.Reason), "error": new(bridge.Error),
	}
	require.Len(t, v.Objects, len(objects))
	for name, object := range objects {
		require.Equal(t, v.Objects[name], bridge.Keys(object), "keys of %s in testdata/messages.json", name)
		for _, key := range v.Objects[name] {
			require.True(t, seen[name][key], "no vector of %s shows %s", name, key)
		}
	}
}

// A message must still fit when it is sent on: writing a parsed message never makes
// it longer.
func TestMessagesNeverGrow(t *testing.T) {
	for _, v := range loadMessages(t).Vectors {
		require.LessOrEqual(t, len(v.written()), len(v.Text), v.Name)
	}
	say := bridge.Say{Ref: 1, Key: "k", Text: strings.Repeat("\b\f\"\\\n", bridge.MaxText/5)}
	in := bridge.AppendMessage(nil, &say)
	require.LessOrEqual(t, len(in), bridge.MaxMessage)
	m, err := bridge.FromPage(in)
	require.NoError(t, err)
	require.Equal(t, &say, m)
}

func TestMessageTooLongIsRefused(t *testing.T) {
	fits := `{"type":"ping","ref":1}`
	fits += strings.Repeat(" ", bridge.MaxMessage-len(fits))
	_, err := bridge.FromPage([]byte(fits))
	require.NoError(t, err)
	_, err = bridge.FromPage([]byte(fits + " "))
	require.Equal(t, bridge.CodeMessageSize, bridge.CodeOf(err))
	require.ErrorContains(t, err, "32 kB")
}

func TestRefOf_OnlyOfARequestThatCanBeParsed(t *testing.T) {
	for text, want := range map[string]int64{
		`{"type":"say","ref":3}`:          3,
		`{"type":"ask","file":1,"ref":4}`: 4,
		`{"type":"say","ref":-3}`:         0,
		`{"type":"say","ref":"3"}`:        0,
		`{"type":"say","ref":[3]}`:        0,
		`{"type":"say","ref":3,"ref":4}`:  0,
		`{"type":"say","ref":3`:           0,
		`{"type":"say","data":{"ref":3}}`: 0,
		`{"ref":3,"type":"say"}`:          0,
		`{"type":"welcome","ref":3}`:      0,
		`{"type":3,"ref":3}`:              0,
		`[3]`:                             0,
		``:                                0,
		`{"type":"say","ref":3}` + strings.Repeat(" ", bridge.MaxMessage): 0,
	} {
		require.Equal(t, want, bridge.RefOf([]byte(text)), text)
	}
}

// Every party's connection sends the same event value.
func TestEncodingASharedEventDoesNotRace(t *testing.T) {
	e := &bridge.Event{
		ID: 1, Type: bridge.PartyLeft, From: bridge.Party{UserID: "u", UserType: bridge.Agent},
		Visibility: bridge.All, Reason: &bridge.Reason{Code: 2, Text: "x"}, Data: bridge.Data{bridge.Int("n", 1)},
	}
	m := &bridge.Done{Ref: 1, Event: e}
	want := string(bridge.AppendMessage(nil, m))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				if string(bridge.AppendMessage(nil, m)) != want {
					panic("another encoding")
				}
			}
		})
	}
	all.Wait()
}

func TestErrorVectors(t *testing.T) {
	var v struct {
		Wire []struct {
			Name, Text string
			Code       bridge.Code
			Message    string
			Hint       string
			Retry      bool
			ID         string
		}
		Refused []struct{ Name, Text, Message string }
	}
	load(t, "errors", &v)
	for _, tc := range v.Wire {
		t.Run(tc.Name, func(t *testing.T) {
			m, err := bridge.FromProxy([]byte(`{"type":"fail","error":` + tc.Text + `}`))
			require.NoError(t, err)
			want := bridge.Error{Code: tc.Code, Message: tc.Message, Hint: tc.Hint, Retry: tc.Retry, ID: tc.ID}
			require.Equal(t, want, m.(*bridge.Fail).Error)
			require.JSONEq(t, `{"error":`+tc.Text+`}`, string(bridge.AppendError(nil, &want)))
		})
	}
	for _, tc := range v.Refused {
		t.Run(tc.Name, func(t *testing.T) {
			_, err := bridge.FromProxy([]byte(`{"type":"fail","error":` + tc.Text + `}`))
			require.Equal(t, bridge.CodeMessage, bridge.CodeOf(err))
			require.EqualError(t, err, tc.Message)
		})
	}
}

// readers are the decoders of untrusted text; each refuses by a code.
var readers = map[string]func([]byte) error{
	"page":  func(in []byte) error { _, err := bridge.FromPage(in); return err },
	"proxy": func(in []byte) error { _, err := bridge.FromProxy(in); return err },
	"event": func(in []byte) error { _, err := bridge.ParseEvent(in); return err },
	"limits": func(in []byte) error {
		_, err := bridge.ParseLimits(in)
		return err
	},
	"data": func(in []byte) error { return new(bridge.Data).UnmarshalJSON(in) },
}

// requireCode requires an error of one of the codes that may be shown to people.
func requireCode(t testing.TB, err error, codes ...bridge.Code) {
	t.Helper()
	require.Error(t, err)
	require.True(t, slices.Contains(codes, bridge.CodeOf(err)), "%q: %v", bridge.CodeOf(err), err)
	sentence(t, bridge.AsError(err).Message)
}
