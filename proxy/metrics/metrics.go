// Package metrics tells Prometheus what a proxy does.
//
// Most of it is asked for at each scrape, from who knows it anyway ([Sources]);
// only what has a distribution is counted as it happens: what uploads come to
// ([Metrics.Upload]) and what a scanner says ([Metrics.Scanner]). The proxy and
// the delivery loop know nothing of this package.
//
//	m := metrics.New(release)
//	records.OnWritten(m.Upload)
//	loop, err := deliver.Start(ctx, deliver.Options{Scanner: m.Scanner(scanner), …})
//	m.Ask(metrics.Sources{Traffic: p.Traffic, Queue: loop.Queue, Space: engine.Space})
//	http.Handle("GET /metrics", m.Handler())
//
// Every number is this process's own, so that the sum over several proxies is
// theirs together; only the queue and the space belong to the engine that they
// share. Labels have values of closed lists: no session, user or name is one.
package metrics

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const namespace = "attache"

// Metrics is one process's registry.
type Metrics struct {
	registry *prometheus.Registry
	uploads  uploads
	scans    scans
}

// New returns a registry that knows of no proxy yet. version is the release.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), uploads: newUploads(), scans: newScans()}
	m.registry.MustRegister(
		build(version), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.uploads.states, m.uploads.failures, m.uploads.lag, m.uploads.tries, m.scans.verdicts, m.scans.seconds,
	)
	return m
}

func build(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "1, by the release and the Go version it was built with.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}

// AcceptFailures registers count, which returns how many connections could not be
// accepted so far. Call it once.
func (m *Metrics) AcceptFailures(count func() int64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Namespace: namespace, Name: "accept_failures_total", Help: "Connections that could not be accepted: no file descriptor was left.",
	}, func() float64 { return float64(count()) }))
}

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	// Scrapes that pile up behind a slow one get its answer.
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{CoalesceGather: true})
}
