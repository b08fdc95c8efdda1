package bridge_test

import (
	"bytes"
	"embed"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// The golden vectors. These tests read them natively and under
// GOOS=js GOARCH=wasm, and so does web/test/vectors.test.js.
//
//go:embed testdata/*.json
var vectors embed.FS

// load reads testdata/name.json into v, which must know every key in it.
func load(t testing.TB, name string, v any) {
	t.Helper()
	in, err := vectors.ReadFile("testdata/" + name + ".json")
	require.NoError(t, err)
	decode(t, in, v)
}

// decode reads JSON that these tests wrote; an unknown key is a typo.
func decode(t testing.TB, in []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(in))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(v))
}
