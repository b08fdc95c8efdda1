package gms

import (
	"io"
	"net/http"
	"time"

	"attache/bridge"
)

// FaultCode is the number that a reply has for a code.
func FaultCode(o Options, code bridge.Code) int {
	s := &Server{cfg: o.withDefaults()}
	return s.outcome(bridge.NewError(code, "")).Code
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
