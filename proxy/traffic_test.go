package proxy_test

import (
	"maps"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"attache/bridge"

	"github.com/stretchr/testify/require"
)

// scrape reads our own series as Prometheus does, except those of time and disk space.
func (w *world) scrape() map[string]float64 {
	w.t.Helper()
	series := map[string]float64{}
	for line := range strings.Lines(w.scraped()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.HasPrefix(name, "attache_") || strings.Contains(name, "_seconds_sum") ||
			strings.Contains(name, "_bucket{") || strings.HasPrefix(name, "attache_store_") {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		require.NoError(w.t, err)
		series[name] = v
	}
	return series
}

func (w *world) scraped() string {
	answer := httptest.NewRecorder()
	w.Metrics.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(w.t, 200, answer.Code, answer.Body)
	return answer.Body.String()
}

// moved returns the changes between two scrapes.
func moved(before, after map[string]float64) map[string]float64 {
	change := map[string]float64{}
	for name, v := range after {
		if v != before[name] {
			change[name] = v - before[name]
		}
	}
	return change
}

func TestMetricsCountWhatHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := []struct {
		name string
		do   func(t *testing.T)
		want map[string]float64
	}{
		{"pages come", func(*testing.T) {
			w.join(w.agent)
			w.join(w.agent)
			w.join(w.customer)
			w.join(w.Token("s2", "alice", bridge.Agent, bridge.AllRights...))
		}, map[string]float64{"attache_chat_sockets": 4, "attache_parties": 3, "attache_sessions": 2}},
		{"a page goes", func(*testing.T) {
			p, _ := w.join(w.Token("s3", "eve", bridge.Agent, bridge.AllRights...))
			p.conn.CloseNow()
		}, map[string]float64{}},
		{"from the page to the notice, and down", func(t *testing.T) {
			p, _ := w.join(w.agent)
			file := w.upload(p, w.data(w.agent), "report.pdf", random(300_000))
			w.fetch(w.ticket(p, file.ID), nil, 200)
		}, map[string]float64{
			"attache_chat_sockets":                     1,
			`attache_uploads_total{state="offered"}`:   1,
			`attache_uploads_total{state="accepted"}`:  1,
			`attache_uploads_total{state="announced"}`: 1,
			"attache_upload_bytes_total":               300_000,
			"attache_download_bytes_total":             300_000,
			"attache_delivery_lag_seconds_count":       1,
			"attache_delivery_tries_sum":               1,
			"attache_delivery_tries_count":             1,
		}},
		{"taken back", func(t *testing.T) {
			p, _ := w.join(w.agent)
			d, key := w.data(w.agent), newKey()
			p.offer(&bridge.Offer{Key: key, Name: "a.bin", Size: 1000})
			d.frame(key, 0, random(400))
			await(d, func(m *bridge.Ack) bool { return m.Stored == 400 })
			p.send(&bridge.Cancel{Key: key})
		}, map[string]float64{
			"attache_chat_sockets":                     1,
			`attache_uploads_total{state="offered"}`:   1,
			`attache_uploads_total{state="cancelled"}`: 1,
			"attache_upload_bytes_total":               400,
		}},
		{"another file than announced", func(t *testing.T) {
			p, _ := w.join(w.agent)
			key := newKey()
			p.offer(&bridge.Offer{Key: key, Name: "a.bin", Size: 10, Digest: strings.Repeat("0", 64)})
			w.data(w.agent).frame(key, 0, random(10))
		}, map[string]float64{
			"attache_chat_sockets":                                  1,
			`attache_uploads_total{state="offered"}`:                1,
			`attache_uploads_total{state="failed"}`:                 1,
			`attache_upload_failures_total{code="digest-mismatch"}`: 1,
			"attache_upload_bytes_total":                            10,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var before map[string]float64
			require.True(t, pollUntil(func() bool { // the case before may still be in the queue
				before = w.scrape()
				return before[`attache_delivery_queue_length{state="taken"}`]+before[`attache_delivery_queue_length{state="waiting"}`] == 0
			}))
			tt.do(t)
			var got map[string]float64
			if !pollUntil(func() bool { got = moved(before, w.scrape()); return maps.Equal(got, tt.want) }) {
				require.Equal(t, tt.want, got)
			}
		})
	}
}

// pollUntil waits for a condition that no message reports.
func pollUntil(is func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(wait); !is(); {
		select {
		case <-tick.C:
		case <-late:
			return false
		}
	}
	return true
}

func TestT2MetricsNameNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.Token("session-canary", "user-canary", bridge.Agent, bridge.AllRights...)
	p, _ := w.join(token)
	file := w.upload(p, w.data(token), "name-canary.pdf", random(10))
	path := w.ticket(p, file.ID)
	w.fetch(path, nil, 200)
	text := w.scraped()
	require.Contains(t, text, "attache_download_bytes_total 10\n")
	for _, secret := range []string{"canary", token, strings.Split(path, "/")[3], file.DocumentID, file.Key} {
		require.NotContains(t, text, secret)
	}
}
