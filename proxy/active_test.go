package proxy_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"attache/proxy"
	"attache/proxy/chat"
)

// activeChat notes which parties are active.
type activeChat struct {
	*chat.Server
	mu     sync.Mutex
	active map[string]int
}

func (c *activeChat) Active(session, userID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active[session+" "+userID]++
}

// An upload keeps its session from being closed as idle: with each piece Chat Server learns
// that its party is active, and with nothing else.
func TestUploadIsActivity(t *testing.T) {
	t.Parallel()
	c := &activeChat{active: map[string]int{}}
	w := newWorld(t, func(o *proxy.Config) { c.Server = o.Chat.(*chat.Server); o.Chat = c })
	w.join(w.agent)
	p, _ := w.join(w.customer)
	d := w.data(w.customer)
	require.Empty(t, c.active)
	w.upload(p, d, "a.pdf", bytes.Repeat([]byte("%PDF"), 1000))
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Len(t, c.active, 1)
	require.Positive(t, c.active["s1 carol"])
}
