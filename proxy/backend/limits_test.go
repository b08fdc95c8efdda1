package backend_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/backend"
	"attache/proxy/limits"
	"attache/proxy/proxytest"
)

// A change at the backend reaches the proxy, also one that it made while it was not asked.
func TestWatchLimits_ChangesAtTheBackend(t *testing.T) {
	t.Parallel()
	base := limits.Standard()
	b := &world{Backend: proxytest.StartBackend(t, func(o *assembly.Options) { o.Limits = &base }), t: t}
	b.serve(nil, nil)
	c := b.dial(b.options()).Chat()
	join(t.Context(), t, c, "s1")
	calls := make(chan struct{}, 16)
	stop := c.(proxy.LiveLimits).WatchLimits(func() { calls <- struct{}{} })
	defer stop()
	<-calls // it may have missed some
	for _, files := range []int64{7, 0} {
		d := b.Limits.Current()
		d.Settings.UploadMaxFiles = files
		_, err := b.Limits.Change(t.Context(), d.Revision, d.Settings, "test")
		require.NoError(t, err)
		<-calls
		l, err := c.(proxy.Allowances).Limits(t.Context(), "s1", "carol")
		require.NoError(t, err)
		require.Equal(t, files, l.MaxFiles)
	}
}

// A backend that does not know a command would keep it as a notice without a meaning.
func TestPost_CommandsThatTheBackendLacks(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	b.serve(func(o *backend.HandlerOptions) { o.WithoutFileCommands = true }, nil)
	c := b.dial(b.options()).Chat()
	join(t.Context(), t, c, "s1")
	for _, e := range []bridge.Event{
		{Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileConfig},
		{Type: bridge.Notice, NoticeType: bridge.SystemCommand, Text: bridge.FileDeleted, Data: bridge.Data{bridge.Text(bridge.KeyFileID, "1")}},
	} {
		_, err := c.Post(t.Context(), "s1", "carol", e)
		require.Equal(t, bridge.CodeForbidden, bridge.CodeOf(err), "%v", err)
	}
}
