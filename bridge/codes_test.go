package bridge_test

import (
	_ "embed"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"attache/bridge"

	"github.com/stretchr/testify/require"
)

//go:embed codes.go
var codesSource string

// codeConstants are the constants of type Code, by name.
func codeConstants(t *testing.T) map[string]bridge.Code {
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", codesSource, 0)
	require.NoError(t, err)
	out := map[string]bridge.Code{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != "Code" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		out[spec.Names[0].Name] = bridge.Code(text)
		return true
	})
	require.NotEmpty(t, out)
	return out
}

func TestEveryCodeHasOneRule(t *testing.T) {
	rules := map[bridge.Code]int{}
	for _, r := range bridge.Rules {
		rules[r.Code]++
	}
	constants := codeConstants(t)
	for name, code := range constants {
		require.Equal(t, 1, rules[code], "rules of %s", name)
		require.Equal(t, code, code.Rule().Code)
	}
	require.Len(t, bridge.Rules, len(constants), "a rule without a constant, or two constants with one code")
}

// verbs are those that a hint may begin with.
var verbs = regexp.MustCompile(`\b(wait|check|ask|add|reload|install|use|send|try|report|start|connect|choose|rename|do|continues|waits|tell|removed|allow)\b`)

func TestRulesReadAsSentences(t *testing.T) {
	code := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	messages := map[string]bridge.Code{}
	for _, r := range bridge.Rules {
		t.Run(string(r.Code), func(t *testing.T) {
			require.Regexp(t, code, r.Code)
			sentence(t, r.Message)
			sentence(t, r.Hint)
			require.Regexp(t, verbs, r.Hint, "a hint says what to do")
			require.NotEqual(t, r.Message, r.Hint)
			require.Empty(t, messages[r.Message], "another code says the same")
			messages[r.Message] = r.Code
		})
	}
}

// sentence requires the form of a message: lower case, no full stop,
// one line, short.
func sentence(t testing.TB, s string) {
	t.Helper()
	first, _ := utf8.DecodeRuneInString(s)
	require.NotEmpty(t, s)
	require.False(t, unicode.IsUpper(first), "%q begins with a capital", s)
	require.NotContains(t, ".!?:;, ", s[len(s)-1:], "%q ends with a stop", s)
	require.LessOrEqual(t, len(s), 1024)
	require.True(t, utf8.ValidString(s))
	require.NotContains(t, s, "\n")
	require.NotContains(t, s, "  ")
}

func TestUnlistedCodesCountAsInternal(t *testing.T) {
	e := bridge.NewError("no-such-code", "")
	require.Equal(t, bridge.CodeInternal, e.Code)
	require.Equal(t, bridge.CodeInternal.Rule().Message, e.Message)
	require.True(t, e.Retry)
}

func TestErrorsKeepTheirCause(t *testing.T) {
	cause := errors.New("connection reset")
	err := fmt.Errorf("storing a chunk: %w", bridge.WrapError(bridge.CodeStorageUnavailable, cause))
	require.ErrorIs(t, err, cause)
	require.ErrorIs(t, err, bridge.NewError(bridge.CodeStorageUnavailable, "whatever it says"))
	require.NotErrorIs(t, err, bridge.NewError(bridge.CodeStorageFull, ""))
	require.Equal(t, bridge.CodeStorageUnavailable, bridge.CodeOf(err))
	require.EqualError(t, bridge.AsError(err), "the document store cannot be reached: connection reset")

	require.Equal(t, bridge.Code(""), bridge.CodeOf(cause))
	require.Equal(t, bridge.CodeInternal, bridge.AsError(cause).Code)
	require.ErrorIs(t, bridge.AsError(cause), cause)
}

func TestErrorCauseNeverCrossesTheWire(t *testing.T) {
	e := bridge.WrapError(bridge.CodeInternal, errors.New("dial tcp 10.0.0.7:9000"))
	require.NotContains(t, string(bridge.AppendError(nil, e)), "10.0.0.7")
}

// Some messages quote a stranger's input; the error must still fit into the wire
// message that carries it, and decode there.
func TestErrorsFitIntoAMessage(t *testing.T) {
	key := strings.Repeat("ﷺ", 8000)
	_, err := bridge.FromPage([]byte(`{"type":"ping","ref":1,"` + key + `":1}`))
	requireCode(t, err, bridge.CodeMessage)

	fail := &bridge.Fail{Ref: 1, Error: *bridge.AsError(err)}
	m, err := bridge.FromProxy(bridge.AppendMessage(nil, fail))
	require.NoError(t, err)
	require.Equal(t, fail, m)
}

func TestClosedListsHaveNoDuplicates(t *testing.T) {
	unique(t, bridge.Kinds)
	unique(t, bridge.Cautions)
	unique(t, bridge.UploadStates)
	unique(t, bridge.AllRights)
}

func unique[T comparable](t *testing.T, list []T) {
	t.Helper()
	seen := map[T]bool{}
	for _, v := range list {
		require.False(t, seen[v], "%v", v)
		seen[v] = true
	}
	require.NotEmpty(t, list)
}
