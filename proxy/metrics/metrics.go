// Package metrics exports a proxy's metrics to Prometheus.
//
// Most values exist anyway and are collected at each scrape ([Sources]). Only distributions are
// counted as they happen: the results of uploads ([Metrics.Upload]) and of scans
// ([Metrics.Scanner]). The proxy and the delivery loop do not depend on this package.
//
//	m := metrics.New(release)
//	records, err := deliver.OpenRecords(ctx, engine, deliver.RecordsOptions{OnWritten: m.Upload})
//	loop, err := deliver.Start(ctx, deliver.Options{Scanner: m.Scanner(scanner), …})
//	m.Collect(metrics.Sources{Traffic: p.Traffic, Queue: loop.Queue, FreeSpace: engine.FreeSpace})
//	http.Handle("GET /metrics", m.Handler())
//
// Every value is this process's own, so that the sum over several proxies is their total; only the
// queue and the free space belong to the engine that they share. Labels have values from closed
// lists: no session, user or file name is one.
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
	mails    *prometheus.CounterVec
}

// New returns a registry without sources. version is the release.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), uploads: newUploads(), scans: newScans(), mails: newMails()}
	m.registry.MustRegister(
		build(version), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.uploads.states, m.uploads.failures, m.uploads.lag, m.uploads.tries, m.scans.verdicts, m.scans.seconds, m.mails,
	)
	return m
}

func build(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1, labelled with the release and its Go version.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}

// AcceptFailures registers count, which returns how many connections could not be
// accepted so far. Call it once.
func (m *Metrics) AcceptFailures(count func() int64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Namespace: namespace, Name: "accept_failures_total", Help: "Connections that could not be accepted because no file descriptor was left.",
	}, func() float64 { return float64(count()) }))
}

// Handler serves scrapes.
func (m *Metrics) Handler() http.Handler {
	// Scrapes that arrive during a slow one get its response.
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{CoalesceGather: true})
}
