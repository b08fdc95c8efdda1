package cli

import (
	"context"
	"errors"
	"log/slog"

	"attache/proxy"
	"attache/proxy/assembly"
	"attache/proxy/backend"
	"attache/proxy/engine"
)

// systemFlags choose the systems that the proxy uses: each is our own unless a flag names another.
type systemFlags struct {
	backendFlags
	ucsFlags
	gwsFlags
	Documents string `default:"" enum:",own,backend" help:"where documents are: own is --data or --nats, backend is that of --backend; empty is backend if there is one" group:"backend"`
}

func (f systemFlags) check(m *mistakes) {
	f.backendFlags.check(m)
	f.ucsFlags.check(m, f)
	f.gwsFlags.check(m, f.documentsOf())
	if f.Documents == ofBackend && f.Backend == "" {
		m.add("--documents=backend without a backend: name one with --backend")
	}
}

// The systems that a part may be of, as --documents and the log name them.
const (
	own       = "own"
	ofBackend = "backend"
	ofUCS     = "ucs"
	ofGWS     = "gws"
)

// chatOf is the system whose Chat Server is used.
func (f systemFlags) chatOf() string {
	if f.Backend != "" {
		return ofBackend
	}
	return own
}

// agentsOf is the system that stores what agents send.
func (c serve) agentsOf() string {
	if c.GWS != "" {
		return ofGWS
	}
	return c.documentsOf()
}

// documentsOf is the system whose documents are used.
func (f systemFlags) documentsOf() string {
	switch {
	case f.UCS != "":
		return ofUCS
	case f.Documents != "":
		return f.Documents
	}
	return f.chatOf()
}

// ownDocuments reports whether the documents are where everything else is stored.
func (f systemFlags) ownDocuments() bool { return f.documentsOf() == own }

// elsewhere opens the systems that take the place of our own, on the engine. b is nil without a
// backend. Call closed after the proxy has ended.
func (f systemFlags) elsewhere(ctx context.Context, e *engine.Engine, b *backend.Client, keepDays int, log *slog.Logger) (w assembly.Elsewhere, closed func(), err error) {
	if b != nil {
		w = assembly.OfBackend(b)
	}
	if f.ownDocuments() {
		w.Documents, w.Library = nil, nil // its standard responses are documents of its own
	}
	if f.announcedByGWS() && w.Chat != nil {
		if _, ok := w.Chat.(proxy.Transcripts); !ok {
			return w, nil, errors.New("--gws-option=announce=gws needs a backend with the feature transcripts, and this one does not have it")
		}
	}
	closeUCS, err := f.ucsFlags.use(ctx, e, keepDays, &w, log)
	if err != nil {
		return w, nil, err
	}
	closeGWS, err := f.gwsFlags.use(ctx, e, keepDays, &w, log)
	if err != nil {
		closeUCS()
		return w, nil, err
	}
	return w, func() { closeGWS(); closeUCS() }, nil
}
