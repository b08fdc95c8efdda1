package proxy_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
)

// following is a running Follow.
type following struct {
	t        testing.TB
	statuses chan proxy.FlexStatus
	ended    chan error
	stop     context.CancelFunc
}

func (c *caller) follow(w *world, from int64) *following {
	ctx, stop := context.WithCancel(w.t.Context())
	f := &following{t: c.t, statuses: make(chan proxy.FlexStatus), ended: make(chan error, 1), stop: stop}
	user := c.user
	go func() {
		f.ended <- w.Proxy.Flex().Follow(ctx, user, from, func(s proxy.FlexStatus) error {
			select {
			case f.statuses <- s:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	w.t.Cleanup(stop)
	return f
}

func (f *following) next() proxy.FlexStatus {
	f.t.Helper()
	select {
	case s := <-f.statuses:
		return s
	case err := <-f.ended:
		require.FailNow(f.t, "it has ended", err)
	}
	return proxy.FlexStatus{}
}

func TestFlexFollow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.FlexDisconnectTimeout = flexAway })
	ann, _ := w.call("Ann", "s1")
	f := ann.follow(w, 1)
	require.Equal(t, []string{"1 new-party"}, eventWords(f.next()))

	_, alice := w.agentJoins("s1")
	require.Equal(t, []string{"2 new-party"}, eventWords(f.next()))
	internal := spoken("do not tell")
	internal.Visibility = bridge.Internal
	w.posts("s1", alice, internal)
	w.posts("s1", alice, spoken("good morning"))
	s := f.next()
	require.Equal(t, []string{"2 message good morning"}, eventWords(s))
	require.EqualValues(t, 4, s.Transcript.LastPosition, "hidden entries count")
	require.Equal(t, ann.user.SecureKey, s.SecureKey)

	w.posts("s1", alice, typed("I am"))
	s = f.next()
	require.Equal(t, []string{"2 notice TYPING_STARTEDI am"}, eventWords(s))
	require.EqualValues(t, 4, s.Transcript.LastPosition, "a position never goes back")
	ann.user.FromPosition = 0
	require.Empty(t, eventWords(ann.refresh(w, proxy.FlexRefresh{})), "what was pushed is in no answer")

	// A party that makes one request and follows nothing leaves meanwhile; this one does not.
	away, _ := w.call("Bob", "s1")
	require.Equal(t, []string{"3 new-party"}, eventWords(f.next()))
	require.Equal(t, []string{"3 party-left"}, eventWords(f.next()))
	require.True(t, away.refresh(w, proxy.FlexRefresh{}).Ended)

	_, err := w.Proxy.Flex().Logout(t.Context(), proxy.FlexLogout{FlexUser: ann.user})
	require.NoError(t, err)
	require.Equal(t, []string{"1 party-left"}, eventWords(f.next()))
	require.Equal(t, bridge.CodeNotJoined, bridge.CodeOf(<-f.ended))
}

func TestFlexFollow_FromAPosition(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) { c.FlexDisconnectTimeout = time.Hour })
	ann, _ := w.call("Ann", "s1")
	for _, text := range []string{"2", "3", "4"} {
		ann.refresh(w, proxy.FlexRefresh{Text: text})
	}
	f := ann.follow(w, 3)
	require.Equal(t, []string{"1 message 3", "1 message 4"}, eventWords(f.next()))
	f.stop()
	require.ErrorIs(t, <-f.ended, context.Canceled)

	f = ann.follow(w, 0)
	_, alice := w.agentJoins("s1")
	require.Equal(t, []string{"2 new-party"}, eventWords(f.next()), "0 is only what is new")
	f.stop()
	<-f.ended
	w.posts("s1", alice, typed("hm"))
	require.Eventually(t, func() bool { return len(eventWords(ann.refresh(w, proxy.FlexRefresh{}))) > 0 || !w.posted(alice) }, 30*time.Second, 10*time.Millisecond,
		"after it transient notices wait for requests again")
}

// posted posts typing once more, because nobody reads it before the next request.
func (w *world) posted(user string) bool {
	w.posts("s1", user, typed("hm"))
	return true
}

func TestFlexFollow_Refuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, _ := w.call("Ann", "s1")
	wrong := &caller{t: t, user: ann.user}
	wrong.user.SecureKey = "another"
	require.Equal(t, bridge.CodeSecureKey, bridge.CodeOf(<-wrong.follow(w, 1).ended))
	f := ann.follow(w, 0)
	w.Proxy.Close()
	require.Error(t, <-f.ended)
}
