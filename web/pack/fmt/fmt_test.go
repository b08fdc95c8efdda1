package fmt_test

import (
	"bytes"
	"errors"
	std "fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/web/pack/fmt"
)

// Another package that formats in the module may need more than there is.
func TestWhoFormatsInTheModule(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", `{{$p := .ImportPath}}{{range .Imports}}{{if eq . "fmt"}}{{$p}}{{"\n"}}{{end}}{{end}}`, "attache/wasm")
	list.Env = append(list.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := list.Output()
	require.NoError(t, err)
	require.ElementsMatch(t, []string{
		"encoding/hex",
		"github.com/hack-pad/safejs",
		"github.com/hack-pad/safejs/internal/catch",
		"github.com/hack-pad/safejs/internal/stackerr",
	}, strings.Fields(string(out)))
}

type stringer struct{}

func (stringer) String() string { return "a stringer" }

// What those packages ask for reads as in the standard library.
func TestReadsAsTheStandardLibrary(t *testing.T) {
	for _, test := range []struct {
		format string
		values []any
	}{
		{"encoding/hex: invalid byte: %#U", []any{'g'}},
		{"encoding/hex: invalid byte: %#U", []any{'\x00'}},
		{"encoding/hex: invalid byte: %#U", []any{'ÿ'}},
		{"invalid type for instanceof: %v", []any{stringer{}}},
		{"invalid constructor type for instanceof: %v", []any{errors.New("no")}},
		{"%+v", []any{"a panic"}},
		{"%+v", []any{3}},
		{"%+v", []any{true}},
		{"%+v\n%s", []any{errors.New("no"), stringer{}}},
		{"%s\n\t%s:%d\n", []any{"f", "f.go", 7}},
		{"%q", []any{"a \"word\""}},
	} {
		require.Equal(t, std.Sprintf(test.format, test.values...), fmt.Sprintf(test.format, test.values...))
		require.EqualError(t, std.Errorf(test.format, test.values...), fmt.Errorf(test.format, test.values...).Error())
		var ours, theirs bytes.Buffer
		n, err := fmt.Fprintf(&ours, test.format, test.values...)
		require.NoError(t, err)
		require.Equal(t, ours.Len(), n)
		_, err = std.Fprintf(&theirs, test.format, test.values...)
		require.NoError(t, err)
		require.Equal(t, theirs.String(), ours.String())
	}
	var ours bytes.Buffer
	_, err := fmt.Fprint(&ours, "an error's words")
	require.NoError(t, err)
	require.Equal(t, "an error's words", ours.String())
}

func TestMistakesDoNotPanic(t *testing.T) {
	for format, values := range map[string][]any{"%v": nil, "%": {1}, "%+": {1}, "%U": {"text"}, "a %v": {struct{}{}}, "%d": {nil}} {
		require.NotPanics(t, func() { _ = fmt.Sprintf(format, values...) }, format)
	}
}
