package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"attache/bridge"
	"attache/proxy"
)

// countedStates are those that an upload enters once; it may enter the others again.
var countedStates = []bridge.UploadState{bridge.Offered, bridge.Accepted, bridge.Announced, bridge.Failed, bridge.Cancelled}

type uploads struct {
	states, failures *prometheus.CounterVec
	lag, tries       prometheus.Histogram
}

func newUploads() uploads {
	u := uploads{
		states: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "uploads_total", Help: "Uploads by the state that they entered.",
		}, []string{"state"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "upload_failures_total", Help: "Failed uploads by code.",
		}, []string{"code"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "delivery_lag_seconds", Help: "Time from an upload's last durable byte to its notice.",
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600},
		}),
		tries: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "delivery_tries", Help: "Tries of the last step of a delivery.",
			Buckets: []float64{1, 2, 3, 5, 10, 25, 50, 100, 250},
		}),
	}
	for _, s := range countedStates {
		u.states.WithLabelValues(string(s))
	}
	return u
}

// Upload counts a change of an upload. It expects each written record once.
func (m *Metrics) Upload(r proxy.Record) {
	if r.Deletion != "" {
		return // it was counted when it was announced
	}
	u := m.uploads
	if slices.Contains(countedStates, r.State) {
		u.states.WithLabelValues(string(r.State)).Inc()
	}
	switch {
	case r.State == bridge.Failed:
		u.failures.WithLabelValues(string(r.Code.Rule().Code)).Inc()
	case r.State == bridge.Announced && !r.Accepted.IsZero():
		// Two proxies' clocks may differ.
		u.lag.Observe(max(0, r.Changed.Sub(r.Accepted).Seconds()))
	}
	if r.State.Final() && r.Tries > 0 {
		u.tries.Observe(float64(r.Tries))
	}
}
