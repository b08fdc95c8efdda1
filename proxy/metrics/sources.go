package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"attache/bridge"
	"attache/proxy"
)

// Sources are asked at each scrape.
type Sources struct {
	// Traffic is the proxy's.
	Traffic func() proxy.Traffic
	// Queue is how many changes of uploads the delivery has not taken, and how
	// many it has.
	Queue func(context.Context) (waiting, taken int, err error)
	// Space is how many bytes the engine may still keep, or bridge.NoLimit, and
	// below how many new uploads are refused.
	Space func(context.Context) (free, low int64, err error)
	// Signatures is how old those of the virus scanner are; nil where nothing is
	// scanned.
	Signatures func(context.Context) (age time.Duration, err error)
}

// askTime bounds what the engine and the scanner may take for their part of a
// scrape. A number that they did not tell is left out.
const askTime = 2 * time.Second

// Ask adds what the sources tell. Call it once.
func (m *Metrics) Ask(s Sources) { m.registry.MustRegister(asked{s}) }

// asked is a collector of numbers that others keep.
type asked struct{ Sources }

var (
	chatSockets = describe("chat_sockets", "Chat sockets that are open.")
	parties     = describe("parties", "Parties that have a chat socket open.")
	sessions    = describe("sessions", "Chat sessions with a party that has a chat socket open.")
	up          = describe("upload_bytes_total", "Bytes of files made durable.")
	down        = describe("download_bytes_total", "Bytes of files handed to connections.")
	queue       = describe("delivery_queue_length", "Changes of uploads in the delivery's queue: waiting, or taken by a proxy.", "state")
	free        = describe("store_free_bytes", "Bytes that the engine may still keep; missing where it has no limit.")
	low         = describe("store_low_water_bytes", "Free bytes below which new uploads are refused.")
	signatures  = describe("scanner_signatures_age_seconds", "Age of the virus scanner's signatures; missing where it is unknown, or nothing is scanned.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// Describe is of prometheus.Collector.
func (asked) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{chatSockets, parties, sessions, up, down, queue, free, low, signatures} {
		c <- d
	}
}

// Collect is of prometheus.Collector.
func (a asked) Collect(c chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	counter := func(d *prometheus.Desc, v int64) {
		c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	t := a.Traffic()
	gauge(chatSockets, int64(t.ChatSockets))
	gauge(parties, int64(t.Parties))
	gauge(sessions, int64(t.Sessions))
	counter(up, t.Up)
	counter(down, t.Down)
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	if waiting, taken, err := a.Queue(ctx); err == nil {
		gauge(queue, int64(waiting), "waiting")
		gauge(queue, int64(taken), "taken")
	}
	if left, mark, err := a.Space(ctx); err == nil && left != bridge.NoLimit {
		gauge(free, left)
		gauge(low, mark)
	}
	if a.Signatures == nil {
		return
	}
	if age, err := a.Signatures(ctx); err == nil {
		gauge(signatures, int64(age/time.Second))
	}
}
