package gms

import (
	"context"
	"crypto/rand"
	"net/http"

	"attache/bridge"
	"attache/proxy"
)

// ServeDownload answers with the bytes of a file, as an attachment. Each call is one of the
// customer's attempts. identify completes what the call says of the party; nil: it says all.
func (s *Server) ServeDownload(w http.ResponseWriter, r *http.Request, c *Call, identify func(*Call) error) {
	var download *proxy.Download
	_, err := s.do(r.Context(), c, func(_ *Server, ctx context.Context, c *Call) (_ Reply, err error) {
		if identify != nil {
			if err := identify(c); err != nil {
				return Reply{}, err
			}
		}
		download, err = s.openDownload(ctx, c)
		return Reply{}, err
	})
	if err != nil {
		s.refuseDownload(w, r, err)
		return
	}
	defer download.Close()
	if err := download.Send(w); err != nil {
		s.cfg.Log.Debug("a download was cut", "session", c.ChatID, "error", err)
	}
}

func (s *Server) openDownload(ctx context.Context, c *Call) (*proxy.Download, error) {
	visit, err := s.flex.Visit(ctx, c.user())
	if err != nil {
		return nil, err
	}
	defer visit.End()
	var attempt bridge.Key
	rand.Read(attempt[:])
	return s.transfers.Download(ctx, visit.Who, proxy.Wish{FileID: c.FileID, Attempt: attempt.String()})
}

// refuseDownload answers a download that was refused or has failed.
func (s *Server) refuseDownload(w http.ResponseWriter, r *http.Request, err error) {
	if s.cfg.DownloadsOK {
		s.answer(w, r, Reply{}, err)
		return
	}
	s.answer(&failedDownload{w, downloadStatus(err)}, r, Reply{}, err)
}

// failedDownload has another status than 200.
type failedDownload struct {
	http.ResponseWriter
	status int
}

func (w *failedDownload) WriteHeader(status int) {
	if status == http.StatusOK {
		status = w.status
	}
	w.ResponseWriter.WriteHeader(status)
}

// downloadStatus is the HTTP status of a download that was not permitted.
func downloadStatus(err error) int {
	e := bridge.AsError(err)
	switch e.Code {
	case bridge.CodeFileUnknown, bridge.CodeDocument, bridge.CodeParty, bridge.CodeNotJoined, bridge.CodeLoggedOut,
		bridge.CodeSessionEnded, bridge.CodeFileForeign:
		return http.StatusNotFound
	case bridge.CodeDownloads, bridge.CodeForbidden, bridge.CodeInfected, bridge.CodeUnscannable:
		return http.StatusForbidden
	}
	if e.Retry {
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
