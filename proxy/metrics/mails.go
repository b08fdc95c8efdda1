package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// mailEnds are a mail's final states.
var mailEnds = []string{"sent", "unclear", "failed", "skipped"}

func newMails() *prometheus.CounterVec {
	mails := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "mails_total", Help: "Transcript mails by the state that they ended in.",
	}, []string{"state"})
	for _, s := range mailEnds {
		mails.WithLabelValues(s)
	}
	return mails
}

// Mail counts the end of a mail.
func (m *Metrics) Mail(state string) {
	if slices.Contains(mailEnds, state) {
		m.mails.WithLabelValues(state).Inc()
	}
}
