package gms

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"attache/bridge"
)

// FaultCode is the number that a reply has for a code.
func FaultCode(o Options, code bridge.Code) int {
	s := &Server{cfg: o.withDefaults()}
	return s.outcome(bridge.NewError(code, "")).Code
}

// Said returns the fault that a reply has for a code.
func Said(code bridge.Code) Fault {
	s := &Server{cfg: Options{}.withDefaults()}
	r, _ := s.failed(context.Background(), bridge.NewError(code, ""))
	return r.Errors[0]
}

// Failed returns the fault and the HTTP status that a reply has for an error.
func Failed(err error) (Fault, int) {
	s := &Server{cfg: Options{}.withDefaults()}
	s.cfg.Log = slog.New(slog.DiscardHandler)
	r, status := s.failed(context.Background(), err)
	return r.Errors[0], status
}

// ReadCall reads a body, and returns how many bytes its files had.
func ReadCall(r *http.Request) (*Call, int64, error) {
	c := &Call{}
	body, err := openBody(r, time.Minute)
	if err != nil {
		return nil, 0, err
	}
	var files int64
	for {
		file, err := c.read(body)
		if file == nil || err != nil {
			return c, files, err
		}
		n, err := io.Copy(io.Discard, file.file)
		files += n
		if err != nil {
			return c, files, err
		}
	}
}
