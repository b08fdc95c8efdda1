package chat_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/chat"
)

func TestNamedOptions_DefaultIsTheZeroValue(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range chat.NamedOptions.Rows {
		require.Regexp(t, `^([a-z]+-[a-z]+/)?[a-z0-9]+(-[a-z0-9]+)*$`, n.Name)
		require.False(t, seen[n.Name], "%s is in the table twice", n.Name)
		seen[n.Name] = true
		require.NotEmpty(t, n.Help, n.Name)
		require.NotEmpty(t, n.Values, n.Name)
		require.Regexp(t, regexp.MustCompile(`\b[DOIU]: `), n.Source, "%s needs a source with its certainty", n.Name)

		var zero, set chat.Options
		if n.Default != "" {
			require.NoError(t, set.SetNamed(n.Name+"="+n.Default))
		}
		zero, set = chat.WithDefaults(zero), chat.WithDefaults(set)
		zero.CustomerLimits, zero.AgentLimits, zero.AdmitText, zero.Log, zero.Now = nil, nil, nil, nil, nil
		set.CustomerLimits, set.AgentLimits, set.AdmitText, set.Log, set.Now = nil, nil, nil, nil, nil
		require.Equal(t, zero, set, n.Name)
	}
}

func TestSetNamed(t *testing.T) {
	var o chat.Options
	require.NoError(t, o.SetNamed("session-password-enforce=true"))
	require.NoError(t, o.SetNamed("system-below-103=EXTERNAL"))
	require.NoError(t, o.SetNamed("reason-text-7=idle; good-bye = end"))
	require.True(t, o.EnforcePassword)
	require.Equal(t, chat.SystemAsExternal, o.SystemBelow103)
	require.Equal(t, "idle; good-bye = end", o.ReasonTexts[7])

	for setting, says := range map[string]string{
		"":                             "write NAME=VALUE",
		"session-password-enforce":     "write NAME=VALUE",
		"session-password-enforce=":    "true or false",
		"session-password-enforce=yes": "true or false",
		"session-password=true":        "is it session-password-enforce?",
		"Session-Password-Enforce=1":   "is it session-password-enforce?",
		"xyz=1":                        "--help lists the names",
		"system-below-103=system":      "hide, EXTERNAL, AGENT",
		"reason-text-7=":               "1 to 256 bytes",
		"reason-text-7=a\x00b":         "XML",
	} {
		require.ErrorContains(t, o.SetNamed(setting), says, "%q", setting)
	}
	require.True(t, o.EnforcePassword, "a mistake changes nothing")
}
