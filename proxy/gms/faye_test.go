package gms_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy/bayeux/bayeuxtest"
	"attache/proxy/gms"
)

// Faye's client has the Bayeux protocol from its specification, and shares no code with CometD.
func TestCometD_AFayeClientChats(t *testing.T) {
	t.Parallel()
	modules := bayeuxtest.Modules(t)
	if _, err := os.Stat(filepath.Join(modules, "faye")); err != nil {
		t.Skip("the package faye is not installed: npm ci --prefix web")
	}
	for _, transport := range []string{"long-polling", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			w := startPush(t, gms.CometD{}, slow)
			said, err := exec.CommandContext(t.Context(), "node", "testdata/faye.mjs", modules, w.url+gms.PathCometD, transport).Output()
			require.NoError(t, err)
			require.JSONEq(t, `["`+transport+`","ParticipantJoined ","Message hello"]`, string(said))
		})
	}
}
