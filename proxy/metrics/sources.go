package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"attache/bridge"
	"attache/proxy"
)

// Sources are called at each scrape.
type Sources struct {
	// Traffic is the proxy's.
	Traffic func() proxy.Traffic
	// Queue returns how many changes of uploads wait in the delivery's queue, and how many a
	// proxy has taken.
	Queue func(context.Context) (waiting, taken int, err error)
	// FreeSpace returns how many bytes the engine may still store, or bridge.NoLimit, and the
	// mark below which new uploads are refused.
	FreeSpace func(context.Context) (free, low int64, err error)
	// Signatures returns the age of the virus scanner's signatures; nil if nothing is scanned.
	Signatures func(context.Context) (age time.Duration, err error)
}

// scrapeTimeout bounds the time that the engine and the scanner take for a scrape. A value that
// they do not return is missing from it.
const scrapeTimeout = 2 * time.Second

// Collect adds the sources' values to each scrape. Call it once.
func (m *Metrics) Collect(s Sources) { m.registry.MustRegister(collector{s}) }

// collector is a prometheus.Collector.
type collector struct{ sources Sources }

var (
	chatSockets = describe("chat_sockets", "Open chat sockets.")
	parties     = describe("parties", "Parties with an open chat socket.")
	sessions    = describe("sessions", "Chat sessions with a party that has an open chat socket.")
	up          = describe("upload_bytes_total", "Bytes of files that were made durable.")
	down        = describe("download_bytes_total", "Bytes of files that were written to connections.")
	queue       = describe("delivery_queue_length", "Changes of uploads in the delivery's queue: waiting, or taken by a proxy.", "state")
	free        = describe("store_free_bytes", "Bytes that the engine may still store; missing if it has no limit.")
	low         = describe("store_low_water_bytes", "Free bytes below which new uploads are refused.")
	signatures  = describe("scanner_signatures_age_seconds", "Age of the virus scanner's signatures; missing if it is unknown or nothing is scanned.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

func (collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{chatSockets, parties, sessions, up, down, queue, free, low, signatures} {
		out <- d
	}
}

func (c collector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	counter := func(d *prometheus.Desc, v int64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	t := c.sources.Traffic()
	gauge(chatSockets, int64(t.ChatSockets))
	gauge(parties, int64(t.Parties))
	gauge(sessions, int64(t.Sessions))
	counter(up, t.Up)
	counter(down, t.Down)
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	if waiting, taken, err := c.sources.Queue(ctx); err == nil {
		gauge(queue, int64(waiting), "waiting")
		gauge(queue, int64(taken), "taken")
	}
	if left, mark, err := c.sources.FreeSpace(ctx); err == nil && left != bridge.NoLimit {
		gauge(free, left)
		gauge(low, mark)
	}
	if c.sources.Signatures == nil {
		return
	}
	if age, err := c.sources.Signatures(ctx); err == nil {
		gauge(signatures, int64(age/time.Second))
	}
}
