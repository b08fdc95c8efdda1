package metrics

import (
	"context"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"attache/proxy"
)

type scans struct {
	verdicts *prometheus.CounterVec
	seconds  prometheus.Histogram
}

// noVerdict is the label of a scan without one of the three verdicts.
const noVerdict = "none"

func newScans() scans {
	s := scans{
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "scans_total", Help: "Scans by verdict; none if the scanner failed.",
		}, []string{"verdict"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "scan_duration_seconds", Help: "Duration of scans, whatever their verdict.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}),
	}
	for _, v := range []string{string(proxy.Clean), string(proxy.Infected), string(proxy.Unscannable), noVerdict} {
		s.verdicts.WithLabelValues(v)
	}
	return s
}

// Scanner returns s with its scans counted, or s itself if it does not scan.
func (m *Metrics) Scanner(s proxy.Scanner) proxy.Scanner {
	if _, off := s.(proxy.NoScanner); off {
		return s
	}
	return scanner{s, m.scans}
}

type scanner struct {
	proxy.Scanner
	scans scans
}

func (s scanner) Scan(ctx context.Context, content io.Reader, d proxy.Document) (proxy.Verdict, error) {
	start := time.Now()
	v, err := s.Scanner.Scan(ctx, content, d)
	s.scans.seconds.Observe(time.Since(start).Seconds())
	s.scans.verdicts.WithLabelValues(label(v, err)).Inc()
	return v, err
}

func label(v proxy.Verdict, err error) string {
	switch {
	case err != nil:
		return noVerdict
	case v == proxy.Clean, v == proxy.Infected, v == proxy.Unscannable:
		return string(v)
	}
	return noVerdict
}
