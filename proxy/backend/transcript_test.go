package backend_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/backend"
)

// flaky answers every third request, and breaks the connection of the others.
func flaky(served http.Handler) http.Handler {
	var requests atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%3 != 0 && r.URL.Path != "/backend" {
			panic(http.ErrAbortHandler)
		}
		served.ServeHTTP(w, r)
	})
}

func TestTranscript_CrossesPagesAndBrokenConnections(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	b.serve(nil, flaky)
	c := b.dial(b.options()).Chat()
	join(t.Context(), t, c, "s1")
	var want []bridge.Event
	for range 50 {
		e, err := b.Chat.Post(t.Context(), "s1", "ann", say(strings.Repeat("x", 12_000)))
		require.NoError(t, err)
		want = append(want, e)
	}
	var got []bridge.Event
	require.NoError(t, c.(proxy.Transcripts).Transcript(t.Context(), "s1", want[0].ID-1, func(e bridge.Event) error {
		got = append(got, e)
		return nil
	}))
	require.Equal(t, want, got)
	enough := errors.New("enough")
	require.ErrorIs(t, c.(proxy.Transcripts).Transcript(t.Context(), "s1", 0, func(bridge.Event) error { return enough }), enough)
	require.Equal(t, bridge.CodeSessionInvalid, bridge.CodeOf(c.(proxy.Transcripts).Transcript(t.Context(), "s 1", 0, nil)))
}

func TestEnded_CrossesBrokenConnections(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	b.serve(nil, flaky)
	c := b.dial(b.options()).Chat()
	sessions := []string{"s1", "s2", "s3"}
	end := func(session string) {
		join(t.Context(), t, b.Chat, session)
		require.NoError(t, b.Chat.Leave(t.Context(), session, "ann", proxy.Departure{Reason: bridge.ReasonLeft, After: bridge.ForceClose}))
	}
	end(sessions[0])
	end(sessions[1])
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got, cursors []string
	err := c.(proxy.Transcripts).Ended(ctx, "", func(session, cursor string) error {
		got, cursors = append(got, session), append(cursors, cursor)
		switch session {
		case "s2":
			end(sessions[2])
		case "s3":
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, sessions, got)
	enough := errors.New("enough")
	require.ErrorIs(t, c.(proxy.Transcripts).Ended(t.Context(), cursors[1], func(session, _ string) error {
		require.Equal(t, "s3", session)
		return enough
	}), enough)
	require.Equal(t, bridge.CodeMessage, bridge.CodeOf(c.(proxy.Transcripts).Ended(t.Context(), "x", nil)))
}

func TestChat_HasWhatTheBackendOffers(t *testing.T) {
	t.Parallel()
	b := newWorld(t)
	for name, c := range map[string]struct {
		chat                    proxy.ChatServer
		allowances, transcripts bool
	}{
		"both":    {b.Chat, true, true},
		"neither": {onlyChat{b.Chat}, false, false},
		"allowances only": {struct {
			proxy.ChatServer
			proxy.Allowances
		}{b.Chat, b.Chat}, true, false},
		"transcripts only": {struct {
			proxy.ChatServer
			proxy.Transcripts
		}{b.Chat, b.Chat}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.of(t)
			b.serve(func(o *backend.HandlerOptions) { o.Chat = c.chat }, nil)
			offered := b.dial(b.options()).Chat()
			_, allowances := offered.(proxy.Allowances)
			_, transcripts := offered.(proxy.Transcripts)
			require.Equal(t, c.allowances, allowances)
			require.Equal(t, c.transcripts, transcripts)
		})
	}
}
