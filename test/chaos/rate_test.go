package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestIntent_DeliveryCountsFromTheFirstSign(t *testing.T) {
	now := time.Now()
	after := func(ms int) time.Time { return now.Add(time.Duration(ms) * time.Millisecond) }
	for _, c := range []struct {
		name   string
		intent intent
		want   time.Duration
	}{
		{"acked first", intent{complete: now, accepted: after(1), seen: after(3)}, 3 * time.Millisecond},
		{"accepted first", intent{complete: after(1), accepted: now, seen: after(3)}, 3 * time.Millisecond},
		{"never acked", intent{accepted: now, seen: after(2)}, 2 * time.Millisecond},
		{"notice first", intent{complete: after(1), seen: now}, 0},
		{"only the notice", intent{seen: now}, 0},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, c.intent.delivery()) })
	}
}
