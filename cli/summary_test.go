package cli

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
)

func TestServeLogsLimits(t *testing.T) {
	types := bridge.VendorLimits()
	types.Types, types.NeedAgent = []string{"jpg", "pdf"}, true
	for says, l := range map[string]bridge.Limits{
		"3 files, each up to 2 MB, together up to 5 MB; 2 downloads": bridge.VendorLimits(),
		"any number of files; any number of downloads":               bridge.Unlimited(),
		"no uploads; 0 downloads":                                    {},
		"3 files, each up to 2 MB, together up to 5 MB, of types jpg pdf, once an agent has joined; 2 downloads": types,
	} {
		require.Equal(t, says, summary(l))
	}
	logged := func(c serve) string {
		var log strings.Builder
		c.logLimits(slog.New(slog.NewTextHandler(&log, nil)), c.settings())
		return log.String()
	}
	off := logged(serve{scannerFlags: scannerFlags{Scanner: "off"}})
	require.Contains(t, off, "level=WARN")
	require.Contains(t, off, "the scanner is off")
	on := logged(serve{scannerFlags: scannerFlags{Scanner: "strict", ScanMaxSize: 25 << 20}, systemFlags: systemFlags{backendFlags: backendFlags{Backend: "https://backend.example"}}})
	require.NotContains(t, on, "WARN")
	require.Contains(t, on, "up to 25 MB")
	require.Contains(t, on, "set by the backend")
	require.Contains(t, on, "chat=backend documents=backend agents_files=backend")
	require.Contains(t, off, "scanned=none")
	require.Contains(t, logged(serve{gmsFlags: gmsFlags{GMS: "https://gms.example"}, scannerFlags: scannerFlags{Scanner: "off"}}), `customers="set by GMS"`)
	require.Contains(t, off, "chat=own documents=own agents_files=own")
}
