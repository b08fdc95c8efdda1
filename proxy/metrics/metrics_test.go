package metrics_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"attache/bridge"
	"attache/proxy"
	"attache/proxy/metrics"
)

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(t, http.StatusOK, answer.Code, answer.Body)
	return answer.Body.String()
}

var errAway = errors.New("unavailable")

func sources() metrics.Sources {
	return metrics.Sources{
		Traffic: func() proxy.Traffic {
			return proxy.Traffic{ChatSockets: 3, Parties: 2, Sessions: 1, Up: 40, Down: 50}
		},
		Queue:      func(context.Context) (int, int, error) { return 6, 7, nil },
		FreeSpace:  func(context.Context) (int64, int64, error) { return 80, 9, nil },
		Signatures: func(context.Context) (time.Duration, error) { return 36 * time.Hour, nil },
	}
}

// busy has a value in every possible series.
func busy() *metrics.Metrics {
	m := metrics.New("v1.2.3")
	m.Collect(sources())
	for _, state := range bridge.UploadStates {
		m.Upload(proxy.Record{State: state, Tries: 1, Accepted: time.Now(), Changed: time.Now()})
	}
	for _, rule := range bridge.Rules {
		m.Upload(proxy.Record{State: bridge.Failed, Code: rule.Code})
	}
	return m
}

func TestNames_PassPromlint(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, busy()))).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
}

// No label has a value for each user or file.
func TestLabelsAreClosedLists(t *testing.T) {
	m := busy()
	m.Upload(proxy.Record{State: "made-up"})
	m.Mail("made-up")
	m.Upload(proxy.Record{State: bridge.Failed, Code: "made-up"})
	s := m.Scanner(fixedScanner{verdict: "made-up"})
	s.Scan(t.Context(), strings.NewReader(""), proxy.Document{})
	var codes []string
	for _, rule := range bridge.Rules {
		codes = append(codes, string(rule.Code))
	}
	allowed := map[string][]string{
		"state":   {"offered", "accepted", "announced", "failed", "cancelled", "waiting", "taken", "sent", "unclear", "skipped"},
		"code":    codes,
		"verdict": {"clean", "infected", "unscannable", "none"},
	}
	label := regexp.MustCompile(`(\w+)="([^"]*)"`)
	for line := range strings.Lines(scrape(t, m)) {
		if !strings.HasPrefix(line, "attache_") || strings.HasPrefix(line, "attache_build_info") {
			continue
		}
		for _, l := range label.FindAllStringSubmatch(line, -1) {
			if l[1] != "le" {
				require.True(t, slices.Contains(allowed[l[1]], l[2]), line)
			}
		}
	}
}

func TestScrape_HasTheSourcesValues(t *testing.T) {
	m := metrics.New("v1.2.3")
	m.Collect(sources())
	text := scrape(t, m)
	for _, series := range []string{
		"attache_chat_sockets 3", "attache_parties 2", "attache_sessions 1", "attache_upload_bytes_total 40", "attache_download_bytes_total 50",
		`attache_delivery_queue_length{state="waiting"} 6`, `attache_delivery_queue_length{state="taken"} 7`,
		"attache_store_free_bytes 80", "attache_store_low_water_bytes 9",
		"attache_scanner_signatures_age_seconds 129600",
	} {
		require.Contains(t, text, "\n"+series+"\n")
	}
}

func TestScrape_OmitsUnknownValues(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*metrics.Sources)
		gone   string
	}{
		"the queue is away": {func(s *metrics.Sources) {
			s.Queue = func(context.Context) (int, int, error) { return 0, 0, errAway }
		}, "attache_delivery_queue_length{"},
		"the engine is away": {func(s *metrics.Sources) {
			s.FreeSpace = func(context.Context) (int64, int64, error) { return 0, 0, errAway }
		}, "attache_store_free_bytes "},
		"no limit": {func(s *metrics.Sources) {
			s.FreeSpace = func(context.Context) (int64, int64, error) { return bridge.NoLimit, 0, nil }
		}, "attache_store_free_bytes "},
		"T32: the signatures' age is unknown": {func(s *metrics.Sources) {
			s.Signatures = func(context.Context) (time.Duration, error) { return 0, errAway }
		}, "attache_scanner_signatures_age_seconds "},
		"nothing is scanned": {func(s *metrics.Sources) { s.Signatures = nil }, "attache_scanner_signatures_age_seconds "},
	} {
		t.Run(name, func(t *testing.T) {
			m := metrics.New("v1.2.3")
			s := sources()
			c.change(&s)
			m.Collect(s)
			text := scrape(t, m)
			require.NotContains(t, text, "\n"+c.gone)
			require.Contains(t, text, "\nattache_chat_sockets 3\n")
		})
	}
}

func TestLag_IsFromAcceptedToAnnounced(t *testing.T) {
	m := metrics.New("v1.2.3")
	now := time.Now()
	m.Upload(proxy.Record{State: bridge.Announced, Accepted: now.Add(-2 * time.Second), Changed: now, Tries: 3})
	m.Upload(proxy.Record{State: bridge.Announced, Accepted: now.Add(time.Second), Changed: now, Tries: 1}) // clocks differ
	text := scrape(t, m)
	require.Contains(t, text, "\nattache_delivery_lag_seconds_sum 2\n")
	require.Contains(t, text, "\nattache_delivery_lag_seconds_count 2\n")
	require.Contains(t, text, "\nattache_delivery_tries_sum 4\n")
}

// fixedScanner always returns the same result.
type fixedScanner struct {
	verdict proxy.Verdict
	err     error
}

func (s fixedScanner) Scan(context.Context, io.Reader, proxy.Document) (proxy.Verdict, error) {
	return s.verdict, s.err
}

func TestScanner_CountsVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		scanner fixedScanner
		label   string
	}{
		"clean":       {fixedScanner{proxy.Clean, nil}, "clean"},
		"infected":    {fixedScanner{proxy.Infected, nil}, "infected"},
		"unscannable": {fixedScanner{proxy.Unscannable, nil}, "unscannable"},
		"unknown":     {fixedScanner{proxy.Unknown, nil}, "none"},
		"an error":    {fixedScanner{proxy.Clean, errAway}, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			m := metrics.New("v1.2.3")
			got, err := m.Scanner(c.scanner).Scan(t.Context(), strings.NewReader(""), proxy.Document{})
			require.Equal(t, c.scanner, fixedScanner{got, err})
			text := scrape(t, m)
			require.Contains(t, text, "\nattache_scans_total{verdict=\""+c.label+"\"} 1\n")
			require.Contains(t, text, "\nattache_scan_duration_seconds_count 1\n")
		})
	}
	t.Run("nothing is scanned", func(t *testing.T) {
		require.Equal(t, proxy.NoScanner{}, metrics.New("v1.2.3").Scanner(proxy.NoScanner{}))
	})
}
