package chat_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy/chat"
)

// BenchmarkPost measures a message from Post until it is delivered to a
// subscriber of the same process.
func BenchmarkPost(b *testing.B) {
	s := start(b, chat.Options{})
	join(b, s, "bench", ann, bob)
	ctx, cancel := context.WithCancel(b.Context())
	arrived := make(chan bridge.Event, 1)
	done := make(chan error, 1)
	go func() {
		done <- s.Events(ctx, "bench", ann.UserID, 2, func(e bridge.Event) error {
			arrived <- e
			return nil
		})
	}()
	var posts, trips []time.Duration
	for b.Loop() {
		began := time.Now()
		sent := post(b, s, "bench", bob, text("hello"))
		posts = append(posts, time.Since(began))
		require.Equal(b, sent.ID, (<-arrived).ID)
		trips = append(trips, time.Since(began))
	}
	cancel()
	<-done
	slices.Sort(posts)
	slices.Sort(trips)
	b.ReportMetric(float64(posts[len(posts)/2].Microseconds()), "µs-post-p50")
	b.ReportMetric(float64(trips[len(trips)/2].Microseconds()), "µs-delivered-p50")
	b.ReportMetric(float64(trips[len(trips)*99/100].Microseconds()), "µs-delivered-p99")
}

// BenchmarkPostSessions measures messages a second over many sessions at once.
func BenchmarkPostSessions(b *testing.B) {
	s := start(b, chat.Options{})
	sessions := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for _, session := range sessions {
		join(b, s, session, bob)
	}
	turn := make(chan string, len(sessions))
	for _, session := range sessions {
		turn <- session
	}
	b.SetParallelism(len(sessions) / 2)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			session := <-turn
			post(b, s, session, bob, text("hello"))
			turn <- session
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
}
